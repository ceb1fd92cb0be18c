//! The unpark: how a thread that sleeps in a reactor is woken, without a system call when it is awake.
//!
//! One word says whether the reactor's thread is awake, asleep or told to wake. Only the wake that
//! finds it asleep pays for a kick (an eventfd write, a poller's notify); all others are one atomic
//! swap. A wake that comes before the sleep turns the sleep into a look.
//!
//! # Invariants
//!
//! - After [`Unpark::wake`], the next [`Unpark::sleep`] answers `false`, or the sleep under way is
//!   kicked: a wake is never lost.
//! - Of many wakes during one sleep, one kicks.

use std::fmt;
use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::atomic::{AtomicU8, Ordering};

/// The reactor's thread is running.
const AWAKE: u8 = 0;
/// The reactor's thread sleeps, or is about to: a wake must kick.
const ASLEEP: u8 = 1;
/// A wake has come since the reactor's thread last looked.
const TOLD: u8 = 2;

/// The state of one reactor's sleep, shared with its wakers.
pub struct Unpark<K> {
    state: AtomicU8,
    kick: K,
}

impl<K: Fn() + Send + Sync + 'static> Unpark<K> {
    /// A thread that is awake; `kick` ends its sleep from any thread.
    pub fn new(kick: K) -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(AWAKE),
            kick,
        })
    }

    /// Announces a sleep. `false` means that a wake has come already, which is consumed: look at what
    /// there is, do not sleep.
    #[must_use]
    pub fn sleep(&self) -> bool {
        // SeqCst: the announcement must be ordered against the waker's message, which the caller
        // checks for after this; release alone would let both sides miss each other.
        match self
            .state
            .compare_exchange(AWAKE, ASLEEP, Ordering::SeqCst, Ordering::SeqCst)
        {
            Ok(_) => true,
            Err(_) => {
                self.woke();
                false
            }
        }
    }

    /// Whether a wake has come that was not consumed.
    #[must_use]
    pub fn is_told(&self) -> bool {
        // Relaxed: whoever acts on it consumes the wake, which orders.
        self.state.load(Ordering::Relaxed) == TOLD
    }

    /// Ends a sleep, or looks without sleeping; a wake that has come is consumed. Whether one had.
    #[inline]
    pub fn woke(&self) -> bool {
        // Relaxed: nothing is consumed. A wake that this look misses stays for the next, or for the sleep.
        if self.state.load(Ordering::Relaxed) == AWAKE {
            return false;
        }
        // Acquire pairs with the release of `wake`: what the waker did before is visible after.
        self.state.swap(AWAKE, Ordering::AcqRel) == TOLD
    }

    /// Wakes the reactor's thread, from any thread.
    pub fn wake(&self) {
        if self.state.swap(TOLD, Ordering::SeqCst) == ASLEEP {
            (self.kick)();
        }
    }

    /// This wake as a waker.
    #[must_use]
    pub fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::new(Handle(self.clone())))
    }
}

struct Handle<K>(Arc<Unpark<K>>);

impl<K: Fn() + Send + Sync + 'static> Wake for Handle<K> {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake();
    }
}

impl<K> fmt::Debug for Unpark<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state.load(Ordering::Relaxed) {
            AWAKE => "awake",
            ASLEEP => "asleep",
            _ => "told",
        };
        f.debug_struct("Unpark").field("state", &state).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn counted() -> (
        Arc<Unpark<impl Fn() + Send + Sync + 'static>>,
        Arc<AtomicUsize>,
    ) {
        let kicks = Arc::new(AtomicUsize::new(0));
        let counter = kicks.clone();
        let kick = move || {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        (Unpark::new(kick), kicks)
    }

    #[test]
    fn a_wake_before_the_sleep_turns_it_into_a_look() {
        let (unpark, kicks) = counted();
        unpark.waker().wake();
        assert!(!unpark.sleep());
        assert!(unpark.sleep());
        assert_eq!(kicks.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn of_many_wakes_during_a_sleep_one_kicks() {
        let (unpark, kicks) = counted();
        assert!(unpark.sleep());
        let waker = unpark.waker();
        assert!(!unpark.is_told());
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert!(unpark.is_told());
        assert_eq!(kicks.load(Ordering::Relaxed), 1);
        assert!(unpark.woke());
        assert!(!unpark.woke());
    }
}
