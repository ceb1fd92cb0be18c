//! Permits in somebody's hands.

use std::fmt;
use std::mem;

use super::state::State;
use crate::shell::Shell;
use crate::shell::sealed::{Cell, act};

/// Permits of a [`Semaphore`](super::Semaphore), which come back when this is dropped.
#[must_use = "the permits come back when this is dropped"]
pub struct Permit<'a, S: Shell> {
    cell: &'a S::Cell<State>,
    count: usize,
}

/// Permits of a [`Semaphore`](super::Semaphore), with a handle of their own.
#[must_use = "the permits come back when this is dropped"]
pub struct OwnedPermit<S: Shell> {
    cell: S::Cell<State>,
    count: usize,
}

impl<'a, S: Shell> Permit<'a, S> {
    #[inline]
    pub(super) fn new(cell: &'a S::Cell<State>, count: usize) -> Self {
        Self { cell, count }
    }

    /// How many permits these are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Takes `count` of them off, as a guard of their own; `None` if these are fewer.
    pub fn split(&mut self, count: usize) -> Option<Self> {
        self.count = self.count.checked_sub(count)?;
        Some(Self::new(self.cell, count))
    }

    /// Keeps the permits out for good, or until [`release`](super::Semaphore::release) gives them back.
    pub fn forget(mut self) {
        forget(self.cell, &mut self.count);
    }

    /// The permits without their borrow of the handle, to be kept anywhere.
    pub fn into_owned(mut self) -> OwnedPermit<S> {
        let cell = self.cell.clone();
        let count = mem::take(&mut self.count);
        OwnedPermit { cell, count }
    }
}

impl<S: Shell> OwnedPermit<S> {
    /// How many permits these are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Takes `count` of them off, as a guard of their own; `None` if these are fewer.
    pub fn split(&mut self, count: usize) -> Option<Self> {
        self.count = self.count.checked_sub(count)?;
        let cell = self.cell.clone();
        Some(Self { cell, count })
    }

    /// Keeps the permits out for good, or until [`release`](super::Semaphore::release) gives them back.
    pub fn forget(mut self) {
        forget(&self.cell, &mut self.count);
    }
}

fn forget(cell: &impl Cell<State>, count: &mut usize) {
    let count = mem::take(count);
    // Forgotten and other permits are at most the bound, so the sum does not overflow.
    act(cell, |state, _| state.forgotten += count);
}

#[inline]
fn give_back(cell: &impl Cell<State>, count: usize) {
    if count > 0 && cell.with(|kept| kept.data.free_at_once(count)).is_none() {
        serve(cell, count);
    }
}

#[inline(never)]
fn serve(cell: &impl Cell<State>, count: usize) {
    act(cell, |state, wakes| state.give_back(count, wakes));
}

impl<S: Shell> Drop for Permit<'_, S> {
    #[inline]
    fn drop(&mut self) {
        give_back(self.cell, self.count);
    }
}

impl<S: Shell> Drop for OwnedPermit<S> {
    fn drop(&mut self) {
        give_back(&self.cell, self.count);
    }
}

impl<S: Shell> fmt::Debug for Permit<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({})", self.count)
    }
}

impl<S: Shell> fmt::Debug for OwnedPermit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedPermit({})", self.count)
    }
}
