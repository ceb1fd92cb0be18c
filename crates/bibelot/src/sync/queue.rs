//! The queue: items from many tasks to many, each to one.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::generic::{self, Fifo, Lifo, Local, Store};
use bibelot_sync::{TooManyDone, TryGetError, TryPutError};

use super::queue_error::GetError;
use super::queue_put::QueuePut;

/// A queue, first in first out.
///
/// Curio: `Queue`.
pub type Queue<T> = QueueOf<Fifo<T>>;

/// A queue that gives out the youngest item first.
///
/// Curio: `LifoQueue`.
pub type LifoQueue<T> = QueueOf<Lifo<T>>;

/// The future of [`QueueOf::join`].
pub type QueueJoin<'a, B> = WaitFuture<generic::Join<'a, B, Local>>;

/// A queue between any number of putters and getters; [`Queue`] and [`LifoQueue`] name the orders.
///
/// Clones are handles to the same queue. Both sides are served first come first served, and nobody who
/// comes later gets ahead. The queue also counts what is still to be done:
/// [`task_done`](Self::task_done) says that an item was worked off, [`join`](Self::join) waits until all
/// are. It is for the tasks of one kernel; [`bibelot_sync::Queue`] is its twin for any thread.
///
/// # Examples
///
/// ```
/// use bibelot::{Queue, spawn};
///
/// # bibelot::run(async {
/// let queue = Queue::bounded(1);
/// let consumer = spawn({
///     let queue = queue.clone();
///     async move {
///         let mut sum = 0;
///         while let Ok(item) = queue.get().await {
///             sum += item;
///             queue.task_done().unwrap();
///         }
///         sum
///     }
/// });
/// for item in 1..=10 {
///     queue.put(item).await?;
/// }
/// queue.join().await?;
/// queue.close();
/// assert_eq!(consumer.await?, 55);
/// # bibelot::Ok(()) }).unwrap();
/// ```
pub struct QueueOf<B: Store>(generic::Queue<B, Local>);

impl<B: Store> QueueOf<B> {
    /// A queue that is never full.
    #[must_use]
    pub fn unbounded() -> Self {
        Self(generic::Queue::unbounded())
    }

    /// A queue with room for `capacity` items.
    ///
    /// # Panics
    ///
    /// When `capacity` is 0.
    #[must_use]
    #[track_caller]
    pub fn bounded(capacity: usize) -> Self {
        Self(generic::Queue::bounded(capacity))
    }

    /// Puts an item, waiting for room if there is none.
    ///
    /// # Errors
    ///
    /// [`PutError`](super::PutError) with the item, when the queue is closed or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Either the item was put or it comes back with the error. Dropped while it waits, it has put
    /// nothing and drops the item.
    #[track_caller]
    pub fn put(&self, item: B::Item) -> QueuePut<'_, B> {
        QueuePut::at(self.0.put(item), Location::caller())
    }

    /// Puts an item if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item.
    pub fn try_put(&self, item: B::Item) -> Result<(), TryPutError<B::Item>> {
        self.0.try_put(item)
    }

    /// Takes the next item, waiting for one if there is none.
    ///
    /// # Errors
    ///
    /// [`GetError`], when the queue is closed and empty or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Either an item is returned or none was taken. Dropped after an item had been handed to it, it
    /// hands that on to whoever has waited longest, or back to where it came from.
    #[track_caller]
    pub fn get(&self) -> QueueGet<'_, B> {
        QueueGet(wait_future(Wait::QueueGet, self.0.get()))
    }

    /// Takes the next item if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryGetError`].
    pub fn try_get(&self) -> Result<B::Item, TryGetError> {
        self.0.try_get()
    }

    /// Says that one item that was put has been worked off.
    ///
    /// # Errors
    ///
    /// [`TooManyDone`], when that has been said for every item already.
    pub fn task_done(&self) -> Result<(), TooManyDone> {
        self.0.task_done()
    }

    /// Waits until every item that was put has been counted done; at once, if that is so now.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once.
    #[track_caller]
    pub fn join(&self) -> QueueJoin<'_, B> {
        wait_future(Wait::QueueJoin, self.0.join())
    }

    /// Closes the queue: it takes no more items, gives out those it has, and then says that it is closed.
    /// Putters that wait get their item back.
    pub fn close(&self) {
        self.0.close();
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// How many items lie in the queue. Those on their way to a getter do not count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no item lies in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody who puts an item now has to wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.is_full()
    }

    /// How many items it has room for; `None` if there is no limit.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.0.capacity()
    }

    /// How many items were put and not yet counted done.
    #[must_use]
    pub fn undone(&self) -> u64 {
        self.0.undone()
    }
}

impl<B: Store> Clone for QueueOf<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Store> fmt::Debug for QueueOf<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The future of [`QueueOf::get`].
#[must_use = "futures do nothing until polled"]
pub struct QueueGet<'a, B: Store + 'a>(WaitFuture<generic::Get<'a, B, Local>>);

impl<B: Store> Future for QueueGet<'_, B> {
    type Output = Result<B::Item, GetError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(Ok(item)) => Ok(item),
            Ok(Err(_)) => Err(GetError::Closed),
            Err(cancelled) => Err(GetError::Cancelled(cancelled)),
        })
    }
}

impl<B: Store> fmt::Debug for QueueGet<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueGet").field(self.0.op()).finish()
    }
}
