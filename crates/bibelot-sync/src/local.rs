//! The primitives for the tasks of one thread: no atomics, no locks.
//!
//! They are not `Send`, and the compiler says so where a task that holds one is to be moved. The types
//! of the same name at the root of the crate are their twins for any thread.
//!
//! ```
//! use bibelot_sync::local::Queue;
//! use std::pin::pin;
//! use std::task::{Context, Poll, Waker};
//!
//! let queue = Queue::bounded(8);
//! queue.try_put("a curio").unwrap();
//!
//! let mut cx = Context::from_waker(Waker::noop());
//! assert_eq!(pin!(queue.get()).poll(&mut cx), Poll::Ready(Ok("a curio")));
//! assert_eq!(pin!(queue.get()).poll(&mut cx), Poll::Pending);
//! ```

use crate::generic::{self, Fifo, Lifo, Local, Priority};

/// A flag that is set by one and waited for by many. Across threads: [`crate::Event`].
pub type Event = generic::Event<Local>;
/// A queue, first in first out. Across threads: [`crate::Queue`].
pub type Queue<T> = generic::Queue<Fifo<T>, Local>;
/// A queue that gives out the youngest item first. Across threads: [`crate::LifoQueue`].
pub type LifoQueue<T> = generic::Queue<Lifo<T>, Local>;
/// A queue that gives out the item of the smallest rank first, put as `(rank, item)`. Across threads:
/// [`crate::PriorityQueue`].
pub type PriorityQueue<K, T> = generic::Queue<Priority<K, T>, Local>;
/// A value that one at a time may use. Across threads: [`crate::Lock`].
pub type Lock<T> = generic::Lock<T, Local>;
/// A value that many may read, or one may change. Across threads: [`crate::RwLock`].
pub type RwLock<T> = generic::RwLock<T, Local>;
/// A value that one owner at a time may use, who may take it again. Across threads:
/// [`crate::ReentrantLock`].
pub type ReentrantLock<T> = generic::ReentrantLock<T, Local>;
/// Permits for so many at a time. Across threads: [`crate::Semaphore`].
pub type Semaphore = generic::Semaphore<Local>;
/// Tokens for so many borrowers at a time. Across threads: [`crate::CapacityLimiter`].
pub type CapacityLimiter = generic::CapacityLimiter<Local>;
/// Lets through so many at a time. Across threads: [`crate::Barrier`].
pub type Barrier = generic::Barrier<Local>;
/// Waits for a change of what a [`Lock`] guards. Across threads: [`crate::Condition`].
pub type Condition = generic::Condition<Local>;
/// A wake without a value. Across threads: [`crate::Notify`].
pub type Notify = generic::Notify<Local>;
/// A line to wait in until one is called. Across threads: [`crate::WaitLine`].
pub type WaitLine = generic::WaitLine<Local>;
/// A result that is set once and read by many. Across threads: [`crate::OnceResult`].
pub type OnceResult<T, E> = generic::OnceResult<T, E, Local>;
/// A value that is made once and read by many. Across threads: [`crate::OnceCell`].
pub type OnceCell<T> = generic::OnceCell<T, Local>;
/// Sends one value. Across threads: [`crate::OneshotSender`].
pub type OneshotSender<T> = generic::OneshotSender<T, Local>;
/// Receives one value. Across threads: [`crate::OneshotReceiver`].
pub type OneshotReceiver<T> = generic::OneshotReceiver<T, Local>;

/// Sends items into a channel. Across threads: [`crate::Sender`].
pub type Sender<T> = generic::Sender<T, Local>;
/// Receives items from a channel. Across threads: [`crate::Receiver`].
pub type Receiver<T> = generic::Receiver<T, Local>;

/// Sends the latest value of a watch. Across threads: [`crate::WatchSender`].
pub type WatchSender<T> = generic::WatchSender<T, Local>;
/// Reads the latest value of a watch. Across threads: [`crate::WatchReceiver`].
pub type WatchReceiver<T> = generic::WatchReceiver<T, Local>;
/// Sends each item to all receivers. Across threads: [`crate::BroadcastSender`].
pub type BroadcastSender<T> = generic::BroadcastSender<T, Local>;
/// Receives every item of a broadcast. Across threads: [`crate::BroadcastReceiver`].
pub type BroadcastReceiver<T> = generic::BroadcastReceiver<T, Local>;

