//! The semaphore: permits for so many tasks at a time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{Cancelled, Wait, WaitFuture, wait_future};
use bibelot_sync::local::{self, Permit};
use bibelot_sync::{OverRelease, TooManyPermits, TryAcquireError};

/// Permits for so many tasks at a time.
///
/// A permit that is dropped is handed to whoever has waited longest; whoever asks for many holds up those
/// behind, so that nobody starves. Clones are handles to the same semaphore. It is for the tasks of one
/// kernel; [`bibelot_sync::Semaphore`] is its twin for any thread.
///
/// Curio: `Semaphore`, `BoundedSemaphore`.
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
#[derive(Clone)]
pub struct Semaphore(local::Semaphore);

impl Semaphore {
    /// A semaphore with so many permits, all free.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Self(local::Semaphore::new(permits))
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
    pub fn acquire(&self) -> Acquire<'_> {
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
    pub fn acquire_many(&self, count: usize) -> Acquire<'_> {
        Acquire(wait_future(Wait::Semaphore, self.0.acquire_many(count)))
    }

    /// Takes a permit if one is free and nobody waits.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`].
    pub fn try_acquire(&self) -> Result<Permit<'_>, TryAcquireError> {
        self.0.try_acquire()
    }

    /// Adds permits.
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

    /// Closes it: nobody gets a permit any more, those that wait are told so.
    pub fn close(&self) {
        self.0.close();
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a semaphore gave no permit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// It is closed.
    #[error("the semaphore is closed")]
    Closed,
    /// The wait was asked to stop; nothing was taken.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<AcquireError> for crate::Error {
    fn from(error: AcquireError) -> Self {
        match error {
            AcquireError::Closed => Self::Closed,
            AcquireError::Cancelled(cancelled) => Self::Cancelled(cancelled),
        }
    }
}

/// The future of [`Semaphore::acquire`].
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct Acquire<'a>(WaitFuture<local::Acquire<'a>>);

impl<'a> Future for Acquire<'a> {
    type Output = Result<Permit<'a>, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(AcquireError::Closed),
            Err(cancelled) => Err(AcquireError::Cancelled(cancelled)),
        })
    }
}
