//! The turn to make the value of a once-cell, taken by hand.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::init::{InitTurn, UntilTurn};
use super::{Answer, OnceCell};
use crate::shell::Shell;
use crate::shell::sealed::Once;
use crate::waiter::{self, Waiter};

/// What [`OnceCell::enter`] finds.
pub enum OnceEntry<'a, T, S: Shell> {
    /// The value is there.
    Full(&'a T),
    /// It is not, and this one is to make it.
    Vacant(OnceVacant<'a, T, S>),
}

/// The right and duty to make the value of a [`OnceCell`]. Dropped, it goes to the one that has waited
/// longest.
#[must_use = "the turn is passed on when this is dropped"]
pub struct OnceVacant<'a, T, S: Shell> {
    of: &'a OnceCell<T, S>,
    turn: InitTurn<'a, S>,
}

impl<'a, T, S: Shell> OnceVacant<'a, T, S> {
    /// Puts the value in its place and lets go of all that wait for it.
    pub fn insert(self, value: T) -> &'a T {
        self.of.complete(self.turn, value);
        self.of.value.get().expect("it was just put there")
    }
}

impl<T, S: Shell> fmt::Debug for OnceVacant<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceVacant").finish_non_exhaustive()
    }
}

impl<T, S: Shell> fmt::Debug for OnceEntry<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Vacant(_) => "Vacant(..)",
        })
    }
}

/// The wait for the value or the turn to make it, made by [`OnceCell::enter`].
#[must_use = "a future does nothing until it is polled"]
pub struct OnceEntering<'a, T, S: Shell> {
    of: &'a OnceCell<T, S>,
    waiter: Waiter<'a, S, UntilTurn>,
}

impl<'a, T, S: Shell> OnceEntering<'a, T, S> {
    pub(super) fn new(of: &'a OnceCell<T, S>) -> Self {
        let waiter = Waiter::new(&of.cell, UntilTurn);
        Self { of, waiter }
    }
}

impl<'a, T, S: Shell> Future for OnceEntering<'a, T, S> {
    type Output = OnceEntry<'a, T, S>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let of = this.of;
        this.waiter.poll(cx).map(|answer| match answer {
            Answer::Full => {
                let value = of.value.get();
                OnceEntry::Full(value.expect("the phase says that it is there"))
            }
            Answer::Nothing | Answer::YourTurn => {
                let turn = InitTurn::new(&of.cell);
                OnceEntry::Vacant(OnceVacant { of, turn })
            }
        })
    }
}

impl<T, S: Shell> fmt::Debug for OnceEntering<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "OnceEntering", &self.waiter)
    }
}
