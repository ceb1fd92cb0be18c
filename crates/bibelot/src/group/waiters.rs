//! The waiters: wakers in a list, each found again by its ticket.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Who is to be woken.
#[derive(Default)]
pub(super) struct Waiters {
    last: u64,
    wakers: Vec<(u64, Waker)>,
}

impl Waiters {
    /// Leaves `waker`, in the place of the one that the ticket names if it is still there. Returns a
    /// waker to drop.
    pub(super) fn add(&mut self, ticket: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        let place = self
            .wakers
            .iter_mut()
            .find(|(held, _)| Some(*held) == *ticket);
        if let Some((_, old)) = place {
            return Some(mem::replace(old, waker));
        }
        self.last += 1;
        *ticket = Some(self.last);
        self.wakers.push((self.last, waker));
        None
    }

    /// Takes the waker back, to be dropped.
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        let index = self.wakers.iter().position(|(held, _)| *held == ticket)?;
        Some(self.wakers.remove(index).1)
    }

    /// Takes all wakers, to be woken.
    pub(super) fn take(&mut self) -> Woken {
        Woken(mem::take(&mut self.wakers))
    }
}

/// Wakers that were taken.
#[must_use]
pub(super) struct Woken(Vec<(u64, Waker)>);

impl Woken {
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn wake(self) {
        drop(self);
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        for (_, waker) in self.0.drain(..) {
            // A waker that panics does not keep the others asleep.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}
