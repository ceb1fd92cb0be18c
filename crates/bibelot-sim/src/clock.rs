//! The clock: the virtual time of a simulated world.
//!
//! Time stands still while programs run and jumps while they wait: only the world moves it, inside
//! [`Reactor::poll`](bibelot_reactor::Reactor::poll).

use std::cell::Cell;
use std::rc::Rc;

use bibelot_timer::{Clock, Instant};

/// Shows the time of a simulated world. Copies show the same time.
///
/// It begins at [`Instant::ZERO`] and never reaches [`Instant::FAR`].
#[derive(Clone, Debug, Default)]
pub struct SimClock(Rc<Cell<u64>>);

impl SimClock {
    pub(crate) fn now_ns(&self) -> u64 {
        self.0.get()
    }

    /// Moves on to `at_ns`; time does not go back.
    pub(crate) fn jump(&self, at_ns: u64) {
        self.0.set(at_ns.min(u64::MAX - 1).max(self.0.get()));
    }
}

impl Clock for SimClock {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_jumps_ahead_and_never_back() {
        let clock = SimClock::default();
        let copy = clock.clone();
        clock.jump(7);
        clock.jump(3);
        assert_eq!(copy.now(), Instant::from_nanos(7));
        clock.jump(u64::MAX);
        assert!(copy.now() < Instant::FAR);
    }
}
