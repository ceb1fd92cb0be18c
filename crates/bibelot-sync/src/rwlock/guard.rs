//! The rights that a read-write lock gives.
//!
//! # Invariants
//!
//! - A guard has its pointer until it is dropped or becomes another guard.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::state::State;
use crate::shell::Shell;
use crate::shell::sealed::{Shared, act};

type Cell<T, S> = <S as Shell>::Cell<State<<S as Shell>::Shared<T>>>;

/// The right to read the value of an [`RwLock`](super::RwLock), until it is dropped.
#[must_use = "the lock is let go when this is dropped"]
pub struct ReadGuard<'a, T, S: Shell> {
    cell: &'a Cell<T, S>,
    value: Option<S::Shared<T>>,
}

/// The right to change the value of an [`RwLock`](super::RwLock), until it is dropped.
#[must_use = "the lock is let go when this is dropped"]
pub struct WriteGuard<'a, T, S: Shell> {
    cell: &'a Cell<T, S>,
    value: Option<S::Shared<T>>,
}

/// The right to read the value of an [`RwLock`](super::RwLock), with a handle of its own.
#[must_use = "the lock is let go when this is dropped"]
pub struct OwnedReadGuard<T, S: Shell> {
    cell: Cell<T, S>,
    value: Option<S::Shared<T>>,
}

/// The right to change the value of an [`RwLock`](super::RwLock), with a handle of its own.
#[must_use = "the lock is let go when this is dropped"]
pub struct OwnedWriteGuard<T, S: Shell> {
    cell: Cell<T, S>,
    value: Option<S::Shared<T>>,
}

const HELD: &str = "a guard has the value until it is dropped";
const SOLE: &str = "a writer has the only pointer";

impl<'a, T, S: Shell> ReadGuard<'a, T, S> {
    #[inline]
    pub(super) fn new(cell: &'a Cell<T, S>, value: S::Shared<T>) -> Self {
        let value = Some(value);
        Self { cell, value }
    }

    /// The right to write, if nobody else reads; else this guard comes back.
    ///
    /// It goes ahead of writers that wait, since it has never let go.
    ///
    /// # Errors
    ///
    /// The guard, when there are other readers.
    pub fn try_upgrade(mut self) -> Result<WriteGuard<'a, T, S>, Self> {
        let clone = self.value.take().expect(HELD);
        let cell = self.cell;
        match act(cell, |state, _| state.try_upgrade(clone)) {
            Ok(value) => Ok(WriteGuard::new(cell, value)),
            Err(clone) => Err(Self::new(cell, clone)),
        }
    }

    /// The guard without its borrow of the handle, to be kept anywhere.
    pub fn into_owned(mut self) -> OwnedReadGuard<T, S> {
        let cell = self.cell.clone();
        let value = self.value.take();
        OwnedReadGuard { cell, value }
    }
}

impl<'a, T, S: Shell> WriteGuard<'a, T, S> {
    #[inline]
    pub(super) fn new(cell: &'a Cell<T, S>, value: S::Shared<T>) -> Self {
        let value = Some(value);
        Self { cell, value }
    }

    /// Goes on as a reader, with nobody writing in between. Those that wait to read come in with it.
    pub fn downgrade(mut self) -> ReadGuard<'a, T, S> {
        let value = self.value.take().expect(HELD);
        let clone = act(self.cell, |state, wakes| state.downgrade(value, wakes));
        ReadGuard::new(self.cell, clone)
    }

    /// The guard without its borrow of the handle, to be kept anywhere.
    pub fn into_owned(mut self) -> OwnedWriteGuard<T, S> {
        let cell = self.cell.clone();
        let value = self.value.take();
        OwnedWriteGuard { cell, value }
    }
}

#[inline]
fn end_read<T, S: Shell>(cell: &Cell<T, S>, value: &mut Option<S::Shared<T>>) {
    if let Some(value) = value.take() {
        act(cell, |state, wakes| state.end_read(value, wakes));
    }
}

#[inline]
fn end_write<T, S: Shell>(cell: &Cell<T, S>, value: &mut Option<S::Shared<T>>) {
    if let Some(value) = value.take() {
        act(cell, |state, wakes| state.end_write(value, wakes));
    }
}

impl<T, S: Shell> Drop for ReadGuard<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        end_read::<T, S>(self.cell, &mut self.value);
    }
}

impl<T, S: Shell> Drop for WriteGuard<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        end_write::<T, S>(self.cell, &mut self.value);
    }
}

impl<T, S: Shell> Drop for OwnedReadGuard<T, S> {
    fn drop(&mut self) {
        end_read::<T, S>(&self.cell, &mut self.value);
    }
}

impl<T, S: Shell> Drop for OwnedWriteGuard<T, S> {
    fn drop(&mut self) {
        end_write::<T, S>(&self.cell, &mut self.value);
    }
}

impl<T, S: Shell> DerefMut for WriteGuard<'_, T, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(HELD).sole().expect(SOLE)
    }
}

impl<T, S: Shell> DerefMut for OwnedWriteGuard<T, S> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(HELD).sole().expect(SOLE)
    }
}

/// Reading through a guard, and printing what is read.
macro_rules! read_through {
    ($([$($life:lifetime)?] $guard:ident),*) => {$(
        impl<T, S: Shell> Deref for $guard<$($life,)? T, S> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                self.value.as_deref().expect(HELD)
            }
        }

        impl<T: fmt::Debug, S: Shell> fmt::Debug for $guard<$($life,)? T, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    )*};
}

read_through!(['_] ReadGuard, ['_] WriteGuard, [] OwnedReadGuard, [] OwnedWriteGuard);
