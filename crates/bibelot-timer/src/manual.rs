//! The manual clock: time that moves when told to.
//!
//! # Invariants
//!
//! - All clones show the same instant.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use crate::{Clock, Instant};

/// A clock moved by hand, for tests and simulated worlds. Clones are handles to one clock, on any
/// thread.
///
/// ```
/// use core::time::Duration;
///
/// use bibelot_timer::{Clock, Instant, Manual};
///
/// let hand = Manual::new();
/// let clock: Box<dyn Clock> = Box::new(hand.clone());
/// hand.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now(), Instant::ZERO + Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Manual {
    // The number is all that is shared, nothing is published by it: relaxed accesses do.
    nanos: Arc<AtomicU64>,
}

impl Manual {
    /// A clock that shows [`Instant::ZERO`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock on by `span`, at most to [`Instant::FAR`]; gives the new instant.
    pub fn advance(&self, span: Duration) -> Instant {
        let mut seen = self.nanos.load(Ordering::Relaxed);
        loop {
            let next = Instant::from_nanos(seen) + span;
            let swap = self.nanos.compare_exchange_weak(
                seen,
                next.as_nanos(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match swap {
                Ok(_) => return next,
                Err(actual) => seen = actual,
            }
        }
    }

    /// Sets the clock to `now`, also back.
    pub fn set(&self, now: Instant) {
        self.nanos.store(now.as_nanos(), Ordering::Relaxed);
    }
}

impl Clock for Manual {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_show_the_same_instant() {
        let one = Manual::new();
        let two = one.clone();
        assert_eq!(one.advance(Duration::from_nanos(5)), Instant::from_nanos(5));
        assert_eq!(two.now(), Instant::from_nanos(5));
        two.set(Instant::from_nanos(2));
        assert_eq!(one.now(), Instant::from_nanos(2));
    }

    #[test]
    fn advancing_stops_at_the_end_of_time() {
        let clock = Manual::new();
        assert_eq!(clock.advance(Duration::MAX), Instant::FAR);
        assert_eq!(clock.advance(Duration::from_nanos(1)), Instant::FAR);
    }
}
