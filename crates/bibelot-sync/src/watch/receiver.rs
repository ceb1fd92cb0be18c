//! The side of a watch that reads.

use std::fmt;

use super::sender::print_state;
use super::state::State;
use super::{Changed, Latest, SendersGone, WaitFor};
use crate::shell::Shell;
use crate::shell::sealed::{Cell, act};

/// Reads the values of a watch, and waits for the next; see [`watch`](crate::watch()).
///
/// It skips: of several values sent between two looks it sees the last. Clones have seen what the original
/// has, and go on by themselves.
pub struct WatchReceiver<T, S: Shell> {
    pub(super) cell: S::Cell<State<T, S>>,
    /// The version that was seen last.
    pub(super) seen: u64,
}

impl<T, S: Shell> WatchReceiver<T, S> {
    pub(super) fn new(cell: &S::Cell<State<T, S>>) -> Self {
        let seen = act(cell, |state, _| state.add_receiver());
        let cell = cell.clone();
        Self { cell, seen }
    }

    /// The latest value, which is not taken as seen by that.
    #[must_use]
    pub fn latest(&self) -> Latest<T, S> {
        Latest(self.cell.look(State::latest).0)
    }

    /// The latest value, taken as seen.
    pub fn see(&mut self) -> Latest<T, S> {
        let (value, version) = self.cell.look(State::latest);
        self.seen = version;
        Latest(value)
    }

    /// Whether there is a value that was not seen yet.
    ///
    /// # Errors
    ///
    /// [`SendersGone`], when there is none and none will come.
    pub fn has_changed(&self) -> Result<bool, SendersGone> {
        let changed = self.cell.look(|state| state.has_changed(self.seen));
        changed.ok_or(SendersGone)
    }

    /// Waits for a value that was not seen yet, and takes it as seen.
    ///
    /// # Errors
    ///
    /// [`SendersGone`], when there is none and none will come.
    ///
    /// # Cancellation
    ///
    /// Dropped, it has seen nothing, and the next call ends at once if there was a change.
    pub fn changed(&mut self) -> Changed<'_, T, S> {
        Changed::new(self)
    }

    /// Waits until the latest value is as `wanted` says, and takes it as seen. It looks at it now, and
    /// whenever it changes, while nothing is locked.
    ///
    /// # Errors
    ///
    /// [`SendersGone`], when it is not and will not be.
    ///
    /// # Cancellation
    ///
    /// Dropped, it has taken the values it looked at as seen.
    pub fn wait_for<F>(&mut self, wanted: F) -> WaitFor<'_, T, S, F>
    where
        F: FnMut(&T) -> bool,
    {
        WaitFor::new(self, wanted)
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_count(&self) -> usize {
        self.cell.look(State::senders)
    }
}

impl<T, S: Shell> Clone for WatchReceiver<T, S> {
    fn clone(&self) -> Self {
        let mut clone = Self::new(&self.cell);
        clone.seen = self.seen;
        clone
    }
}

impl<T, S: Shell> Drop for WatchReceiver<T, S> {
    fn drop(&mut self) {
        act(&self.cell, State::remove_receiver);
    }
}

impl<T, S: Shell> fmt::Debug for WatchReceiver<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_state::<T, S>(f, "WatchReceiver", &self.cell)
    }
}
