//! The semaphore: a number of permits, taken one or many at a time.
//!
//! `state` is the machine, `wait` the future, `permit` what it gives.

mod error;
mod permit;
mod state;
mod wait;

use std::fmt;
use std::time::Duration;

pub use error::{AcquireError, OverRelease, TooManyPermits, TryAcquireError};
pub use permit::{OwnedPermit, Permit};
pub use wait::Acquire;

use crate::blocking::{block_on, block_on_timeout};
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, Universal, print};
use state::State;

/// Permits for so many at a time, in the order in which they are asked for.
///
/// Clones are handles to the same semaphore. A permit comes back when its guard is dropped.
///
/// # Examples
///
/// ```
/// use bibelot_sync::Semaphore;
///
/// let connections = Semaphore::new(2);
/// let first = connections.acquire_blocking().unwrap();
/// let _second = connections.acquire_blocking().unwrap();
/// assert!(connections.try_acquire().is_err());
/// drop(first);
/// assert!(connections.try_acquire().is_ok());
/// ```
pub struct Semaphore<S: Shell> {
    cell: S::Cell<State>,
}

impl<S: Shell> Semaphore<S> {
    /// A semaphore with so many permits, all free.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        let cell = Cell::new(State::new(permits));
        Self { cell }
    }

    /// Takes a permit, waiting for one if none is free.
    ///
    /// # Errors
    ///
    /// [`AcquireError`], when the semaphore is closed first.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line; what it had been granted already goes to the next.
    #[inline]
    pub fn acquire(&self) -> Acquire<'_, S> {
        self.acquire_many(1)
    }

    /// Takes `count` permits at once, waiting until so many are free. Those who ask later wait behind
    /// it, also for fewer. More than [`bound`](Self::bound) are there only after
    /// [`add_permits`](Self::add_permits).
    ///
    /// # Errors
    ///
    /// [`AcquireError`], when the semaphore is closed first.
    ///
    /// # Cancellation
    ///
    /// As for [`acquire`](Self::acquire).
    #[inline]
    pub fn acquire_many(&self, count: usize) -> Acquire<'_, S> {
        Acquire::new(&self.cell, count)
    }

    /// Takes a permit if one is free and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`].
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_, S>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `count` permits if so many are free and nobody waits for them.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`].
    #[inline]
    pub fn try_acquire_many(&self, count: usize) -> Result<Permit<'_, S>, TryAcquireError> {
        act(&self.cell, |state, _| state.try_acquire(count))?;
        Ok(Permit::new(&self.cell, count))
    }

    /// Makes `more` permits, which raises the bound.
    ///
    /// # Errors
    ///
    /// [`TooManyPermits`], when the bound would be beyond `usize::MAX`.
    pub fn add_permits(&self, more: usize) -> Result<(), TooManyPermits> {
        act(&self.cell, |state, wakes| state.add_permits(more, wakes))
    }

    /// Gives back permits that were [forgotten](Permit::forget).
    ///
    /// # Errors
    ///
    /// [`OverRelease`], when fewer had been; nothing is given back then.
    pub fn release(&self, count: usize) -> Result<(), OverRelease> {
        act(&self.cell, |state, wakes| state.release(count, wakes))
    }

    /// How many permits are free.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.cell.look(|state| state.free)
    }

    /// How many permits there are, free or not.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.cell.look(|state| state.bound)
    }

    /// How many permits were forgotten and not given back.
    #[must_use]
    pub fn forgotten(&self) -> usize {
        self.cell.look(|state| state.forgotten)
    }

    /// Closes the semaphore: all that wait, and all that come, get an error. Permits that are in use
    /// stay good.
    pub fn close(&self) {
        act(&self.cell, State::close);
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.cell.look(|state| state.closed)
    }
}

impl Semaphore<Universal> {
    /// [`acquire`](Self::acquire), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`AcquireError`], when the semaphore is closed first.
    pub fn acquire_blocking(&self) -> Result<Permit<'_, Universal>, AcquireError> {
        block_on(self.acquire())
    }

    /// [`acquire_many`](Self::acquire_many), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`AcquireError`], when the semaphore is closed first.
    pub fn acquire_many_blocking(
        &self,
        count: usize,
    ) -> Result<Permit<'_, Universal>, AcquireError> {
        block_on(self.acquire_many(count))
    }

    /// [`acquire_many`](Self::acquire_many), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`], which is `NoPermits` if the time was up first.
    pub fn acquire_many_timeout(
        &self,
        count: usize,
        limit: Duration,
    ) -> Result<Permit<'_, Universal>, TryAcquireError> {
        match block_on_timeout(&mut self.acquire_many(count), limit) {
            Some(end) => end.map_err(|AcquireError| TryAcquireError::Closed),
            None => Err(TryAcquireError::NoPermits),
        }
    }
}

impl<S: Shell> Clone for Semaphore<S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<S: Shell> fmt::Debug for Semaphore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "Semaphore", &self.cell, |state| {
            [
                ("free", Figure::Count(state.free)),
                ("bound", Figure::Count(state.bound)),
                ("closed", Figure::Flag(state.closed)),
                ("waiters", Figure::Count(state.waiters.len())),
            ]
        })
    }
}
