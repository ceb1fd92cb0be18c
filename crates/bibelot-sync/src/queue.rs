//! The queue: items from many to many, each to one.
//!
//! `state` is the machine, `wait` the futures, `store` and `priority` the order of items, `reserve` and
//! `item` what is held between put and done, `drained` what is taken all at once, `blocking` the twins for
//! threads, `bell` and `gauge` what tells those outside, `weak` the handle that keeps nothing, `error` what can go
//! wrong.

mod bell;
mod blocking;
mod drained;
mod error;
mod gauge;
mod item;
mod priority;
mod reserve;
mod state;
mod store;
mod wait;
mod weak;

use std::fmt;
use std::marker::PhantomData;

pub use bell::QueueBell;
pub use drained::Drained;
pub use error::{Closed, PutError, TooManyDone, TryGetError, TryPutError};
pub use gauge::UntilLen;
pub use item::{GetGuard, ItemGuard, OwnedItemGuard};
pub use priority::{Priority, Rank};
pub use reserve::{OwnedPutPermit, PutPermit, Reserving};
pub use store::{Fifo, Lifo, Store};
pub use wait::{Closing, Get, Join, Put};
pub use weak::WeakQueue;

use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, print};
use crate::waiter::Waiter;
use state::State;
use wait::{UntilClosed, UntilDone, UntilGot, UntilPut};

/// A queue between any number of putters and getters, bounded or not.
///
/// Clones are handles to the same queue. Both sides are served first come first served: an item goes to
/// the getter that has waited longest, room to the putter that has, and nobody who comes later gets
/// ahead of them.
///
/// The queue also counts what is still to be done: [`task_done`](Self::task_done) says that an item was
/// worked off, [`join`](Self::join) waits until all are.
///
/// # Examples
///
/// ```
/// use bibelot_sync::Queue;
/// use std::thread;
///
/// let queue = Queue::bounded(1);
/// let consumer = thread::spawn({
///     let queue = queue.clone();
///     move || {
///         let mut sum = 0;
///         while let Ok(item) = queue.get_blocking() {
///             sum += item;
///             queue.task_done().unwrap();
///         }
///         sum
///     }
/// });
/// for item in 1..=10 {
///     queue.put_blocking(item).unwrap();
/// }
/// queue.join_blocking();
/// queue.close();
/// assert_eq!(consumer.join().unwrap(), 55);
/// ```
#[doc(alias = "channel")]
pub struct Queue<B: Store, S: Shell> {
    cell: S::Cell<State<B>>,
}

impl<B: Store, S: Shell> Queue<B, S> {
    /// A queue that is never full.
    #[must_use]
    pub fn unbounded() -> Self {
        let cell = Cell::new(State::new(usize::MAX));
        Self { cell }
    }

    /// A queue with room for `capacity` items.
    ///
    /// Memory is taken as it is needed. An item that a dropped [`get`](Self::get) gives back, or that is
    /// [forced](Self::force_put) in while all room is promised, may for a while be one more than the
    /// capacity.
    ///
    /// # Panics
    ///
    /// When `capacity` is 0; that is a [`rendezvous`](Self::rendezvous).
    #[must_use]
    pub fn bounded(capacity: usize) -> Self {
        assert!(
            capacity > 0,
            "a queue without room would never take an item"
        );
        let cell = Cell::new(State::new(capacity));
        Self { cell }
    }

    /// A queue without room: a put waits until a getter takes its item.
    ///
    /// An item that was handed to a getter counts as taken. Should that be dropped before it sees the
    /// item, the next getter gets it, and until then the item lies in the queue.
    #[must_use]
    pub fn rendezvous() -> Self {
        let cell = Cell::new(State::new(0));
        Self { cell }
    }

