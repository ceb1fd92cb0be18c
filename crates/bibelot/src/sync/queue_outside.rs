//! Looking at a queue from outside: waiting for a length, and holding it without keeping it.

use std::fmt;
use std::ops::RangeBounds;

use bibelot_kernel::Wait;
use bibelot_sync::generic::{self, Fifo, Shell, Store};

use super::channel::{Receiver, Sender};
use super::error::ClosedError;
use super::queue::Queue;
use super::wait_or::WaitOr;

/// The future of [`Queue::until_len`].
pub type QueueUntilLen<'a, B, S> = WaitOr<generic::UntilLen<'a, B, S>, ClosedError>;

/// The future of [`Sender::until_len`] and [`Receiver::until_len`].
pub type ChannelUntilLen<'a, T, S> = QueueUntilLen<'a, Fifo<T>, S>;

/// A handle to a [`Queue`] that does not keep it alive; made by [`Queue::downgrade`].
pub struct WeakQueue<B: Store, S: Shell>(generic::WeakQueue<B, S>);

impl<B: Store, S: Shell> Queue<B, S> {
    /// Waits until the [length](Self::len) is in `range`, and returns it; at once, if it is so now. By then it
    /// may have changed again.
    ///
    /// ```
    /// # bibelot::run(async {
    /// let eggs = bibelot::Queue::unbounded();
    /// let packing = bibelot::spawn({
    ///     let eggs = eggs.clone();
    ///     async move { eggs.until_len(12..).await.map(|_| eggs.drain().count()) }
    /// });
    /// for egg in 1..=12 {
    ///     eggs.put(egg).await?;
    /// }
    /// assert_eq!(packing.await??, 12);
    /// # bibelot::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`ClosedError`], when the queue is closed and will not have so many items any more, or the wait was
    /// asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once.
    ///
    /// # Panics
    ///
    /// When the range is empty.
    #[track_caller]
    pub fn until_len(&self, range: impl RangeBounds<usize>) -> QueueUntilLen<'_, B, S> {
        WaitOr::new(Wait::QueueLen, self.0.until_len(range))
    }

    /// A handle that does not keep the queue alive: with the last other one goes the queue, and with it the
    /// items that lie in it.
    #[must_use]
    pub fn downgrade(&self) -> WeakQueue<B, S> {
        WeakQueue(self.0.downgrade())
    }
}

impl<B: Store, S: Shell> WeakQueue<B, S> {
    /// The queue, if there still is one.
    #[must_use]
    pub fn upgrade(&self) -> Option<Queue<B, S>> {
        self.0.upgrade().map(Queue)
    }
}

impl<B: Store, S: Shell> Clone for WeakQueue<B, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Store, S: Shell> fmt::Debug for WeakQueue<B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What both sides of a channel can wait for.
macro_rules! sides {
    ($($side:ident),*) => {$(
        impl<T, S: Shell> $side<T, S> {
            /// Waits until so many items are in the channel; see [`Queue::until_len`].
            ///
            /// # Errors
            ///
            /// As there.
            ///
            /// # Cancellation
            ///
            /// Leaves at once.
            ///
            /// # Panics
            ///
            /// When the range is empty.
            #[track_caller]
            pub fn until_len(&self, range: impl RangeBounds<usize>) -> ChannelUntilLen<'_, T, S> {
                WaitOr::new(Wait::QueueLen, self.0.until_len(range))
            }
        }
    )*};
}

sides!(Sender, Receiver);
