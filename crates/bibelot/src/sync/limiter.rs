//! The capacity limiter: so many tokens, each in the name of the task that has it.

use std::fmt;

use bibelot_kernel::Wait;
use bibelot_sync::generic::{self, Shell, Token};
use bibelot_sync::{Owner, TryBorrowError};

use super::error::BorrowError;
use super::owner::asking;
use super::wait_or::WaitOr;

/// The future of [`CapacityLimiter::borrow`].
pub type Borrowing<'a, S> = WaitOr<generic::Borrowing<'a, S>, BorrowError>;

/// Limits how many tasks do something at a time, knows who they are, and can be changed while in use.
///
/// A [`Semaphore`](super::Semaphore) whose permits have names: a task has at most one token, so one that
/// borrows twice hears of it instead of waiting for itself. The total may be lowered below what is lent;
/// then nothing is lent until enough has come back. Clones are handles to the same limiter.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let limiter = bibelot::CapacityLimiter::new(1);
/// let token = limiter.borrow().await?;
/// assert!(limiter.borrow().await.is_err(), "it has one");
/// drop(token);
/// assert_eq!(limiter.available(), 1);
/// # bibelot::Ok(()) }).unwrap();
/// ```
pub struct CapacityLimiter<S: Shell>(pub(super) generic::CapacityLimiter<S>);

impl<S: Shell> CapacityLimiter<S> {
    /// A limiter with so many tokens; `usize::MAX` for no limit.
    #[must_use]
    pub fn new(total: usize) -> Self {
        Self(generic::CapacityLimiter::new(total))
    }

    /// Borrows a token in the name of the task that calls, waiting for one if none is free. Outside a task
    /// it is in the name of the thread.
    ///
    /// # Errors
    ///
    /// [`BorrowError`], when the task has one, now or when its turn comes, or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once. A token that it had been granted is taken when it is asked to stop, and handed on
    /// when it is dropped.
    #[track_caller]
    pub fn borrow(&self) -> Borrowing<'_, S> {
        self.borrow_for(asking())
    }

    /// Borrows a token in the name of somebody else, as for work that several tasks do.
    ///
    /// # Errors
    ///
    /// As [`borrow`](Self::borrow).
    ///
    /// # Cancellation
    ///
    /// As [`borrow`](Self::borrow).
    #[track_caller]
    pub fn borrow_for(&self, owner: impl Into<Owner>) -> Borrowing<'_, S> {
        WaitOr::new(Wait::Semaphore, self.0.borrow(owner))
    }

    /// Borrows a token in the name of the task that calls, if one is free and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryBorrowError`].
    pub fn try_borrow(&self) -> Result<Token<'_, S>, TryBorrowError> {
        self.0.try_borrow(asking())
    }

    /// Changes how many tokens there are.
    pub fn set_total(&self, total: usize) {
        self.0.set_total(total);
    }

    /// How many tokens there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.total()
    }

    /// How many tokens are lent, those on their way to a borrower included. It may be more than the
    /// total after that was lowered.
    #[must_use]
    pub fn borrowed(&self) -> usize {
        self.0.borrowed()
    }

    /// How many tokens are free.
    #[must_use]
    pub fn available(&self) -> usize {
        self.0.available()
    }

    /// Who has a token, in no order.
    #[must_use]
    pub fn borrowers(&self) -> Vec<Owner> {
        self.0.borrowers()
    }
}

impl<S: Shell> Clone for CapacityLimiter<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Shell> fmt::Debug for CapacityLimiter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
