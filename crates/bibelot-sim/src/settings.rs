//! The settings of a world: what is drawn from which range, and how much fits where.

use std::ops::RangeInclusive;
use std::time::Duration;

/// What a simulated world is like.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How long a packet travels, a name is looked up, a job runs.
    pub(crate) latency: Span,
    /// How long a file operation takes.
    pub(crate) disk: Span,
    /// How long a turn of the kernel takes.
    pub(crate) turn_ns: u64,
    /// Whether counts may come out short, segments split and flows end early.
    pub(crate) split: bool,
    /// How many bytes may be sent on a stream and not read.
    pub(crate) send_buffer: usize,
    /// How long the buffers are that receives provide.
    pub(crate) piece_len: usize,
    /// How many descriptors the program may hold.
    pub(crate) descriptors_max: usize,
    pub(crate) deadlock_is_error: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency: Span::micros(20, 200),
            disk: Span::micros(50, 500),
            turn_ns: 0,
            split: true,
            send_buffer: 256 * 1024,
            piece_len: 16 * 1024,
            descriptors_max: 1 << 20,
            deadlock_is_error: true,
        }
    }
}

/// A range of spans of time, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) least_ns: u64,
    most_ns: u64,
}

impl Span {
    /// Into how many values a range is cut; the first is the least, the last the most.
    pub(crate) const BUCKETS: usize = 8;

    fn micros(least: u64, most: u64) -> Self {
        Self {
            least_ns: least * 1_000,
            most_ns: most * 1_000,
        }
    }

    /// Whether there is nothing to draw.
    pub(crate) fn is_fixed(self) -> bool {
        self.most_ns <= self.least_ns
    }

    /// The value of the bucket `nth`.
    pub(crate) fn bucket(self, nth: usize) -> u64 {
        let width = u128::from(self.most_ns.saturating_sub(self.least_ns));
        let part = width * nth as u128 / (Self::BUCKETS as u128 - 1);
        self.least_ns
            .saturating_add(u64::try_from(part).unwrap_or(u64::MAX))
    }
}

impl From<RangeInclusive<Duration>> for Span {
    fn from(range: RangeInclusive<Duration>) -> Self {
        let least_ns = nanos(*range.start());
        Self {
            least_ns,
            most_ns: nanos(*range.end()).max(least_ns),
        }
    }
}

impl From<Duration> for Span {
    fn from(span: Duration) -> Self {
        Self::from(span..=span)
    }
}

/// A span in nanoseconds, at most `u64::MAX`.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_reach_from_the_least_to_the_most() {
        let span = Span::from(Duration::from_nanos(3)..=Duration::MAX);
        assert_eq!(span.bucket(0), 3);
        assert_eq!(span.bucket(Span::BUCKETS - 1), u64::MAX);
        assert!((0..7).all(|nth| span.bucket(nth) < span.bucket(nth + 1)));
        assert!(Span::from(Duration::from_secs(1)).is_fixed());
    }
}
