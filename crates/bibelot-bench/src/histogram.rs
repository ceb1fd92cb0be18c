//! The histogram: how long messages took, in steps of about 3 %.

use std::time::Duration;

/// Steps to a doubling.
const STEPS: usize = 32;

/// How often each duration came, from nanoseconds to minutes.
#[derive(Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            counts: vec![0; STEPS * 40],
            total: 0,
        }
    }

    /// Adds one.
    pub fn add(&mut self, span: Duration) {
        let ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let last = self.counts.len() - 1;
        self.counts[step(ns).min(last)] += 1;
        self.total += 1;
    }

    /// What this share of all (0 to 1) does not exceed, in nanoseconds.
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return start(index) as f64;
            }
        }
        0.0
    }
}

/// Below `STEPS` a step is a nanosecond, above it a part of the doubling.
fn step(ns: u64) -> usize {
    if ns < STEPS as u64 {
        return ns as usize;
    }
    let doubling = ns.ilog2() - STEPS.ilog2();
    let part = (ns >> doubling) as usize - STEPS;
    (doubling as usize + 1) * STEPS + part
}

fn start(step: usize) -> u64 {
    if step < STEPS {
        return step as u64;
    }
    let doubling = step / STEPS - 1;
    ((STEPS + step % STEPS) as u64) << doubling
}

impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Histogram")
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_each_other_without_gaps() {
        for ns in 0..100_000 {
            let found = step(ns);
            assert!(start(found) <= ns && ns < start(found + 1), "{ns}");
        }
    }

    #[test]
    fn a_quantile_is_close_to_the_true_one() {
        let mut histogram = Histogram::new();
        for us in 1..=1000 {
            histogram.add(Duration::from_micros(us));
        }
        let median = histogram.quantile(0.5);
        assert!((480_000.0..=500_000.0).contains(&median), "{median}");
    }
}
