//! Locks: a value that one task at a time may use, or many that only read.

use std::fmt;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::local::{self, LockGuard, ReadGuard, WriteGuard};

/// The future of [`Lock::lock`].
pub type Locking<'a, T> = WaitFuture<local::Locking<'a, T>>;

/// The future of [`RwLock::read`].
pub type Reading<'a, T> = WaitFuture<local::Reading<'a, T>>;

/// The future of [`RwLock::write`].
pub type Writing<'a, T> = WaitFuture<local::Writing<'a, T>>;

/// A value that one task at a time may use.
///
/// Clones are handles to the same lock. A lock that is let go of is handed to whoever has waited longest.
/// A panic while it is held lets it go. It is for the tasks of one kernel; [`bibelot_sync::Lock`] is its
/// twin for any thread.
///
/// Curio: `Lock`.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let sum = bibelot::Lock::new(0);
/// *sum.lock().await? += 1;
/// assert_eq!(*sum.lock().await?, 1);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Lock<T>(local::Lock<T>);

impl<T> Lock<T> {
    /// A free lock around `value`.
    pub fn new(value: T) -> Self {
        Self(local::Lock::new(value))
    }

    /// Takes the lock, waiting for it if it is taken; at once, and without being a cancel point, if not.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop before it had the lock.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, also when it is dropped; a lock that it had been handed is handed on when it is
    /// dropped, and taken when it is asked to stop.
    #[track_caller]
    pub fn lock(&self) -> Locking<'_, T> {
        wait_future(Wait::Lock, self.0.lock())
    }

    /// Takes the lock if it is free and nobody waits for it.
    #[must_use]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        self.0.try_lock()
    }

    /// Whether it is taken.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value that many tasks may read or one may change.
///
/// Readers and writers stand in one line, so neither starves the other. Clones are handles to the same
/// lock. It is for the tasks of one kernel; [`bibelot_sync::RwLock`] is its twin for any thread.
#[derive(Clone, Default)]
pub struct RwLock<T>(local::RwLock<T>);

impl<T> RwLock<T> {
    /// A free lock around `value`.
    pub fn new(value: T) -> Self {
        Self(local::RwLock::new(value))
    }

    /// Waits until the value may be read.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop before that.
    ///
    /// # Cancellation
    ///
    /// As [`Lock::lock`].
    #[track_caller]
    pub fn read(&self) -> Reading<'_, T> {
        wait_future(Wait::Lock, self.0.read())
    }

    /// Waits until the value may be changed.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop before that.
    ///
    /// # Cancellation
    ///
    /// As [`Lock::lock`].
    #[track_caller]
    pub fn write(&self) -> Writing<'_, T> {
        wait_future(Wait::Lock, self.0.write())
    }

    /// Reads the value if nobody changes it or waits.
    #[must_use]
    pub fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        self.0.try_read()
    }

    /// Changes the value if nobody uses it or waits.
    #[must_use]
    pub fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        self.0.try_write()
    }
}

impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
