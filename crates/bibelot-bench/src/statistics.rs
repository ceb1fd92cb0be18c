//! Statistics: medians, and how sure a ratio is.
//!
//! What is compared are ratios of measurements of the same round, which lie close together in time and so
//! share most of the noise. The interval of their median is that of order statistics, which assumes
//! nothing about how the noise is distributed.

/// What a list of measurements comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The middle one.
    pub median: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Median, minimum and maximum; `None` of nothing.
pub fn spread(values: &[f64]) -> Option<Summary> {
    let sorted = sorted(values);
    Some(Summary {
        median: middle(&sorted)?,
        low: *sorted.first()?,
        high: *sorted.last()?,
    })
}

/// The median, and the interval in which the true one lies with 95 %: of few values, all of them.
pub fn interval(values: &[f64]) -> Option<Summary> {
    let sorted = sorted(values);
    let rank = outer_rank(sorted.len());
    Some(Summary {
        median: middle(&sorted)?,
        low: sorted[rank],
        high: sorted[sorted.len() - 1 - rank],
    })
}

/// The ratios of two lists, round by round.
pub fn ratios(above: &[f64], below: &[f64]) -> Vec<f64> {
    above.iter().zip(below).map(|(a, b)| a / b).collect()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    match sorted.len() % 2 {
        _ if sorted.is_empty() => None,
        1 => Some(sorted[half]),
        _ => Some(f64::midpoint(sorted[half - 1], sorted[half])),
    }
}

/// The largest rank such that the median is outside of what lies between it and its mirror image in at
/// most 5 % of all cases, by the binomial distribution.
fn outer_rank(count: usize) -> usize {
    let mut tail = 0.0;
    let mut weight = 0.5_f64.powi(count as i32);
    for rank in 0..count / 2 {
        tail += weight;
        if tail > 0.025 {
            return rank.saturating_sub(1);
        }
        weight *= (count - rank) as f64 / (rank + 1) as f64;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let all = spread(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!((all.low, all.median, all.high), (1.0, 2.0, 3.0));
        assert_eq!(spread(&[1.0, 2.0]).unwrap().median, 1.5);
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn the_interval_of_fifteen_leaves_out_three_at_each_end() {
        let values: Vec<f64> = (0..15).map(f64::from).collect();
        let found = interval(&values).unwrap();
        assert_eq!((found.low, found.median, found.high), (3.0, 7.0, 11.0));
    }

    #[test]
    fn the_interval_of_few_is_all_of_them() {
        let found = interval(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((found.low, found.high), (1.0, 4.0));
    }
}