/// The wait for an [`Event`].
pub type Wait<'a> = generic::Wait<'a, Local>;
/// The wait for an item of a [`Queue`].
pub type Get<'a, T> = generic::Get<'a, Fifo<T>, Local>;
/// The wait for room in a [`Queue`].
pub type Put<'a, T> = generic::Put<'a, Fifo<T>, Local>;
/// The wait for an item of a [`Queue`] in a guard that counts it done.
pub type GetGuard<'a, T> = generic::GetGuard<'a, Fifo<T>, Local>;
/// The wait for room in a [`Queue`] for an item that is yet to be made.
pub type Reserving<'a, T> = generic::Reserving<'a, Fifo<T>, Local>;
/// Room for one item of a [`Queue`].
pub type PutPermit<'a, T> = generic::PutPermit<'a, Fifo<T>, Local>;
/// The wait for all items of a [`Queue`] to be done.
pub type Join<'a, T> = generic::Join<'a, Fifo<T>, Local>;
/// The wait for a [`Lock`].
pub type Locking<'a, T> = generic::Locking<'a, T, Local>;
/// The right to use the value of a [`Lock`].
pub type LockGuard<'a, T> = generic::LockGuard<'a, T, Local>;
/// The right to use the value of a [`Lock`], with a handle of its own.
pub type OwnedLockGuard<T> = generic::OwnedLockGuard<T, Local>;
/// The wait to read the value of an [`RwLock`].
pub type Reading<'a, T> = generic::Reading<'a, T, Local>;
/// The wait to change the value of an [`RwLock`].
pub type Writing<'a, T> = generic::Writing<'a, T, Local>;
/// The right to read the value of an [`RwLock`].
pub type ReadGuard<'a, T> = generic::ReadGuard<'a, T, Local>;
/// The right to change the value of an [`RwLock`].
pub type WriteGuard<'a, T> = generic::WriteGuard<'a, T, Local>;
/// The wait for permits of a [`Semaphore`].
pub type Acquire<'a> = generic::Acquire<'a, Local>;
/// Permits of a [`Semaphore`].
pub type Permit<'a> = generic::Permit<'a, Local>;
/// Permits of a [`Semaphore`], with a handle of their own.
pub type OwnedPermit = generic::OwnedPermit<Local>;

/// A channel with room for `capacity` items, which closes when one of its sides is gone.
///
/// # Panics
///
/// When `capacity` is 0; that is [`rendezvous`].
///
/// ```
/// let (sender, receiver) = bibelot_sync::local::channel(4);
/// sender.try_send("a curio").unwrap();
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Ok("a curio"));
/// assert!(receiver.is_closed());
/// ```
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    generic::channel(capacity)
}

/// A [`channel`] that is never full.
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    generic::unbounded()
}

/// A [`channel`] without room, where a send waits until its item is received.
pub fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    generic::rendezvous()
}

/// A watch of `value`: what sends a new one, and what reads the latest and hears of changes.
///
/// ```
/// let (sender, mut receiver) = bibelot_sync::local::watch(1);
/// sender.send(2);
/// assert_eq!((receiver.has_changed(), *receiver.see()), (Ok(true), 2));
/// ```
pub fn watch<T>(value: T) -> (WatchSender<T>, WatchReceiver<T>) {
    generic::watch(value)
}

/// A broadcast, which keeps up to `capacity` items for receivers that are behind.
///
/// # Panics
///
/// When `capacity` is 0.
///
/// ```
/// let (sender, mut receiver) = bibelot_sync::local::broadcast(8);
/// assert_eq!(sender.send("to all"), Ok(1));
/// assert_eq!(receiver.try_recv(), Ok("to all"));
/// ```
pub fn broadcast<T>(capacity: usize) -> (BroadcastSender<T>, BroadcastReceiver<T>) {
    generic::broadcast(capacity)
}

/// A sender of one value and its receiver.
///
/// ```
/// let (sender, mut receiver) = bibelot_sync::local::oneshot();
/// sender.send("once").unwrap();
/// assert_eq!(receiver.try_recv(), Ok("once"));
/// ```
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    generic::oneshot()
}
