//! The side of a broadcast that sends.

use std::fmt;

use super::BroadcastReceiver;
use super::error::NoReceivers;
use super::state::State;
use crate::shell::sealed::{Cell, Shared, act};
use crate::shell::{Figure, Shell, print};

/// Sends each item to all receivers; see [`broadcast`](crate::broadcast()).
///
/// Clones send into the same broadcast. When the last is dropped, receivers get what is kept for them, and
/// then hear that nothing will come.
pub struct BroadcastSender<T, S: Shell> {
    cell: S::Cell<State<T, S>>,
}

impl<T, S: Shell> BroadcastSender<T, S> {
    pub(super) fn new(cell: &S::Cell<State<T, S>>) -> Self {
        act(cell, |state, _| state.add_sender());
        let cell = cell.clone();
        Self { cell }
    }

    /// Sends an item to all that receive now, and returns how many they are. It never waits: if the
    /// broadcast is full, the oldest item makes way, and those that have not received it hear that they
    /// have missed it. It allocates once, for the item.
    ///
    /// # Errors
    ///
    /// [`NoReceivers`] with the item.
    pub fn send(&self, item: T) -> Result<usize, NoReceivers<T>> {
        let item = S::Shared::new(item);
        match act(&self.cell, |state, wakes| state.send(item, wakes)) {
            Ok(sent) => {
                drop(sent.shed);
                Ok(sent.count)
            }
            Err(item) => {
                let item = item.into_sole().ok();
                Err(NoReceivers(item.expect("nobody has got it")))
            }
        }
    }

    /// A receiver of what is sent from now on.
    #[must_use]
    pub fn subscribe(&self) -> BroadcastReceiver<T, S> {
        BroadcastReceiver::new(&self.cell, None)
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.cell.look(State::receivers)
    }

    /// How many items are kept for receivers that have not got them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cell.look(State::len)
    }

    /// Whether every receiver has got every item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items can be kept.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.cell.look(State::capacity)
    }
}

impl<T, S: Shell> Clone for BroadcastSender<T, S> {
    fn clone(&self) -> Self {
        Self::new(&self.cell)
    }
}

impl<T, S: Shell> Drop for BroadcastSender<T, S> {
    fn drop(&mut self) {
        act(&self.cell, State::remove_sender);
    }
}

impl<T, S: Shell> fmt::Debug for BroadcastSender<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_state::<T, S>(f, "BroadcastSender", &self.cell)
    }
}

pub(super) fn print_state<T, S: Shell>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    cell: &S::Cell<State<T, S>>,
) -> fmt::Result {
    print(f, name, cell, |state| {
        [
            ("len", Figure::Count(state.len())),
            ("capacity", Figure::Count(state.capacity())),
            ("senders", Figure::Count(state.senders())),
            ("receivers", Figure::Count(state.receivers())),
            ("waiters", Figure::Count(state.waiters.len())),
        ]
    })
}
