//! Locks: a value that one task at a time may use, or many that only read.

use std::fmt;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::generic::{self, LockGuard, ReadGuard, Shell, WriteGuard};

/// The future of [`Lock::lock`].
pub type Locking<'a, T, S> = WaitFuture<generic::Locking<'a, T, S>>;

/// The future of [`RwLock::read`].
pub type Reading<'a, T, S> = WaitFuture<generic::Reading<'a, T, S>>;

/// The future of [`RwLock::write`].
pub type Writing<'a, T, S> = WaitFuture<generic::Writing<'a, T, S>>;

/// A value that one task at a time may use.
///
/// Clones are handles to the same lock. A lock that is let go of is handed to whoever has waited longest.
/// A panic while it is held lets it go.
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
#[doc(alias = "Mutex")]
pub struct Lock<T, S: Shell>(pub(super) generic::Lock<T, S>);

impl<T, S: Shell> Lock<T, S> {
    /// A free lock around `value`.
    pub fn new(value: T) -> Self {
        Self(generic::Lock::new(value))
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
    #[inline]
    pub fn lock(&self) -> Locking<'_, T, S> {
        wait_future(Wait::Lock, self.0.lock())
    }

    /// Takes the lock if it is free.
    #[must_use]
    #[inline]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T, S>> {
        self.0.try_lock()
    }

    /// Whether it is taken.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

impl<T, S: Shell> Clone for Lock<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Default, S: Shell> Default for Lock<T, S> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, S: Shell> fmt::Debug for Lock<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value that many tasks may read or one may change.
///
/// Readers and writers stand in one line, so neither starves the other. Clones are handles to the same
/// lock.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let shelf = bibelot::RwLock::new(vec!["brie"]);
/// let (one, other) = (shelf.read().await?, shelf.read().await?);
/// assert_eq!(one.len() + other.len(), 2);
/// drop((one, other));
/// shelf.write().await?.push("stilton");
/// # bibelot::Ok(()) }).unwrap();
/// ```
pub struct RwLock<T, S: Shell>(pub(super) generic::RwLock<T, S>);

impl<T, S: Shell> RwLock<T, S> {
    /// A free lock around `value`.
    pub fn new(value: T) -> Self {
        Self(generic::RwLock::new(value))
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
    pub fn read(&self) -> Reading<'_, T, S> {
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
    pub fn write(&self) -> Writing<'_, T, S> {
        wait_future(Wait::Lock, self.0.write())
    }

    /// Reads the value if nobody changes it or waits.
    #[must_use]
    pub fn try_read(&self) -> Option<ReadGuard<'_, T, S>> {
        self.0.try_read()
    }

    /// How many read the value, or were granted that.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.0.readers()
    }

    /// Whether somebody changes the value, or was granted that.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.0.is_writing()
    }

    /// Changes the value if nobody uses it or waits.
    #[must_use]
    pub fn try_write(&self) -> Option<WriteGuard<'_, T, S>> {
        self.0.try_write()
    }
}

impl<T, S: Shell> Clone for RwLock<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Default, S: Shell> Default for RwLock<T, S> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, S: Shell> fmt::Debug for RwLock<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
