//! The wakes that a change brings: collected under the lock, carried out after it.
//!
//! Most changes wake nobody or one, so the first waker has a place on the stack; more go into a buffer
//! that lives with the primitive and is lent out while they are woken.
//!
//! # Invariants
//!
//! - Wakers are woken in the order in which they were collected, and all of them: a waker that panics
//!   is contained, since neither its neighbours nor the caller can do anything about it.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Where a state machine puts the wakers of those it has served.
pub(crate) struct Wakes<'a> {
    first: &'a mut Option<Waker>,
    more: &'a mut Vec<Waker>,
}

impl<'a> Wakes<'a> {
    pub(crate) fn new(first: &'a mut Option<Waker>, more: &'a mut Vec<Waker>) -> Self {
        Self { first, more }
    }

    pub(crate) fn push(&mut self, waker: Waker) {
        match self.first {
            None => *self.first = Some(waker),
            Some(_) => self.more.push(waker),
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
