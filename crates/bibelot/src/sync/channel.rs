//! The channel: a queue whose sides are counted, and which closes when one of them is gone.

use std::fmt;
use std::panic::Location;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::generic::{self, Drained, Fifo, PutPermit, Shell};
use bibelot_sync::{TryGetError, TryPutError};

use super::error::{ClosedError, GetError, PutError};
use super::queue_put::QueuePut;
use super::wait_or::WaitOr;

/// The future of [`Sender::send`].
pub type Sending<'a, T, S> = QueuePut<'a, Fifo<T>, S>;

/// The future of [`Sender::reserve`].
pub type SendReserve<'a, T, S> = WaitOr<generic::Reserving<'a, Fifo<T>, S>, ClosedError>;

/// The future of [`Sender::closed`].
pub type SendClosing<'a, T, S> = WaitFuture<generic::Closing<'a, Fifo<T>, S>>;

/// The future of [`Receiver::recv`].
pub type Receiving<'a, T, S> = WaitOr<generic::Get<'a, Fifo<T>, S>, GetError>;

/// Sends items into a channel; see [`channel`](crate::channel()).
///
/// Clones send into the same channel. When the last is dropped, the channel closes: receivers get what
/// is in it, and then hear that nothing will come.
pub struct Sender<T, S: Shell>(pub(super) generic::Sender<T, S>);

/// A handle to a channel that does not keep it open; made by [`Sender::downgrade`].
pub struct WeakSender<T, S: Shell>(generic::WeakSender<T, S>);

/// Receives items from a channel; see [`channel`](crate::channel()).
///
/// Clones receive from the same channel: each item goes to one of them. When the last is dropped, the
/// channel closes: what is in it is dropped, and senders get their items back.
pub struct Receiver<T, S: Shell>(pub(super) generic::Receiver<T, S>);

pub(super) fn of<T, S: Shell>(
    (sender, receiver): (generic::Sender<T, S>, generic::Receiver<T, S>),
) -> (Sender<T, S>, Receiver<T, S>) {
    (Sender(sender), Receiver(receiver))
}

/// A channel for any shell, with room for `capacity` items.
///
/// # Panics
///
/// When `capacity` is 0; that is [`rendezvous`].
pub fn channel<T, S: Shell>(capacity: usize) -> (Sender<T, S>, Receiver<T, S>) {
    of(generic::channel(capacity))
}

/// A channel for any shell that is never full.
pub fn unbounded<T, S: Shell>() -> (Sender<T, S>, Receiver<T, S>) {
    of(generic::unbounded())
}

/// A channel for any shell without room, where a send waits until its item is received.
pub fn rendezvous<T, S: Shell>() -> (Sender<T, S>, Receiver<T, S>) {
    of(generic::rendezvous())
}

impl<T, S: Shell> Sender<T, S> {
    /// Sends an item, waiting for room if there is none; in a rendezvous, for it to be received.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the channel is closed or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Either the item was sent or it comes back with the error. Dropped while it waits, it has sent
    /// nothing and drops the item.
    #[track_caller]
    #[inline]
    pub fn send(&self, item: T) -> Sending<'_, T, S> {
        QueuePut::at(Wait::Send, self.0.send(item), Location::caller())
    }

    /// Sends an item if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item.
    #[inline]
    pub fn try_send(&self, item: T) -> Result<(), TryPutError<T>> {
        self.0.try_send(item)
    }

    /// Sends an item without waiting; if there is no room, the oldest makes way for it and is returned.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the channel is closed.
    pub fn force_send(&self, item: T) -> Result<Option<T>, PutError<T>> {
        self.0.force_send(item).map_err(PutError::from)
    }

    /// Takes room for one item, waiting for it in one line with those that send.
    ///
    /// # Errors
    ///
    /// [`ClosedError`], when the channel is closed or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once. Room that it had been granted it takes when it is asked to stop, and hands on when
    /// it is dropped.
    ///
    /// # Panics
    ///
    /// When the channel is a rendezvous, which has no room to keep.
    #[track_caller]
    pub fn reserve(&self) -> SendReserve<'_, T, S> {
        WaitOr::new(Wait::Send, self.0.reserve())
    }

    /// Takes room for one item if there is some and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryPutError`].
    ///
    /// # Panics
    ///
    /// As [`reserve`](Self::reserve).
    pub fn try_reserve(&self) -> Result<PutPermit<'_, Fifo<T>, S>, TryPutError<()>> {
        self.0.try_reserve()
    }

    /// Waits until nobody will receive what is sent, so that work for it can be stopped.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once.
    #[track_caller]
    pub fn closed(&self) -> SendClosing<'_, T, S> {
        wait_future(Wait::Send, self.0.closed())
    }

    /// A handle that does not keep the channel open.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T, S> {
        WeakSender(self.0.downgrade())
    }

    /// Whether somebody who sends now has to wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.is_full()
    }
}

impl<T, S: Shell> WeakSender<T, S> {
    /// A sender, if there still is one.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T, S>> {
        self.0.upgrade().map(Sender)
    }
}

impl<T, S: Shell> Receiver<T, S> {
    /// Receives the next item, waiting for one if there is none.
    ///
    /// # Errors
    ///
    /// [`GetError`], when the channel is closed and empty or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Either an item is returned or none was taken. Dropped after an item had been handed to it, it
    /// hands that on to whoever has waited longest, or back to where it came from.
    #[track_caller]
    #[inline]
    pub fn recv(&self) -> Receiving<'_, T, S> {
        WaitOr::new(Wait::Receive, self.0.recv())
    }

    /// Receives the next item if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryGetError`].
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryGetError> {
        self.0.try_recv()
    }

    /// Receives all items that are in the channel. Senders that wait come in.
    pub fn drain(&self) -> Drained<Fifo<T>> {
        self.0.drain()
    }
}

/// What both sides tell of the channel.
macro_rules! sides {
    ($($side:ident),*) => {$(
        impl<T, S: Shell> $side<T, S> {
            /// How many senders there are.
            #[must_use]
            pub fn sender_count(&self) -> usize {
                self.0.sender_count()
            }

            /// How many receivers there are.
            #[must_use]
            pub fn receiver_count(&self) -> usize {
                self.0.receiver_count()
            }

            /// Closes the channel for all: nothing more can be sent, and what is in it can still be
            /// received.
            pub fn close(&self) {
                self.0.close();
            }

            /// Whether the channel is closed.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.0.is_closed()
            }

            /// How many items are in the channel.
            #[must_use]
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether no item is in the channel.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// How many items the channel has room for; `None` if there is no limit.
            #[must_use]
            pub fn capacity(&self) -> Option<usize> {
                self.0.capacity()
            }
        }

        impl<T, S: Shell> Clone for $side<T, S> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<T, S: Shell> fmt::Debug for $side<T, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

sides!(Sender, Receiver);

impl<T, S: Shell> Clone for WeakSender<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, S: Shell> fmt::Debug for WeakSender<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
