//! The side of a channel that receives.

use std::fmt;
use std::ops::RangeBounds;

use super::{ReceiveEnd, SendEnd};
use crate::queue::{Drained, Fifo, Get, Queue, TryGetError, UntilLen};
use crate::shell::Shell;
use crate::shell::sealed::Shared;

type Ends<T, S> = <S as Shell>::Shared<ReceiveEnd<T, S>>;
type Peers<T, S> = <<S as Shell>::Shared<SendEnd<T, S>> as Shared<SendEnd<T, S>>>::Weak;

/// Receives items from a channel; see [`channel`](crate::channel()).
///
/// Clones receive from the same channel: each item goes to one of them. When the last is dropped, the
/// channel closes: what is in it is dropped, and senders get their items back.
pub struct Receiver<T, S: Shell> {
    pub(super) queue: Queue<Fifo<T>, S>,
    end: Ends<T, S>,
    peers: Peers<T, S>,
}

impl<T, S: Shell> Receiver<T, S> {
    pub(super) fn new(queue: Queue<Fifo<T>, S>, end: Ends<T, S>, peers: Peers<T, S>) -> Self {
        Self { queue, end, peers }
    }

    /// Receives the next item, waiting for one if there is none.
    ///
    /// # Errors
    ///
    /// [`Closed`](crate::Closed), when the channel is closed and all its items were received.
    ///
    /// # Cancellation
    ///
    /// As for [`Queue::get`](crate::generic::Queue::get): no item is lost.
    #[inline]
    pub fn recv(&self) -> Get<'_, Fifo<T>, S> {
        self.queue.get()
    }

    /// Receives the next item if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryGetError`].
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryGetError> {
        self.queue.try_get()
    }

    /// Receives all items that are in the channel. Senders that wait come in.
    pub fn drain(&self) -> Drained<Fifo<T>> {
        self.queue.drain()
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.end.count()
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_count(&self) -> usize {
        <S::Shared<SendEnd<T, S>>>::alive(&self.peers)
    }

    /// Closes the channel for all: nothing more can be sent, and what is in it can still be received.
    pub fn close(&self) {
        self.queue.close();
    }

    /// Whether the channel is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Waits until so many items are in the channel; see [`Queue::until_len`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost by dropping it.
    ///
    /// # Panics
    ///
    /// When the range is empty.
    pub fn until_len(&self, range: impl RangeBounds<usize>) -> UntilLen<'_, Fifo<T>, S> {
        self.queue.until_len(range)
    }

    /// How many items are in the channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether no item is in the channel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many items the channel has room for; `None` if there is no limit.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.queue.capacity()
    }
}

impl<T, S: Shell> Clone for Receiver<T, S> {
    fn clone(&self) -> Self {
        let queue = self.queue.clone();
        Self::new(queue, self.end.clone(), self.peers.clone())
    }
}

impl<T, S: Shell> fmt::Debug for Receiver<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
