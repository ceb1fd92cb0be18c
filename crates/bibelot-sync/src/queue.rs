//! The queue: items from many to many, each to one.
//!
//! `state` is the machine, `wait` the futures, `store` the order of items, `error` what can go wrong.

mod error;
mod state;
mod store;
mod wait;

use std::fmt;
use std::marker::PhantomData;

pub use error::{Closed, PutError, TooManyDone, TryGetError, TryPutError};
pub use store::{Fifo, Lifo, Store};
pub use wait::{Get, Join, Put};

use crate::blocking::block_on;
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, Universal, print};
use crate::waiter::Waiter;
use state::State;
use wait::{UntilDone, UntilGot, UntilPut};

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
    /// Memory is taken as it is needed. An item that a dropped [`get`](Self::get) gives back may for a
    /// while be one more than the capacity.
    ///
    /// # Panics
    ///
    /// When `capacity` is 0.
    #[must_use]
    pub fn bounded(capacity: usize) -> Self {
        assert!(
            capacity > 0,
            "a queue without room would never take an item"
        );
        let cell = Cell::new(State::new(capacity));
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
}

impl<B: Store> Queue<B, Universal> {
    /// [`put`](Self::put), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the queue is closed before it took it.
    pub fn put_blocking(&self, item: B::Item) -> Result<(), PutError<B::Item>> {
        block_on(self.put(item))
    }

    /// [`get`](Self::get), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the queue is closed and all its items were taken.
    pub fn get_blocking(&self) -> Result<B::Item, Closed> {
        block_on(self.get())
    }

    /// [`join`](Self::join), blocking the thread.
    pub fn join_blocking(&self) {
        block_on(self.join());
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
