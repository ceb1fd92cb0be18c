//! The latch: something that happens once, waited for by tasks of any kernel and by plain threads.
//!
//! # Invariants
//!
//! - Nobody is left waiting once it is set.
//! - No waker is cloned, woken or dropped under the lock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bibelot_kernel::{Leave, Op, Park, Trap, Wait};

use crate::contain::contain;

/// A flag that is set once. Clones are the same latch.
#[derive(Clone, Default)]
pub(super) struct Latch(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_set: bool,
    last_ticket: u64,
    /// By ticket, so in the order in which they came.
    waiters: BTreeMap<u64, Waker>,
}

/// A wait for a latch, which is left by being dropped.
pub(super) type WaitLatch = Trap<LatchOp>;

impl Latch {
    /// Sets it, and wakes all that wait. A panic of a waker's keeps nobody asleep, and goes to the crash hook.
    pub(super) fn set(&self) {
        let waiters = {
            let mut state = self.lock();
            state.is_set = true;
            std::mem::take(&mut state.waiters)
        };
        for waker in waiters.into_values() {
            contain("a waker", || waker.wake());
        }
    }

    pub(super) fn is_set(&self) -> bool {
        self.lock().is_set
    }

    #[track_caller]
    pub(super) fn wait(&self, wait: Wait) -> WaitLatch {
        Trap::new(LatchOp {
            latch: self.clone(),
            ticket: None,
            wait,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can leave the state half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The wait of one future.
pub(super) struct LatchOp {
    latch: Latch,
    ticket: Option<u64>,
    wait: Wait,
}

impl LatchOp {
    fn leave_line(&mut self) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let left = self.latch.lock().waiters.remove(&ticket);
        drop(left);
    }
}

impl Op for LatchOp {
    type Out = ();

    fn take(&mut self) -> Option<()> {
        self.latch.is_set().then(|| self.ticket = None)
    }

    fn park(&mut self, waker: &Waker) -> Park<()> {
        let waker = waker.clone();
        let spare = {
            let mut state = self.latch.lock();
            if state.is_set {
                Err(waker)
            } else {
                let ticket = *self.ticket.get_or_insert_with(|| {
                    state.last_ticket += 1;
                    state.last_ticket
                });
                Ok(state.waiters.insert(ticket, waker))
            }
        };
        match spare {
            Ok(_old) => Park::Waits,
            Err(_unused) => Park::Ended(()),
        }
    }

    fn leave(&mut self) -> Leave<()> {
        self.leave_line();
        Leave::Left
    }

    fn wait(&self) -> Wait {
        self.wait
    }
}

impl Drop for LatchOp {
    fn drop(&mut self) {
        self.leave_line();
    }
}

impl fmt::Debug for LatchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LatchOp")
            .field("is_set", &self.latch.is_set())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Latch").field(&self.is_set()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn op(latch: &Latch) -> LatchOp {
        LatchOp {
            latch: latch.clone(),
            ticket: None,
            wait: Wait::Event,
        }
    }

    #[test]
    fn setting_wakes_all_that_wait_once_with_their_newest_waker() {
        let latch = Latch::default();
        let counts = [const { Count(AtomicU32::new(0)) }; 4].map(Arc::new);
        let [old, new, other, left] = &counts;
        let mut first = op(&latch);
        for waker in [old, new] {
            assert!(matches!(
                first.park(&Waker::from(waker.clone())),
                Park::Waits
            ));
        }
        let mut second = op(&latch);
        assert!(matches!(
            second.park(&Waker::from(other.clone())),
            Park::Waits
        ));
        let mut third = op(&latch);
        assert!(matches!(
            third.park(&Waker::from(left.clone())),
            Park::Waits
        ));
        drop(third);
        assert_eq!(Arc::strong_count(left), 1, "nothing is kept of who left");
        assert!(first.take().is_none());
        latch.set();
        latch.set();
        let woken = counts.map(|count| count.0.load(Ordering::Relaxed));
        assert_eq!(woken, [0, 1, 1, 0]);
        assert!(first.take().is_some() && second.take().is_some());
        assert!(matches!(op(&latch).park(Waker::noop()), Park::Ended(())));
    }

    struct Hostile;

    impl Wake for Hostile {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("hostile"));
        }
    }

    #[test]
    fn a_waker_that_panics_keeps_nobody_asleep() {
        let (latch, count) = (Latch::default(), Arc::new(Count::default()));
        let (mut first, mut second) = (op(&latch), op(&latch));
        let hostile = Waker::from(Arc::new(Hostile));
        assert!(matches!(first.park(&hostile), Park::Waits));
        assert!(matches!(
            second.park(&Waker::from(count.clone())),
            Park::Waits
        ));
        latch.set();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
