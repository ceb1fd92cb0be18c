//! The state machine of a capacity limiter, as plain data.
//!
//! # Invariants
//!
//! - The borrowers are those that have a token, and those to whom a waiter was granted one.
//! - While anybody is parked, no token is free.

use std::collections::HashSet;

use crate::owner::Owner;
use crate::wait_queue::WaitQueue;
use crate::wakes::Wakes;

/// The borrower has a token already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{owner:?} has a token of the limiter already")]
pub struct AlreadyBorrowed {
    pub(super) owner: Owner,
}

/// Why there was no token to be had without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryBorrowError {
    /// There is none free, or others wait for it.
    #[error("the limiter has no token free")]
    NoTokens,
    /// The borrower has one.
    #[error("the borrower has a token of the limiter already")]
    AlreadyBorrowed,
}

pub(crate) struct State {
    total: usize,
    /// Hashed by the standard library: no code of users runs.
    borrowers: HashSet<Owner>,
    pub(super) waiters: WaitQueue<Ask>,
}

/// What a waiter asks for, and its answer.
#[derive(Clone, Copy)]
pub(crate) enum Ask {
    Wants(Owner),
    Has,
    Refused,
}

impl State {
    pub(super) fn new(total: usize) -> Self {
        Self {
            total,
            borrowers: HashSet::new(),
            waiters: WaitQueue::new(),
        }
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    pub(super) fn borrowed(&self) -> usize {
        self.borrowers.len()
    }

    pub(super) fn available(&self) -> usize {
        self.total.saturating_sub(self.borrowers.len())
    }

    pub(super) fn is_borrower(&self, owner: Owner) -> bool {
        self.borrowers.contains(&owner)
    }

    pub(super) fn borrowers(&self) -> Vec<Owner> {
        self.borrowers.iter().copied().collect()
    }

    pub(super) fn try_borrow(&mut self, owner: Owner) -> Result<(), TryBorrowError> {
        if self.is_borrower(owner) {
            return Err(TryBorrowError::AlreadyBorrowed);
        }
        if self.available() == 0 {
            return Err(TryBorrowError::NoTokens);
        }
        self.borrowers.insert(owner);
        Ok(())
    }

    pub(super) fn give_back(&mut self, owner: Owner, wakes: &mut Wakes) {
        self.borrowers.remove(&owner);
        self.serve(wakes);
    }

    pub(super) fn set_total(&mut self, total: usize, wakes: &mut Wakes) {
        self.total = total;
        self.serve(wakes);
    }

    fn serve(&mut self, wakes: &mut Wakes) {
        while self.available() > 0
            && let Some(&Ask::Wants(owner)) = self.waiters.front()
        {
            let answer = match self.borrowers.insert(owner) {
                true => Ask::Has,
                false => Ask::Refused,
            };
            self.waiters.grant_with(wakes, |ask| *ask = answer);
        }
    }
}
