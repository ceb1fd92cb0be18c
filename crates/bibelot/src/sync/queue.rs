//! The queue: items from many tasks to many, each to one.

use std::fmt;
use std::panic::Location;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::generic::{self, Drained, ItemGuard, PutPermit, Shell, Store};
use bibelot_sync::{TooManyDone, TryGetError, TryPutError};

use super::error::{ClosedError, GetError, PutError};
use super::queue_items::Items;
use super::queue_put::QueuePut;
use super::wait_or::WaitOr;

/// The future of [`Queue::get`].
pub type QueueGet<'a, B, S> = WaitOr<generic::Get<'a, B, S>, GetError>;

/// The future of [`Queue::get_guard`].
pub type QueueGetGuard<'a, B, S> = WaitOr<generic::GetGuard<'a, B, S>, GetError>;

/// The future of [`Queue::reserve`].
pub type QueueReserve<'a, B, S> = WaitOr<generic::Reserving<'a, B, S>, ClosedError>;

/// The future of [`Queue::join`].
pub type QueueJoin<'a, B, S> = WaitFuture<generic::Join<'a, B, S>>;

/// The future of [`Queue::closed`].
pub type QueueClosing<'a, B, S> = WaitFuture<generic::Closing<'a, B, S>>;

/// A queue between any number of putters and getters, whose order is `B`.
///
/// Clones are handles to the same queue. Both sides are served first come first served, and nobody who
/// comes later gets ahead. The queue also counts what is still to be done:
/// [`task_done`](Self::task_done) says that an item was worked off, [`join`](Self::join) waits until all
/// are.
///
/// Curio: `Queue`, `LifoQueue`, `PriorityQueue`; [`universal::Queue`](crate::universal::Queue) is
/// `UniversalQueue`. To wait for several queues at once, [`select`](crate::select()) among their gets: one
/// that was served and not taken gives its item back to the front.
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
#[doc(alias = "UniversalQueue")]
pub struct Queue<B: Store, S: Shell>(pub(super) generic::Queue<B, S>);

impl<B: Store, S: Shell> Queue<B, S> {
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

    /// A queue without room: a put waits until a getter takes its item.
    ///
    /// An item that was handed to a getter counts as taken. Should that be dropped before it sees the
    /// item, the next getter gets it, and until then the item lies in the queue.
    #[must_use]
    pub fn rendezvous() -> Self {
        Self(generic::Queue::rendezvous())
    }

    /// Puts an item, waiting for room if there is none.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the queue is closed or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Either the item was put or it comes back with the error. Dropped while it waits, it has put
    /// nothing and drops the item.
    #[track_caller]
    #[inline]
    pub fn put(&self, item: B::Item) -> QueuePut<'_, B, S> {
        QueuePut::at(Wait::QueuePut, self.0.put(item), Location::caller())
    }

    /// Puts an item if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item.
    #[inline]
    pub fn try_put(&self, item: B::Item) -> Result<(), TryPutError<B::Item>> {
        self.0.try_put(item)
    }

    /// Puts an item without waiting: if there is no room, the oldest item makes way for it, in a priority
    /// queue the least urgent, which may be this one. What made way is returned, and counts as done.
    ///
    /// In a rendezvous where nobody waits for it, the item itself makes way.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the queue is closed.
    pub fn force_put(&self, item: B::Item) -> Result<Option<B::Item>, PutError<B::Item>> {
        self.0.force_put(item).map_err(PutError::from)
    }

    /// Takes room for one item, waiting for it in one line with those that put; so that what is costly to
    /// make is made only when it can be put.
    ///
    /// # Errors
    ///
    /// [`ClosedError`], when the queue is closed or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once. Room that it had been granted it takes when it is asked to stop, and hands on when
    /// it is dropped.
    ///
    /// # Panics
    ///
    /// When the queue is a [`rendezvous`](Self::rendezvous), which has no room to keep.
    #[track_caller]
    pub fn reserve(&self) -> QueueReserve<'_, B, S> {
        WaitOr::new(Wait::QueuePut, self.0.reserve())
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
    pub fn try_reserve(&self) -> Result<PutPermit<'_, B, S>, TryPutError<()>> {
        self.0.try_reserve()
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
    #[inline]
    pub fn get(&self) -> QueueGet<'_, B, S> {
        WaitOr::new(Wait::QueueGet, self.0.get())
    }

    /// Takes the next item if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryGetError`].
    #[inline]
    pub fn try_get(&self) -> Result<B::Item, TryGetError> {
        self.0.try_get()
    }

    /// Takes the next item, as [`get`](Self::get) does, in a guard that counts it done when it is dropped:
    /// also when the work on it fails, panics or is cut.
    ///
    /// ```
    /// # bibelot::run(async {
    /// let queue = bibelot::Queue::unbounded();
    /// queue.put("a curio").await?;
    /// let item = queue.get_guard().await?;
    /// assert_eq!((*item, queue.undone()), ("a curio", 1));
    /// drop(item);
    /// queue.join().await?;
    /// # bibelot::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// # Cancellation
    ///
    /// As [`get`](Self::get).
    #[track_caller]
    pub fn get_guard(&self) -> QueueGetGuard<'_, B, S> {
        WaitOr::new(Wait::QueueGet, self.0.get_guard())
    }

    /// Takes the next item in a guard, if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryGetError`].
    pub fn try_get_guard(&self) -> Result<ItemGuard<'_, B, S>, TryGetError> {
        self.0.try_get_guard()
    }

    /// The items as they come, until the queue is closed and empty: Curio's `async for item in queue`.
    ///
    /// ```
    /// # bibelot::run(async {
    /// let queue = bibelot::Queue::unbounded();
    /// (1..=3).for_each(|item| queue.try_put(item).unwrap());
    /// queue.close();
    /// let (mut items, mut sum) = (queue.items(), 0);
    /// while let Some(item) = items.next().await? {
    ///     sum += item;
    /// }
    /// assert_eq!(sum, 6);
    /// # bibelot::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn items(&self) -> Items<'_, B, S> {
        Items::new(self, Location::caller())
    }

    /// Takes all items that lie in the queue, in order. Putters that wait come in.
    ///
    /// They are still to be counted done, like those that [`get`](Self::get) gives.
    pub fn drain(&self) -> Drained<B> {
        self.0.drain()
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
    pub fn join(&self) -> QueueJoin<'_, B, S> {
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

    /// Waits until [`close`](Self::close) is called.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once.
    #[track_caller]
    pub fn closed(&self) -> QueueClosing<'_, B, S> {
        wait_future(Wait::QueueGet, self.0.closed())
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

impl<B: Store, S: Shell> Clone for Queue<B, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Store, S: Shell> fmt::Debug for Queue<B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
