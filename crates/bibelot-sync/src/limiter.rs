//! The capacity limiter: so many tokens, each in the name of its borrower.
//!
//! `state` is the machine.

mod state;
mod wait;

use std::fmt;
use std::time::Duration;

pub use state::{AlreadyBorrowed, TryBorrowError};
pub use wait::{Borrowing, OwnedToken, Token};

use crate::blocking::{block_on, block_on_timeout};
use crate::owner::Owner;
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, Universal, print};
use state::State;

/// Limits how many do something at a time, knows who they are, and can be changed while in use.
///
/// A [`Semaphore`](crate::Semaphore) whose permits have names: a borrower has at most one token, so a
/// task that borrows twice hears of it instead of waiting for itself, and
/// [`borrowers`](Self::borrowers) says who is at it. The total may be lowered below what is lent; then
/// nothing is lent until enough has come back. Clones are handles to the same limiter.
///
/// # Examples
///
/// ```
/// use bibelot_sync::{CapacityLimiter, TryBorrowError};
///
/// let limiter = CapacityLimiter::new(1);
/// let token = limiter.try_borrow(1_u64).unwrap();
/// assert_eq!(limiter.try_borrow(2_u64).unwrap_err(), TryBorrowError::NoTokens);
/// assert_eq!(limiter.try_borrow(1_u64).unwrap_err(), TryBorrowError::AlreadyBorrowed);
/// limiter.set_total(2);
/// assert!(limiter.try_borrow(2_u64).is_ok());
/// drop(token);
/// ```
pub struct CapacityLimiter<S: Shell> {
    cell: S::Cell<State>,
}

impl<S: Shell> CapacityLimiter<S> {
    /// A limiter with so many tokens; `usize::MAX` for no limit.
    #[must_use]
    pub fn new(total: usize) -> Self {
        let cell = Cell::new(State::new(total));
        Self { cell }
    }

    /// Borrows a token in the name of `owner`, waiting for one if none is free.
    ///
    /// # Errors
    ///
    /// [`AlreadyBorrowed`], when `owner` has one, now or when its turn comes.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line; a token that it had been granted already goes to the next.
    pub fn borrow(&self, owner: impl Into<Owner>) -> Borrowing<'_, S> {
        Borrowing::new(&self.cell, owner.into())
    }

    /// Borrows a token in the name of `owner` if one is free and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryBorrowError`].
    pub fn try_borrow(&self, owner: impl Into<Owner>) -> Result<Token<'_, S>, TryBorrowError> {
        let owner = owner.into();
        act(&self.cell, |state, _| state.try_borrow(owner))?;
        Ok(Token::new(&self.cell, owner))
    }

    /// Changes how many tokens there are.
    pub fn set_total(&self, total: usize) {
        act(&self.cell, |state, wakes| state.set_total(total, wakes));
    }

    /// How many tokens there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.cell.look(State::total)
    }

    /// How many tokens are lent, those on their way to a borrower included. It may be more than the
    /// total after that was lowered.
    #[must_use]
    pub fn borrowed(&self) -> usize {
        self.cell.look(State::borrowed)
    }

    /// How many tokens are free.
    #[must_use]
    pub fn available(&self) -> usize {
        self.cell.look(State::available)
    }

    /// Whether `owner` has a token.
    #[must_use]
    pub fn is_borrower(&self, owner: impl Into<Owner>) -> bool {
        let owner = owner.into();
        self.cell.look(|state| state.is_borrower(owner))
    }

    /// Who has a token, in no order.
    #[must_use]
    pub fn borrowers(&self) -> Vec<Owner> {
        self.cell.look(State::borrowers)
    }
}

impl CapacityLimiter<Universal> {
    /// [`borrow`](Self::borrow), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`AlreadyBorrowed`], when `owner` has one, now or when its turn comes.
    pub fn borrow_blocking(
        &self,
        owner: impl Into<Owner>,
    ) -> Result<Token<'_, Universal>, AlreadyBorrowed> {
        block_on(self.borrow(owner))
    }

    /// [`borrow`](Self::borrow), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryBorrowError`], which is `NoTokens` if the time was up first.
    pub fn borrow_timeout(
        &self,
        owner: impl Into<Owner>,
        limit: Duration,
    ) -> Result<Token<'_, Universal>, TryBorrowError> {
        match block_on_timeout(&mut self.borrow(owner), limit) {
            Some(end) => end.map_err(|_| TryBorrowError::AlreadyBorrowed),
            None => Err(TryBorrowError::NoTokens),
        }
    }
}

impl<S: Shell> Clone for CapacityLimiter<S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<S: Shell> fmt::Debug for CapacityLimiter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "CapacityLimiter", &self.cell, |state| {
            [
                ("total", Figure::Count(state.total())),
                ("borrowed", Figure::Count(state.borrowed())),
                ("waiters", Figure::Count(state.waiters.len())),
            ]
        })
    }
}
