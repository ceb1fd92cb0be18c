//! The broadcast: each item to every receiver.

use std::fmt;

use bibelot_kernel::Wait;
use bibelot_sync::generic::{self, Shell};
use bibelot_sync::{NoReceivers, TryBroadcastError};

use super::error::BroadcastError;
use super::wait_or::WaitOr;

/// The future of [`BroadcastReceiver::recv`].
pub type BroadcastRecv<'a, T, S> = WaitOr<generic::Receiving<'a, T, S>, BroadcastError>;

/// Sends each item to all receivers; see [`broadcast`](crate::broadcast()).
///
/// Clones send into the same broadcast. When the last is dropped, receivers get what is kept for them, and
/// then hear that nothing will come.
pub struct BroadcastSender<T, S: Shell>(pub(super) generic::BroadcastSender<T, S>);

/// Receives every item of a broadcast; see [`broadcast`](crate::broadcast()).
///
/// Each gets a clone of the item, the last of them the item itself. A clone of a receiver is where the
/// original is, and goes on by itself.
pub struct BroadcastReceiver<T, S: Shell>(pub(super) generic::BroadcastReceiver<T, S>);

/// A broadcast for any shell, which keeps up to `capacity` items.
///
/// # Panics
///
/// When `capacity` is 0.
pub fn broadcast<T, S: Shell>(capacity: usize) -> (BroadcastSender<T, S>, BroadcastReceiver<T, S>) {
    let (sender, receiver) = generic::broadcast(capacity);
    (BroadcastSender(sender), BroadcastReceiver(receiver))
}

impl<T, S: Shell> BroadcastSender<T, S> {
    /// Sends an item to all that receive now, and returns how many they are. It never waits: if the
    /// broadcast is full, the oldest item makes way, and those that have not received it hear that they
    /// have missed it.
    ///
    /// # Errors
    ///
    /// [`NoReceivers`] with the item.
    pub fn send(&self, item: T) -> Result<usize, NoReceivers<T>> {
        self.0.send(item)
    }

    /// A receiver of what is sent from now on.
    #[must_use]
    pub fn subscribe(&self) -> BroadcastReceiver<T, S> {
        BroadcastReceiver(self.0.subscribe())
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.0.receiver_count()
    }

    /// How many items are kept for receivers that have not got them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether every receiver has got every item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many items can be kept.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<T, S: Shell> BroadcastReceiver<T, S> {
    /// Receives the next item, waiting for one if there is none.
    ///
    /// # Errors
    ///
    /// [`BroadcastError`]: after `Lagged` the next call goes on with the oldest item that is kept.
    ///
    /// # Cancellation
    ///
    /// Cut or dropped, it has received nothing.
    #[track_caller]
    pub fn recv(&mut self) -> BroadcastRecv<'_, T, S>
    where
        T: Clone,
    {
        WaitOr::new(Wait::Receive, self.0.recv())
    }

    /// Receives the next item, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryBroadcastError`].
    pub fn try_recv(&mut self) -> Result<T, TryBroadcastError>
    where
        T: Clone,
    {
        self.0.try_recv()
    }
}

impl<T, S: Shell> Clone for BroadcastSender<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, S: Shell> Clone for BroadcastReceiver<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, S: Shell> fmt::Debug for BroadcastSender<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T, S: Shell> fmt::Debug for BroadcastReceiver<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
