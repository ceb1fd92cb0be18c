//! The waiters: wakers in a list, each found again by its ticket.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Who is to be woken.
#[derive(Default)]
pub(super) struct Waiters {
    last: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Waiters {
    /// Leaves `waker`, in the place of the one that the ticket names if it is still there. Returns a
    /// waker to drop.
    pub(super) fn add(&mut self, ticket: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        if let Some(held) = *ticket
            && let Entry::Occupied(mut place) = self.wakers.entry(held)
        {
            return Some(place.insert(waker));
        }
        self.last += 1;
        *ticket = Some(self.last);
        self.wakers.insert(self.last, waker)
    }

    /// Takes the waker back, to be dropped.
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        self.wakers.remove(&ticket)
    }

    /// Takes all wakers, to be woken.
    pub(super) fn take(&mut self) -> Woken {
        Woken(mem::take(&mut self.wakers).into_values().collect())
    }
}

/// Wakers that were taken.
#[must_use]
pub(super) struct Woken(Vec<Waker>);

impl Woken {
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// These, too.
    pub(super) fn and(mut self, more: impl IntoIterator<Item = Waker>) -> Self {
        self.0.extend(more);
        self
    }

    pub(super) fn wake(self) {
        drop(self);
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        for waker in self.0.drain(..) {
            // A waker that panics does not keep the others asleep.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}
