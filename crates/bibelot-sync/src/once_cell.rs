//! The once-cell: a value that the first who needs it makes, while the others wait.
//!
//! The value lies beside the state, in a cell of the standard library; the state says whose turn it is to
//! make it. `init` holds the futures, `entry` the turn taken by hand.
//!
//! # Invariants
//!
//! - One has the turn while the phase says so: an initialiser, a `set`, or a granted waiter.
//! - The value is there before the phase says so, and nobody is parked after it does, nor while nobody
//!   has the turn.

mod entry;
mod init;

use std::fmt;
use std::future::{Ready, ready};

pub use entry::{OnceEntering, OnceEntry, OnceVacant};
pub use init::{GetOrInit, GetOrTryInit};

use crate::blocking::block_on;
use crate::shell::sealed::{Cell, Once, act};
use crate::shell::{Shell, Universal};
use crate::wait_queue::WaitQueue;
use crate::wakes::Wakes;
use init::{Init, InitTurn};

/// A value that is made once, by the first who asks for it, and read by all.
///
/// Clones are handles to the same cell. An initialiser that fails, panics or is cut passes its turn on:
/// the one that has waited longest runs its own. Do not ask for the value within its initialiser, which
/// would wait for itself.
///
/// # Examples
///
/// ```
/// use bibelot_sync::OnceCell;
///
/// let config = OnceCell::new();
/// assert_eq!(config.get(), None);
/// assert_eq!(config.get_or_init_blocking(|| "brie"), &"brie");
/// assert_eq!(config.get_or_init_blocking(|| "never called"), &"brie");
/// ```
pub struct OnceCell<T, S: Shell> {
    value: S::Once<T>,
    cell: S::Cell<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    waiters: WaitQueue<Answer>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Phase {
    #[default]
    Empty,
    Initialising,
    Full,
}

/// What a waiter was told.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Nothing,
    YourTurn,
    Full,
}

/// Why a value could not be set; it comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError<T> {
    /// There is a value.
    #[error("the cell has a value already")]
    Full(T),
    /// Somebody is making one.
    #[error("the cell is being initialised")]
    Initialising(T),
}

impl<T, S: Shell> OnceCell<T, S> {
    /// A cell without a value.
    #[must_use]
    pub fn new() -> Self {
        let (value, cell) = (Once::new(), Cell::new(State::default()));
        Self { value, cell }
    }

    /// The value, if it is there.
    #[must_use]
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Sets the value from outside, if there is none and nobody is making one.
    ///
    /// # Errors
    ///
    /// [`SetError`] with the value.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        let phase = act(&self.cell, |state, _| state.take_turn());
        match phase {
            Phase::Full => Err(SetError::Full(value)),
            Phase::Initialising => Err(SetError::Initialising(value)),
            Phase::Empty => {
                self.complete(InitTurn::new(&self.cell), value);
                Ok(())
            }
        }
    }

    /// The value; if there is none, waits for the one that is making it, or makes it with what `init`
    /// returns.
    ///
    /// # Cancellation
    ///
    /// Dropped while it waits, it leaves the line. Dropped while it makes the value, it drops that future
    /// and passes the turn on.
    pub fn get_or_init<F, Fut>(&self, init: F) -> GetOrInit<'_, T, S, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        GetOrInit(Init::new(self, init))
    }

    /// As [`get_or_init`](Self::get_or_init), with an initialiser that may fail.
    ///
    /// # Errors
    ///
    /// That of this call's own initialiser; the turn passes on.
    ///
    /// # Cancellation
    ///
    /// As for [`get_or_init`](Self::get_or_init).
    pub fn get_or_try_init<F, Fut, E>(&self, init: F) -> GetOrTryInit<'_, T, S, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        GetOrTryInit(Init::new(self, init))
    }

    /// Waits for the value, or for the turn to make it: the form for those who run the initialiser
    /// themselves.
    ///
    /// ```
    /// use bibelot_sync::{OnceCell, block_on, generic::OnceEntry};
    ///
    /// let cell = OnceCell::new();
    /// let value = match block_on(cell.enter()) {
    ///     OnceEntry::Full(value) => value,
    ///     OnceEntry::Vacant(vacant) => vacant.insert("stilton"),
    /// };
    /// assert_eq!(value, &"stilton");
    /// ```
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line; a turn that it had been granted goes to the next.
    pub fn enter(&self) -> OnceEntering<'_, T, S> {
        OnceEntering::new(self)
    }

    /// Puts the value in its place, then lets go of all that wait.
    fn complete(&self, turn: InitTurn<'_, S>, value: T) {
        let set = self.value.set(value);
        assert!(set.is_ok(), "only who has the turn sets the value");
        turn.end(Phase::Full);
    }
}

impl<T> OnceCell<T, Universal> {
    /// [`get_or_init`](Self::get_or_init), blocking the thread.
    pub fn get_or_init_blocking(&self, init: impl FnOnce() -> T) -> &T {
        block_on(self.get_or_init(|| -> Ready<T> { ready(init()) }))
    }

    /// [`get_or_try_init`](Self::get_or_try_init), blocking the thread.
    ///
    /// # Errors
    ///
    /// That of this call's own initialiser; the turn passes on.
    pub fn get_or_try_init_blocking<E>(
        &self,
        init: impl FnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        block_on(self.get_or_try_init(|| ready(init())))
    }
}

impl State {
    /// Takes the turn if nobody has it; returns what was found.
    fn take_turn(&mut self) -> Phase {
        let found = self.phase;
        if found == Phase::Empty {
            self.phase = Phase::Initialising;
        }
        found
    }

    /// Ends the turn with a value, or hands it to the oldest that waits.
    fn end_turn(&mut self, phase: Phase, wakes: &mut Wakes) {
        if phase == Phase::Full {
            self.phase = Phase::Full;
            self.waiters
                .grant_all(wakes, |answer| *answer = Answer::Full);
        } else if self.waiters.is_empty() {
            self.phase = Phase::Empty;
        } else {
            let give = |answer: &mut Answer| *answer = Answer::YourTurn;
            self.waiters.grant_with(wakes, give);
        }
    }
}

impl<T, S: Shell> Clone for OnceCell<T, S> {
    fn clone(&self) -> Self {
        let (value, cell) = (self.value.clone(), self.cell.clone());
        Self { value, cell }
    }
}

impl<T, S: Shell> Default for OnceCell<T, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, S: Shell> fmt::Debug for OnceCell<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.cell.glance(|state| (state.phase, state.waiters.len()));
        let Some((phase, waiters)) = state else {
            let mut out = f.debug_struct("OnceCell");
            return out.field("state", &format_args!("in use")).finish();
        };
        let phase = match phase {
            Phase::Empty => "none yet",
            Phase::Initialising => "being made",
            Phase::Full => "there",
        };
        f.debug_struct("OnceCell")
            .field("value", &format_args!("{phase}"))
            .field("waiters", &waiters)
            .finish()
    }
}

impl<T> SetError<T> {
    /// The value that was not set.
    pub fn into_value(self) -> T {
        match self {
            Self::Full(value) | Self::Initialising(value) => value,
        }
    }
}

impl<T> fmt::Debug for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Initialising(_) => "Initialising(..)",
        })
    }
}
