//! The side of a channel that sends.

use std::fmt;
use std::ops::RangeBounds;

use super::{ReceiveEnd, SendEnd};
use crate::queue::{
    Closing, Fifo, Put, PutError, PutPermit, Queue, Reserving, TryPutError, UntilLen,
};
use crate::shell::Shell;
use crate::shell::sealed::Shared;

type Ends<T, S> = <S as Shell>::Shared<SendEnd<T, S>>;
type Peers<T, S> = <<S as Shell>::Shared<ReceiveEnd<T, S>> as Shared<ReceiveEnd<T, S>>>::Weak;

/// Sends items into a channel; see [`channel`](crate::channel()).
///
/// Clones send into the same channel. When the last is dropped, the channel closes: receivers get what
/// is in it, and then hear that nothing will come.
pub struct Sender<T, S: Shell> {
    pub(super) queue: Queue<Fifo<T>, S>,
    end: Ends<T, S>,
    peers: Peers<T, S>,
}

/// A handle to a channel that does not keep it open; made by [`Sender::downgrade`].
pub struct WeakSender<T, S: Shell> {
    queue: Queue<Fifo<T>, S>,
    end: <Ends<T, S> as Shared<SendEnd<T, S>>>::Weak,
    peers: Peers<T, S>,
}

impl<T, S: Shell> Sender<T, S> {
    pub(super) fn new(queue: Queue<Fifo<T>, S>, end: Ends<T, S>, peers: Peers<T, S>) -> Self {
        Self { queue, end, peers }
    }

    /// Sends an item, waiting for room if there is none; in a rendezvous, for it to be received.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the channel is closed first.
    ///
    /// # Cancellation
    ///
    /// As for [`Queue::put`](crate::generic::Queue::put).
    #[inline]
    pub fn send(&self, item: T) -> Put<'_, Fifo<T>, S> {
        self.queue.put(item)
    }

    /// Sends an item if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item.
    #[inline]
    pub fn try_send(&self, item: T) -> Result<(), TryPutError<T>> {
        self.queue.try_put(item)
    }

    /// Sends an item without waiting; if there is no room, the oldest makes way for it and is returned.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the channel is closed.
    pub fn force_send(&self, item: T) -> Result<Option<T>, PutError<T>> {
        self.queue.force_put(item)
    }

    /// Takes room for one item, waiting for it in one line with those that send.
    ///
    /// # Errors
    ///
    /// [`PutError`], when the channel is closed first.
    ///
    /// # Cancellation
    ///
    /// As for [`Queue::reserve`](crate::generic::Queue::reserve).
    ///
    /// # Panics
    ///
    /// When the channel is a rendezvous, which has no room to keep.
    pub fn reserve(&self) -> Reserving<'_, Fifo<T>, S> {
        self.queue.reserve()
    }

    /// Takes room for one item if there is some and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryPutError`].
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    pub fn try_reserve(&self) -> Result<PutPermit<'_, Fifo<T>, S>, TryPutError<()>> {
        self.queue.try_reserve()
    }

    /// Waits until nobody will receive what is sent, so that work for it can be stopped.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost by dropping it.
    pub fn closed(&self) -> Closing<'_, Fifo<T>, S> {
        self.queue.closed()
    }

    /// A handle that does not keep the channel open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T, S> {
        WeakSender {
            queue: self.queue.clone(),
            end: self.end.downgrade(),
            peers: self.peers.clone(),
        }
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_count(&self) -> usize {
        self.end.count()
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        <S::Shared<ReceiveEnd<T, S>>>::alive(&self.peers)
    }

    /// Closes the channel for all: nothing more can be sent, and receivers get what is in it.
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

    /// Whether somebody who sends now has to wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.queue.is_full()
    }

    /// How many items the channel has room for; `None` if there is no limit.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.queue.capacity()
    }
}

impl<T, S: Shell> WeakSender<T, S> {
    /// A sender, if there still is one.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T, S>> {
        let end = <Ends<T, S>>::upgrade(&self.end)?;
        let queue = self.queue.clone();
        Some(Sender::new(queue, end, self.peers.clone()))
    }
}

impl<T, S: Shell> Clone for Sender<T, S> {
    fn clone(&self) -> Self {
        let queue = self.queue.clone();
        Self::new(queue, self.end.clone(), self.peers.clone())
    }
}

impl<T, S: Shell> Clone for WeakSender<T, S> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            end: self.end.clone(),
            peers: self.peers.clone(),
        }
    }
}

impl<T, S: Shell> fmt::Debug for Sender<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

impl<T, S: Shell> fmt::Debug for WeakSender<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}
