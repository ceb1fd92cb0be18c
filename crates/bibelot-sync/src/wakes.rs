//! The wakes that a change brings: collected under the lock, carried out after it.
//!
//! The buffer lives with the primitive. A single waker is taken out of it; of many, the buffer itself is
//! lent out while they are woken. Either way nothing is allocated once it has grown.
//!
//! # Invariants
//!
//! - Wakers are woken in the order in which they were collected, and all of them: a waker that panics
//!   is contained, since neither its neighbours nor the caller can do anything about it.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Where a state machine puts the wakers of those it has served.
#[derive(Debug, Default)]
pub(crate) struct Wakes(Vec<Waker>);

/// The wakes of one change.
pub(crate) enum Due {
    One(Waker),
    Many(Wakes),
}

impl Wakes {
    pub(crate) fn push(&mut self, waker: Waker) {
        self.0.push(waker);
    }

    /// Takes out what has been collected.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Due> {
        if self.0.is_empty() {
            return None;
        }
        Some(self.take_some())
    }

    #[inline(never)]
    fn take_some(&mut self) -> Due {
        match self.0.pop() {
            Some(waker) if self.0.is_empty() => Due::One(waker),
            last => {
                self.0.extend(last);
                Due::Many(mem::take(self))
            }
        }
    }

    /// Wakes all, which leaves the buffer empty.
    pub(crate) fn wake_all(&mut self) {
        self.0.drain(..).for_each(wake);
    }

    /// Keeps `spare` for the next changes, if this has no buffer; returns what is not needed.
    pub(crate) fn keep(&mut self, spare: Self) -> Self {
        match self.0.capacity() {
            0 => mem::replace(self, spare),
            _ => spare,
        }
    }
}

/// Wakes one. The panic hook has its say if that panics; nothing else happens.
pub(crate) fn wake(waker: Waker) {
    contain(|| waker.wake());
}

/// Drops a waker that is not needed.
pub(crate) fn discard(waker: Option<Waker>) {
    if let Some(waker) = waker {
        contain(|| drop(waker));
    }
}

fn contain(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        // Its drop is the code of users too, and could panic again.
        mem::forget(payload);
    }
}