    /// Puts an item, waiting for room if there is none.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the queue is closed before it took it.
    ///
    /// # Cancellation
    ///
    /// Until this returns `Ok`, nothing was put. [`Put::take_item`] gives the item back; dropped, the
    /// future drops it. Room that had been granted goes to the next putter.
    #[inline]
    #[doc(alias = "send")]
    pub fn put(&self, item: B::Item) -> Put<'_, B, S> {
        let item = Some(item);
        Put(Waiter::new(&self.cell, UntilPut { item }))
    }

    /// Puts an item if there is room and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item.
    #[inline]
    #[doc(alias = "try_send")]
    pub fn try_put(&self, item: B::Item) -> Result<(), TryPutError<B::Item>> {
        act(&self.cell, |state, wakes| state.try_put(item, wakes))
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
        act(&self.cell, |state, wakes| state.force_put(item, wakes))
    }

    /// Takes the next item, waiting for one if there is none.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the queue is closed and all its items were taken.
    ///
    /// # Cancellation
    ///
    /// Until this returns an item, none was taken. Dropped when an item had been handed to it already,
    /// it gives that to the getter that has waited longest, or back to the front of the queue.
    #[inline]
    #[doc(alias = "recv")]
    pub fn get(&self) -> Get<'_, B, S> {
        Get(Waiter::new(&self.cell, UntilGot(PhantomData)))
    }

    /// Takes the next item if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryGetError`].
    #[inline]
    #[doc(alias = "try_recv")]
    pub fn try_get(&self) -> Result<B::Item, TryGetError> {
        act(&self.cell, State::try_get)
    }

    /// Takes all items that lie in the queue, in order. Putters that wait come in.
    ///
    /// They are still to be counted done, like those that [`get`](Self::get) gives.
    pub fn drain(&self) -> Drained<B> {
        Drained::new(act(&self.cell, State::drain))
    }

    /// How many items lie in the queue. Those that are on their way to a getter do not count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cell.look(State::len)
    }

    /// Whether no item lies in the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether somebody who puts an item now has to wait. Room that was granted to a putter counts as
    /// taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.cell.look(State::is_full)
    }

    /// How many items it has room for; `None` if there is no limit.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        self.cell.look(State::capacity)
    }

    /// How many items were put and not yet counted done.
    #[must_use]
    pub fn undone(&self) -> u64 {
        self.cell.look(State::undone)
    }

    /// Says that one item that was put has been worked off.
    ///
    /// # Errors
    ///
    /// [`TooManyDone`], when that has been said for every item already.
    pub fn task_done(&self) -> Result<(), TooManyDone> {
        act(&self.cell, State::task_done)
    }

    /// Waits until every item that was put has been counted done; at once, if that is so now.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the queue as it is.
    pub fn join(&self) -> Join<'_, B, S> {
        Join(Waiter::new(&self.cell, UntilDone(PhantomData)))
    }

    /// Closes the queue: it takes no more items, gives out those it has, and then says that it is
    /// [`Closed`]. Putters that wait get their item back. Closing it again changes nothing.
    ///
    /// A getter is told `Closed` only when no item can come any more, also not from another getter that
    /// is dropped before it took what it was handed.
    pub fn close(&self) {
        act(&self.cell, State::close);
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.cell.look(State::is_closed)
    }

    /// Waits until [`close`](Self::close) is called.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost by dropping it.
    pub fn closed(&self) -> Closing<'_, B, S> {
        Closing(Waiter::new(&self.cell, UntilClosed(PhantomData)))
    }
}

impl<B: Store, S: Shell> Clone for Queue<B, S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<B: Store, S: Shell> fmt::Debug for Queue<B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "Queue", &self.cell, |state| {
            [
                ("len", Figure::Count(state.len())),
                ("capacity", Figure::Bound(state.capacity())),
                ("closed", Figure::Flag(state.is_closed())),
                ("undone", Figure::Number(state.undone())),
                ("getters", Figure::Count(state.getters.len())),
                ("putters", Figure::Count(state.putters.len())),
                ("joiners", Figure::Count(state.joiners.len())),
            ]
        })
    }
}
