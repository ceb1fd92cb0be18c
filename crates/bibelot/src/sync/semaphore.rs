//! The semaphore: permits for so many tasks at a time.

use std::fmt;

use bibelot_kernel::Wait;
use bibelot_sync::generic::{self, Permit, Shell};
use bibelot_sync::{OverRelease, TooManyPermits, TryAcquireError};

use super::error::AcquireError;
use super::wait_or::WaitOr;

/// The future of [`Semaphore::acquire`].
pub type Acquire<'a, S> = WaitOr<generic::Acquire<'a, S>, AcquireError>;

/// Permits for so many tasks at a time.
///
/// A permit that is dropped is handed to whoever has waited longest; whoever asks for many holds up those
/// behind, so that nobody starves. Clones are handles to the same semaphore.
///
/// Curio: `Semaphore`, `BoundedSemaphore`: more cannot be released than was taken.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let seats = bibelot::Semaphore::new(2);
/// let _first = seats.acquire().await?;
/// let _second = seats.acquire().await?;
/// assert_eq!(seats.available_permits(), 0);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[doc(alias = "BoundedSemaphore")]
pub struct Semaphore<S: Shell>(pub(super) generic::Semaphore<S>);

impl<S: Shell> Semaphore<S> {
    /// A semaphore with so many permits, all free.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Self(generic::Semaphore::new(permits))
    }

    /// Takes a permit, waiting for one if none is free.
    ///
    /// # Errors
    ///
    /// [`AcquireError`], when the semaphore is closed or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once. A permit that it had been handed is taken when it is asked to stop, and handed on
    /// when it is dropped.
    #[track_caller]
    #[inline]
    pub fn acquire(&self) -> Acquire<'_, S> {
        self.acquire_many(1)
    }

    /// Takes so many permits at once.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    #[track_caller]
    #[inline]
    pub fn acquire_many(&self, count: usize) -> Acquire<'_, S> {
        WaitOr::new(Wait::Semaphore, self.0.acquire_many(count))
    }

    /// Takes a permit if one is free and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`].
    pub fn try_acquire(&self) -> Result<Permit<'_, S>, TryAcquireError> {
        self.0.try_acquire()
    }

    /// Takes so many permits if they are free and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`].
    pub fn try_acquire_many(&self, count: usize) -> Result<Permit<'_, S>, TryAcquireError> {
        self.0.try_acquire_many(count)
    }

    /// Adds permits, which raises the [`bound`](Self::bound).
    ///
    /// # Errors
    ///
    /// [`TooManyPermits`], when there would be more than can be counted.
    pub fn add_permits(&self, more: usize) -> Result<(), TooManyPermits> {
        self.0.add_permits(more)
    }

    /// Gives back permits that were forgotten.
    ///
    /// # Errors
    ///
    /// [`OverRelease`], when fewer had been.
    pub fn release(&self, count: usize) -> Result<(), OverRelease> {
        self.0.release(count)
    }

    /// How many permits are free.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.0.available_permits()
    }

    /// How many permits there are, free or not. Curio: `BoundedSemaphore.bound`.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.0.bound()
    }

    /// How many permits were forgotten and not given back.
    #[must_use]
    pub fn forgotten(&self) -> usize {
        self.0.forgotten()
    }

    /// Whether no permit is free. Curio: `locked`.
    #[must_use]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.available_permits() == 0
    }

    /// Closes it: nobody gets a permit any more, those that wait are told so.
    pub fn close(&self) {
        self.0.close();
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl<S: Shell> Clone for Semaphore<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Shell> fmt::Debug for Semaphore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
