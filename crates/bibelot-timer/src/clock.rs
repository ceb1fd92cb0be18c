//! The clock: where kernel time comes from.
//!
//! Nothing in this crate reads a clock by itself; whoever owns a wheel reads one and says what time it
//! is. [`Monotonic`] is the operating system's monotonic clock, [`Manual`](crate::Manual) one that is
//! moved by hand.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::sync::Arc;

use crate::Instant;

/// Tells what time it is.
///
/// A clock should never go back. Those who use one must bear it when it does, as the wheel does.
pub trait Clock {
    /// The present instant.
    fn now(&self) -> Instant;
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Box<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Rc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

/// The monotonic clock of the operating system, counted from the moment this value was made.
///
/// Reading it is one clock read, without a system call on the usual platforms. Copies share their
/// start.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Monotonic {
    start: std::time::Instant,
}

#[cfg(feature = "std")]
impl Monotonic {
    /// A clock that shows [`Instant::ZERO`] now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }
}

#[cfg(feature = "std")]
impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "std")]
impl Clock for Monotonic {
    fn now(&self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let clock = Monotonic::new();
        let mut last = Instant::ZERO;
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
        assert!(last > Instant::ZERO);
    }

    #[test]
    fn a_clock_is_chosen_by_value() {
        let clock = Monotonic::new();
        let before = clock.now();
        let clocks: [Box<dyn Clock>; 3] = [
            Box::new(&clock),
            Box::new(Rc::new(clock)),
            Box::new(Arc::new(clock)),
        ];
        for same in clocks {
            assert!(same.now() >= before);
        }
    }
}
