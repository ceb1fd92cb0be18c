//! The side of a watch that sends.

use std::fmt;

use super::state::State;
use super::wait::WatchClosed;
use super::{Latest, WatchReceiver};
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, print};

/// Sends the values of a watch; see [`watch`](crate::watch()).
///
/// Clones send into the same watch.
pub struct WatchSender<T, S: Shell> {
    cell: S::Cell<State<T, S>>,
}

impl<T, S: Shell> WatchSender<T, S> {
    pub(super) fn new(cell: &S::Cell<State<T, S>>) -> Self {
        act(cell, |state, _| state.add_sender());
        let cell = cell.clone();
        Self { cell }
    }

    /// Makes `value` the latest, and tells all receivers. It never waits, and goes for those that
    /// [subscribe](Self::subscribe) later, if there is no receiver now.
    ///
    /// It allocates only if somebody still has the value before.
    pub fn send(&self, value: T) {
        drop(act(&self.cell, |state, wakes| state.send(value, wakes)));
    }

    /// Changes a copy of the latest value, and sends that.
    ///
    /// `change` runs while nothing is locked. If another value is sent meanwhile, it runs again on that
    /// one, so that no change is lost.
    pub fn update(&self, mut change: impl FnMut(&mut T))
    where
        T: Clone,
    {
        loop {
            let (latest, version) = self.cell.look(State::latest);
            let mut value = T::clone(&latest);
            drop(latest);
            change(&mut value);
            let sent = act(&self.cell, |state, wakes| {
                if state.version() != version {
                    return Err(value);
                }
                Ok(state.send(value, wakes))
            });
            if sent.is_ok() {
                return;
            }
        }
    }

    /// The latest value.
    #[must_use]
    pub fn latest(&self) -> Latest<T, S> {
        Latest(self.cell.look(State::latest).0)
    }

    /// A receiver that takes the latest value as seen.
    #[must_use]
    pub fn subscribe(&self) -> WatchReceiver<T, S> {
        WatchReceiver::new(&self.cell)
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.cell.look(State::receivers)
    }

    /// Whether there is no receiver.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until there is no receiver, so that work for them can be stopped.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost by dropping it.
    pub fn closed(&self) -> WatchClosed<'_, T, S> {
        WatchClosed::new(&self.cell)
    }
}

impl<T, S: Shell> Clone for WatchSender<T, S> {
    fn clone(&self) -> Self {
        Self::new(&self.cell)
    }
}

impl<T, S: Shell> Drop for WatchSender<T, S> {
    fn drop(&mut self) {
        act(&self.cell, State::remove_sender);
    }
}

impl<T, S: Shell> fmt::Debug for WatchSender<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_state::<T, S>(f, "WatchSender", &self.cell)
    }
}

pub(super) fn print_state<T, S: Shell>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    cell: &S::Cell<State<T, S>>,
) -> fmt::Result {
    print(f, name, cell, |state| {
        [
            ("version", Figure::Number(state.version())),
            ("senders", Figure::Count(state.senders())),
            ("receivers", Figure::Count(state.receivers())),
            ("waiters", Figure::Count(state.watchers.len())),
        ]
    })
}
