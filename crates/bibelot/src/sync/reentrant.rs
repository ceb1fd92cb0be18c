//! The reentrant lock: the task that has it may take it again.

use std::fmt;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::Owner;
use bibelot_sync::generic::{self, ReentrantGuard, Shell};

use super::owner::asking;

/// The future of [`ReentrantLock::lock`].
pub type ReentrantLocking<'a, T, S> = WaitFuture<generic::ReentrantLocking<'a, T, S>>;

/// A value that one task at a time may use, which may take the lock again while holding it.
///
/// Clones are handles to the same lock. It goes from task to task in the order in which they ask. Since a
/// task may have several guards, they give the value to be read only: put a `Cell` or `RefCell` into it.
///
/// The owner is the task that calls [`lock`](Self::lock), so futures that are joined within one task count
/// as the same owner. Outside a task, and on plain threads, it is the thread. A guard may be dropped
/// anywhere.
///
/// Curio: `RLock`.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use bibelot::ReentrantLock;
///
/// async fn deposit(account: &ReentrantLock<Cell<i32>>, sum: i32) -> bibelot::Result<()> {
///     let balance = account.lock().await?;
///     balance.set(balance.get() + sum);
///     Ok(())
/// }
///
/// # bibelot::run(async {
/// let account = ReentrantLock::new(Cell::new(0));
/// let held = account.lock().await?;
/// deposit(&account, 5).await?;
/// deposit(&account, 7).await?;
/// assert_eq!(held.get(), 12);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[doc(alias = "RLock")]
pub struct ReentrantLock<T, S: Shell>(pub(super) generic::ReentrantLock<T, S>);

impl<T, S: Shell> ReentrantLock<T, S> {
    /// A free lock around `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(generic::ReentrantLock::new(value))
    }

    /// Takes the lock: at once, if it is free or the task that calls has it; else in turn.
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
    pub fn lock(&self) -> ReentrantLocking<'_, T, S> {
        wait_future(Wait::Lock, self.0.lock(asking()))
    }

    /// Takes the lock, if it is free or the task that calls has it.
    #[must_use]
    pub fn try_lock(&self) -> Option<ReentrantGuard<'_, T, S>> {
        self.0.try_lock(asking())
    }

    /// Whether somebody has the lock.
    #[must_use]
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.depth() > 0
    }

    /// Who has the lock, or was granted it.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        self.0.owner()
    }

    /// How many times the owner has taken it, or was granted it.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.depth()
    }
}

impl<T, S: Shell> Clone for ReentrantLock<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, S: Shell> fmt::Debug for ReentrantLock<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
