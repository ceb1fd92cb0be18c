//! The wait for a token, and the token.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::state::{AlreadyBorrowed, Ask, State, TryBorrowError};
use crate::owner::Owner;
use crate::shell::Shell;
use crate::shell::sealed::act;
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, Turn, Waiter};
use crate::wakes::Wakes;

/// A token of a [`CapacityLimiter`](super::CapacityLimiter), which comes back when this is dropped.
#[must_use = "the token comes back when this is dropped"]
pub struct Token<'a, S: Shell> {
    cell: &'a S::Cell<State>,
    owner: Owner,
}

/// A token of a [`CapacityLimiter`](super::CapacityLimiter), with a handle of its own.
#[must_use = "the token comes back when this is dropped"]
pub struct OwnedToken<S: Shell> {
    cell: S::Cell<State>,
    owner: Owner,
}

impl<'a, S: Shell> Token<'a, S> {
    pub(super) fn new(cell: &'a S::Cell<State>, owner: Owner) -> Self {
        Self { cell, owner }
    }

    /// In whose name it was borrowed.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// The token without its borrow of the handle, to be kept anywhere.
    pub fn into_owned(self) -> OwnedToken<S> {
        let (cell, owner) = (self.cell.clone(), self.owner);
        std::mem::forget(self);
        OwnedToken { cell, owner }
    }
}

impl<S: Shell> OwnedToken<S> {
    /// In whose name it was borrowed.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.owner
    }
}

impl<S: Shell> Drop for Token<'_, S> {
    fn drop(&mut self) {
        act(self.cell, |state, wakes| state.give_back(self.owner, wakes));
    }
}

impl<S: Shell> Drop for OwnedToken<S> {
    fn drop(&mut self) {
        act(&self.cell, |state, wakes| {
            state.give_back(self.owner, wakes);
        });
    }
}

impl<S: Shell> fmt::Debug for Token<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Token").field(&self.owner).finish()
    }
}

impl<S: Shell> fmt::Debug for OwnedToken<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedToken").field(&self.owner).finish()
    }
}

/// The wait for a token, made by [`CapacityLimiter::borrow`](super::CapacityLimiter::borrow).
#[must_use = "a future does nothing until it is polled"]
pub struct Borrowing<'a, S: Shell>(Waiter<'a, S, UntilBorrowed>);

impl<'a, S: Shell> Borrowing<'a, S> {
    pub(super) fn new(cell: &'a S::Cell<State>, owner: Owner) -> Self {
        Self(Waiter::new(cell, UntilBorrowed { owner }))
    }
}

struct UntilBorrowed {
    owner: Owner,
}

impl Turn for UntilBorrowed {
    type State = State;
    type Slot = Ask;
    type Out = Result<(), AlreadyBorrowed>;

    #[inline]
    fn line(state: &mut State) -> &mut WaitQueue<Ask> {
        &mut state.waiters
    }

    fn start(&mut self, state: &mut State, _: &mut Wakes) -> Option<Self::Out> {
        let owner = self.owner;
        match state.try_borrow(owner) {
            Ok(()) => Some(Ok(())),
            Err(TryBorrowError::AlreadyBorrowed) => Some(Err(AlreadyBorrowed { owner })),
            Err(TryBorrowError::NoTokens) => None,
        }
    }

    #[inline]
    fn ask(&mut self, _: &Self::State) -> Ask {
        Ask::Wants(self.owner)
    }

    #[inline]
    fn finish(&mut self, _: &mut State, ask: Ask, _: &mut Wakes) -> Self::Out {
        let owner = self.owner;
        match ask {
            Ask::Has => Ok(()),
            Ask::Wants(_) | Ask::Refused => Err(AlreadyBorrowed { owner }),
        }
    }

    fn pass_on(&mut self, state: &mut State, ask: Ask, wakes: &mut Wakes) {
        if let Ask::Has = ask {
            state.give_back(self.owner, wakes);
        }
    }
}

impl<'a, S: Shell> Future for Borrowing<'a, S> {
    type Output = Result<Token<'a, S>, AlreadyBorrowed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiter = &mut self.get_mut().0;
        let (cell, owner) = (waiter.cell, waiter.kind.owner);
        let end = waiter.poll(cx);
        end.map(|end| end.map(|()| Token::new(cell, owner)))
    }
}

impl<S: Shell> fmt::Debug for Borrowing<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Borrowing", &self.0)
    }
}
