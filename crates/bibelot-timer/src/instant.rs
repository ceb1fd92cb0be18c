//! The instant: a point of kernel time, in nanoseconds since the kernel's start.
//!
//! A `u64` of nanoseconds lasts 584 years. Arithmetic saturates: what would lie before the start is
//! [`Instant::ZERO`], what would lie beyond the end is [`Instant::FAR`].
//!
//! # Invariants
//!
//! - [`Instant::FAR`] means *never*, and whatever is added to or taken from it, it stays never.

use core::fmt;
use core::ops::{Add, AddAssign, Sub, SubAssign};
use core::time::Duration;

/// A point of kernel time, in nanoseconds since the kernel's start.
///
/// ```
/// use core::time::Duration;
///
/// use bibelot_timer::Instant;
///
/// let start = Instant::from_nanos(1_000);
/// let later = start + Duration::from_micros(2);
/// assert_eq!(later.as_nanos(), 3_000);
/// assert_eq!(later - start, Duration::from_micros(2));
/// assert_eq!(start - later, Duration::ZERO);
/// assert_eq!(start + Duration::MAX, Instant::FAR);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Instant(u64);

impl Instant {
    /// The kernel's start.
    pub const ZERO: Self = Self(0);

    /// Never: later than every other instant, and never reached.
    pub const FAR: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the start; `u64::MAX` is [`FAR`](Self::FAR).
    #[must_use]
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start; `u64::MAX` for [`FAR`](Self::FAR).
    #[must_use]
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whether this is [`FAR`](Self::FAR), which never comes.
    #[must_use]
    #[inline]
    pub const fn is_never(self) -> bool {
        self.0 == u64::MAX
    }

    /// The instant `span` later, or [`FAR`](Self::FAR) if there is none.
    #[must_use]
    #[inline]
    pub const fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos_of(span)))
    }

    /// The instant `span` earlier, or [`ZERO`](Self::ZERO) if there is none. Never stays never.
    #[must_use]
    #[inline]
    pub const fn saturating_sub(self, span: Duration) -> Self {
        if self.is_never() {
            return self;
        }
        Self(self.0.saturating_sub(nanos_of(span)))
    }

    /// The instant `span` later, or `None` if there is none. Never stays never.
    #[must_use]
    #[inline]
    pub const fn checked_add(self, span: Duration) -> Option<Self> {
        let sum = self.saturating_add(span);
        if sum.is_never() && !self.is_never() {
            return None;
        }
        Some(sum)
    }

    /// The instant `span` earlier, or `None` if that lies before the start. Never stays never.
    #[must_use]
    #[inline]
    pub const fn checked_sub(self, span: Duration) -> Option<Self> {
        let nanos = span.as_nanos();
        if !self.is_never() && nanos > self.0 as u128 {
            return None;
        }
        Some(self.saturating_sub(span))
    }

    /// The time since `earlier`, or zero if `earlier` is the later one.
    #[must_use]
    #[inline]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The time since `earlier`, or `None` if `earlier` is the later one.
    #[must_use]
    #[inline]
    pub const fn checked_since(self, earlier: Self) -> Option<Duration> {
        match self.0.checked_sub(earlier.0) {
            Some(nanos) => Some(Duration::from_nanos(nanos)),
            None => None,
        }
    }
}

/// Nanoseconds of a span, at most `u64::MAX`.
#[inline]
const fn nanos_of(span: Duration) -> u64 {
    let nanos = span.as_nanos();
    if nanos > u64::MAX as u128 {
        return u64::MAX;
    }
    nanos as u64
}

impl Add<Duration> for Instant {
    type Output = Self;

    #[inline]
    fn add(self, span: Duration) -> Self {
        self.saturating_add(span)
    }
}

impl AddAssign<Duration> for Instant {
    #[inline]
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    #[inline]
    fn sub(self, span: Duration) -> Self {
        self.saturating_sub(span)
    }
}

impl SubAssign<Duration> for Instant {
    #[inline]
    fn sub_assign(&mut self, span: Duration) {
        *self = *self - span;
    }
}

impl Sub for Instant {
    type Output = Duration;

    #[inline]
    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

/// Seconds with nine places, as in `12.000350000 s`; [`Instant::FAR`] is `never`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_never() {
            return f.write_str("never");
        }
        let (secs, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        write!(f, "{secs}.{nanos:09} s")
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instant({self})")
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const NANO: Duration = Duration::from_nanos(1);

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Instant::ZERO - Duration::MAX, Instant::ZERO);
        assert_eq!(Instant::ZERO + Duration::MAX, Instant::FAR);
        assert_eq!(
            Instant::from_nanos(u64::MAX - 1) + Duration::from_secs(1),
            Instant::FAR
        );
        assert_eq!(Instant::ZERO - Instant::FAR, Duration::ZERO);
        assert_eq!(Instant::FAR - Instant::ZERO, Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn never_stays_never() {
        assert_eq!(Instant::FAR + NANO, Instant::FAR);
        assert_eq!(Instant::FAR - Duration::MAX, Instant::FAR);
        assert_eq!(Instant::FAR.checked_add(NANO), Some(Instant::FAR));
        assert_eq!(Instant::FAR.checked_sub(NANO), Some(Instant::FAR));
    }

    #[test]
    fn checked_forms_tell_what_saturating_forms_hide() {
        let last = Instant::from_nanos(u64::MAX - 1);
        assert_eq!(last.checked_add(Duration::ZERO), Some(last));
        assert_eq!(last.checked_add(NANO), None);
        assert_eq!(Instant::ZERO.checked_add(Duration::MAX), None);
        assert_eq!(
            Instant::from_nanos(1).checked_sub(NANO),
            Some(Instant::ZERO)
        );
        assert_eq!(Instant::ZERO.checked_sub(NANO), None);
        assert_eq!(last.checked_sub(Duration::MAX), None);
        assert_eq!(Instant::ZERO.checked_since(last), None);
        assert_eq!(last.checked_since(last), Some(Duration::ZERO));
    }

    #[test]
    fn an_instant_shows_seconds_with_nine_places() {
        assert_eq!(
            format!("{}", Instant::from_nanos(12_000_350_001)),
            "12.000350001 s"
        );
        assert_eq!(format!("{:?}", Instant::ZERO), "Instant(0.000000000 s)");
        assert_eq!(format!("{}", Instant::FAR), "never");
    }
}
