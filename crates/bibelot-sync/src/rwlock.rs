//! The read-write lock: a value that many may read or one may change.
//!
//! `state` is the machine, `wait` the futures, `guard` what they give.

mod guard;
mod state;
mod wait;

use std::fmt;
use std::time::Duration;

pub use guard::{OwnedReadGuard, OwnedWriteGuard, ReadGuard, WriteGuard};
pub use wait::{Reading, Writing};

use crate::blocking::{block_on, block_on_timeout};
use crate::shell::sealed::{Cell, Shared, act};
use crate::shell::{Figure, Shell, Universal, print};
use crate::waiter::Waiter;
use state::State;
use wait::{UntilRead, UntilWritten};

/// A value that many may read at a time, or one may change, in the order in which they ask.
///
/// Clones are handles to the same lock. Readers and writers stand in one line: neither kind can starve
/// the other. Who comes to read while a writer waits, waits behind it; so whoever reads must not ask to
/// read again before it lets go, or both wait for the writer that waits for them. A panic of a holder lets
/// go and poisons nothing.
///
/// The value is shared by counted pointers, so in the universal shell it has to be `Send + Sync`. Reading
/// it costs a pointer; each `&mut` that is taken from a [`WriteGuard`] makes sure that no other pointer is
/// left, which in the universal shell is one atomic exchange: take it once for a loop.
///
/// # Examples
///
/// ```
/// use bibelot_sync::RwLock;
///
/// let routes = RwLock::new(vec!["/"]);
/// let (one, other) = (routes.read_blocking(), routes.read_blocking());
/// assert_eq!((one.len(), other.len()), (1, 1));
/// assert!(routes.try_write().is_none());
/// drop((one, other));
/// routes.write_blocking().push("/cheese");
/// assert_eq!(*routes.read_blocking(), ["/", "/cheese"]);
/// ```
pub struct RwLock<T, S: Shell> {
    cell: S::Cell<State<S::Shared<T>>>,
}

impl<T, S: Shell> RwLock<T, S> {
    /// A lock around `value`, free to be taken.
    #[must_use]
    pub fn new(value: T) -> Self {
        let cell = Cell::new(State::new(S::Shared::new(value)));
        Self { cell }
    }

    /// Takes the lock for reading, waiting while somebody writes or waits.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line; a lock that it had been granted already goes to the next.
    #[inline]
    pub fn read(&self) -> Reading<'_, T, S> {
        Reading(Waiter::new(&self.cell, UntilRead::new()))
    }

    /// Takes the lock for writing, waiting while somebody has it or waits.
    ///
    /// # Cancellation
    ///
    /// As for [`read`](Self::read). Readers that waited behind this writer only go on at once.
    #[inline]
    pub fn write(&self) -> Writing<'_, T, S> {
        Writing(Waiter::new(&self.cell, UntilWritten::new()))
    }

    /// Takes the lock for reading if nobody writes or waits.
    #[inline]
    pub fn try_read(&self) -> Option<ReadGuard<'_, T, S>> {
        let value = act(&self.cell, |state, _| state.try_read())?;
        Some(ReadGuard::new(&self.cell, value))
    }

    /// Takes the lock for writing if it is free.
    #[inline]
    pub fn try_write(&self) -> Option<WriteGuard<'_, T, S>> {
        let value = act(&self.cell, |state, _| state.try_write())?;
        Some(WriteGuard::new(&self.cell, value))
    }

    /// How many have the lock for reading, or were granted it.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.cell.look(State::readers)
    }

    /// Whether somebody has the lock for writing, or was granted it.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.cell.look(State::is_writing)
    }
}

impl<T> RwLock<T, Universal> {
    /// [`read`](Self::read), blocking the thread.
    pub fn read_blocking(&self) -> ReadGuard<'_, T, Universal> {
        block_on(self.read())
    }

    /// [`write`](Self::write), blocking the thread.
    pub fn write_blocking(&self) -> WriteGuard<'_, T, Universal> {
        block_on(self.write())
    }

    /// [`read`](Self::read), blocking the thread for no longer than `limit`; `None` if the time was up
    /// first.
    pub fn read_timeout(&self, limit: Duration) -> Option<ReadGuard<'_, T, Universal>> {
        block_on_timeout(&mut self.read(), limit)
    }

    /// [`write`](Self::write), blocking the thread for no longer than `limit`; `None` if the time was up
    /// first.
    pub fn write_timeout(&self, limit: Duration) -> Option<WriteGuard<'_, T, Universal>> {
        block_on_timeout(&mut self.write(), limit)
    }
}

impl<T, S: Shell> Clone for RwLock<T, S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<T: Default, S: Shell> Default for RwLock<T, S> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, S: Shell> fmt::Debug for RwLock<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "RwLock", &self.cell, |state| {
            [
                ("readers", Figure::Count(state.readers())),
                ("writing", Figure::Flag(state.is_writing())),
                ("waiters", Figure::Count(state.waiters.len())),
            ]
        })
    }
}
