//! The wakes that a change brings: collected under the lock, carried out after it.
//!
//! One waker has a place of its own, since most changes wake one; more go into a buffer that is lent out
//! while they are woken and comes back. So nothing is allocated once that has grown.
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
pub(crate) struct Wakes {
    first: Option<Waker>,
    more: Vec<Waker>,
}

impl Wakes {
    #[inline]
    pub(crate) fn push(&mut self, waker: Waker) {
        match self.first {
            None => self.first = Some(waker),
            Some(_) => self.more.push(waker),
        }
    }

    /// Takes out the first waker that has been collected.
    #[inline]
    pub(crate) fn take_first(&mut self) -> Option<Waker> {
        match self.first {
            None => None,
            Some(_) => self.first.take(),
        }
    }

    /// Takes out the others, with their buffer.
    #[inline]
    pub(crate) fn take_more(&mut self) -> Option<Vec<Waker>> {
        match self.more.is_empty() {
            true => None,
            false => Some(mem::take(&mut self.more)),
        }
    }

    /// Keeps a buffer for the next changes, if there is none; returns what is not needed.
    pub(crate) fn keep(&mut self, spare: Vec<Waker>) -> Vec<Waker> {
        match self.more.capacity() {
            0 => mem::replace(&mut self.more, spare),
            _ => spare,
        }
    }
}

/// Wakes one. The panic hook has its say if that panics; nothing else happens.
#[inline(never)]
pub(crate) fn wake(waker: Waker) {
    contain(|| waker.wake());
}

/// Drops a waker that is not needed.
pub(crate) fn discard(waker: Option<Waker>) {
    if let Some(waker) = waker {
        contain(|| drop(waker));
    }
}

/// Runs code of users whose panic concerns nobody here; the panic hook has its say.
pub(crate) fn contain(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        // Its drop is the code of users too, and could panic again.
        mem::forget(payload);
    }
}
