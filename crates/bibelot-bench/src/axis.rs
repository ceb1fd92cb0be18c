//! The axis: where a value lies in a picture, and in which unit it is written.
//!
//! It begins at nothing and is even, unless the largest value is more than [`SPAN`] times the least: then equal
//! steps are equal factors.

use crate::rounds::Figure;

/// How far values may lie apart on an even axis.
const SPAN: f64 = 20.0;

/// How many ticks an even axis has, about.
const TICKS: f64 = 6.0;

/// From which value to which, and how.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Axis {
    /// The axis for such medians, up to this most.
    pub fn new(medians: &[f64], most: f64) -> Self {
        let positive = medians.iter().copied().filter(|&value| value > 0.0);
        let least = positive.fold(f64::INFINITY, f64::min);
        let is_log = least.is_finite() && most / least > SPAN;
        // A bar of the least is still seen.
        let low = if is_log {
            tens((least / 1.5).log10().floor())
        } else {
            0.0
        };
        Self {
            low,
            high: most.max(f64::MIN_POSITIVE),
            is_log,
        }
    }

    /// Whether equal steps are equal factors.
    pub fn is_log(self) -> bool {
        self.is_log
    }

    /// Where a value lies, from 0 to 1.
    pub fn place(self, value: f64) -> f64 {
        if self.is_log {
            (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
        } else {
            value / self.high
        }
    }

    /// The values at which there is a line.
    pub fn ticks(self) -> Vec<f64> {
        if self.is_log {
            return self.powers();
        }
        let rough = self.high / TICKS;
        let ten = tens(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * ten);
        let step = steps.into_iter().find(|&step| step >= rough);
        let step = step.unwrap_or(10.0 * ten);
        let count = (self.high / step).floor() as usize;
        (0..=count).map(|index| index as f64 * step).collect()
    }

    /// Powers of ten, with some between them if they are few.
    fn powers(self) -> Vec<f64> {
        let (first, last) = (self.low.log10().round(), self.high.log10().floor());
        let parts: &[f64] = if last - first < 3.0 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let decades = (0..=(last - first) as usize).map(|index| tens(first + index as f64));
        let all = decades.flat_map(|ten| parts.iter().map(move |part| part * ten));
        all.filter(|&tick| tick <= self.high).collect()
    }
}

fn tens(power: f64) -> f64 {
    10_f64.powf(power)
}

/// By what values of a figure are divided, and the unit in which they then are.
pub fn unit(figure: Figure, most: f64) -> (f64, &'static str) {
    match figure {
        Figure::Cpu | Figure::P50 | Figure::P99 if most >= 2e7 => (1e6, "ms"),
        Figure::Cpu | Figure::P50 | Figure::P99 if most >= 2e4 => (1e3, "us"),
        Figure::Cpu | Figure::P50 | Figure::P99 => (1.0, "ns"),
        Figure::Bytes => (1.0, "bytes"),
        Figure::Calls => (1.0, "system calls"),
        Figure::Instructions => (1.0, "instructions"),
        Figure::Rate => (1.0, "a second"),
        Figure::IoWait => (1.0, "ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_values_lie_on_an_even_axis() {
        let axis = Axis::new(&[10.0, 100.0], 120.0);
        assert!(!axis.is_log());
        assert_eq!(axis.place(60.0), 0.5);
        assert_eq!(axis.ticks(), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0]);
    }

    #[test]
    fn values_far_apart_lie_by_their_factors() {
        let axis = Axis::new(&[2.0, 1000.0], 10_000.0);
        assert!(axis.is_log());
        assert_eq!(axis.place(100.0), 0.5);
        assert_eq!(axis.place(0.0), 0.0);
        assert_eq!(axis.ticks(), [1.0, 10.0, 100.0, 1000.0, 10_000.0]);
    }

    #[test]
    fn nothing_has_an_axis_too() {
        let axis = Axis::new(&[0.0], 0.0);
        assert_eq!(axis.place(0.0), 0.0);
    }
}
