//! The broadcast: each item to every receiver.
//!
//! The last items are kept for receivers that are behind. One that falls behind further is told how many
//! it has missed, and goes on with the oldest that is kept. `state` is the machine.

mod error;
mod receiver;
mod sender;
mod state;

pub use error::{BroadcastError, NoReceivers, TryBroadcastError};
pub use receiver::{BroadcastReceiver, Receiving};
pub use sender::BroadcastSender;

use crate::shell::Shell;
use crate::shell::sealed::Cell;
use state::State;

/// A broadcast for any shell, which keeps up to `capacity` items. In the universal shell items are shared
/// between threads, so they have to be `Send + Sync`.
///
/// # Panics
///
/// When `capacity` is 0.
pub fn broadcast<T, S: Shell>(capacity: usize) -> (BroadcastSender<T, S>, BroadcastReceiver<T, S>) {
    assert!(
        capacity > 0,
        "a broadcast that keeps nothing reaches nobody"
    );
    let cell = Cell::new(State::<T, S>::new(capacity));
    let sender = BroadcastSender::new(&cell);
    let receiver = sender.subscribe();
    (sender, receiver)
}
