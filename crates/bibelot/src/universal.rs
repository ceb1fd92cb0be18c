//! Primitives for anybody at once: tasks of several kernels, tasks of other executors, and plain threads.
//!
//! One object is used from all of them. Under a kernel its waits are blocking points like all others; under
//! another executor they are plain futures that nobody asks to stop; and a thread calls the blocking twins.
//! First come, first served, wherever one comes from. An item that was handed to a get that is cut or
//! dropped goes back to the front.
//!
//! Let no task call a blocking twin: it stops the thread that the other tasks need.
//!
//! Curio: `UniversalQueue`, `UniversalEvent`, `UniversalResult`, which find out by themselves who calls.
//!
//! ```
//! use std::thread;
//!
//! let queue = bibelot::universal::Queue::bounded(1);
//! let producer = thread::spawn({
//!     let queue = queue.clone();
//!     move || {
//!         for item in 1..=10 {
//!             queue.put_blocking(item).unwrap();
//!         }
//!         queue.join_blocking();
//!         queue.close();
//!     }
//! });
//! let sum = bibelot::run(async move {
//!     let mut sum = 0;
//!     while let Ok(item) = queue.get_guard().await {
//!         sum += *item;
//!     }
//!     sum
//! });
//! producer.join().unwrap();
//! assert_eq!(sum, 55);
//! ```

use crate::sync::{self, Fifo, Lifo, Priority, Universal};

/// A flag that is set by one and waited for by many. Within one kernel: [`crate::Event`].
pub type Event = sync::Event<Universal>;
/// A wake without a value. Within one kernel: [`crate::Notify`].
pub type Notify = sync::Notify<Universal>;
/// A value that one task at a time may use. Within one kernel: [`crate::Lock`].
pub type Lock<T> = sync::Lock<T, Universal>;
/// A value that many tasks may read or one may change. Within one kernel: [`crate::RwLock`].
pub type RwLock<T> = sync::RwLock<T, Universal>;
/// A value that one task at a time may use, which may take the lock again. Within one kernel:
/// [`crate::ReentrantLock`].
pub type ReentrantLock<T> = sync::ReentrantLock<T, Universal>;
/// Permits for so many tasks at a time. Within one kernel: [`crate::Semaphore`].
pub type Semaphore = sync::Semaphore<Universal>;
/// Tokens for so many tasks at a time, each in the name of its task. Within one kernel:
/// [`crate::CapacityLimiter`].
pub type CapacityLimiter = sync::CapacityLimiter<Universal>;
/// Lets tasks through in rounds of a fixed number. Within one kernel: [`crate::Barrier`].
pub type Barrier = sync::Barrier<Universal>;
/// Waits for a change of what a [`Lock`] guards. Within one kernel: [`crate::Condition`].
pub type Condition = sync::Condition<Universal>;
/// A line to wait in until one is called. Within one kernel: [`crate::WaitLine`].
pub type WaitLine = sync::WaitLine<Universal>;
/// A result that is set once and read by many. Within one kernel: [`crate::OnceResult`].
pub type OnceResult<T, E> = sync::OnceResult<T, E, Universal>;
/// A value that is made once and read by many. Within one kernel: [`crate::OnceCell`].
pub type OnceCell<T> = sync::OnceCell<T, Universal>;
/// A queue, first in first out. Within one kernel: [`crate::Queue`].
pub type Queue<T> = sync::Queue<Fifo<T>, Universal>;
/// A queue that gives out the youngest item first. Within one kernel: [`crate::LifoQueue`].
pub type LifoQueue<T> = sync::Queue<Lifo<T>, Universal>;
/// A queue that gives out the item of the smallest rank first, put as `(rank, item)`; wrap the rank into
/// [`Reverse`](std::cmp::Reverse) for the greatest. Within one kernel: [`crate::PriorityQueue`].
pub type PriorityQueue<K, T> = sync::Queue<Priority<K, T>, Universal>;
/// Sends one value. Within one kernel: [`crate::OneshotSender`].
pub type OneshotSender<T> = sync::OneshotSender<T, Universal>;
/// Receives one value. Within one kernel: [`crate::OneshotReceiver`].
pub type OneshotReceiver<T> = sync::OneshotReceiver<T, Universal>;
/// Sends items into a channel. Within one kernel: [`crate::Sender`].
pub type Sender<T> = sync::Sender<T, Universal>;
/// Receives items from a channel. Within one kernel: [`crate::Receiver`].
pub type Receiver<T> = sync::Receiver<T, Universal>;
/// Sends the latest value of a watch. Within one kernel: [`crate::WatchSender`].
pub type WatchSender<T> = sync::WatchSender<T, Universal>;
/// Reads the latest value of a watch. Within one kernel: [`crate::WatchReceiver`].
pub type WatchReceiver<T> = sync::WatchReceiver<T, Universal>;
/// Sends each item to all receivers. Within one kernel: [`crate::BroadcastSender`].
pub type BroadcastSender<T> = sync::BroadcastSender<T, Universal>;
/// Receives every item of a broadcast. Within one kernel: [`crate::BroadcastReceiver`].
pub type BroadcastReceiver<T> = sync::BroadcastReceiver<T, Universal>;

/// A channel with room for `capacity` items: a queue that closes when one of its sides is gone. Within one kernel:
/// [`crate::channel()`].
///
/// # Panics
///
/// When `capacity` is 0; that is [`rendezvous`].
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    sync::channel(capacity)
}

/// A [`channel()`] that is never full. Within one kernel: [`crate::unbounded`].
#[must_use]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    sync::unbounded()
}

/// A [`channel()`] without room, where a send waits until its item is received. Within one kernel:
/// [`crate::rendezvous`].
#[must_use]
pub fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    sync::rendezvous()
}

/// A watch of `value`: what sends a new one, and what reads the latest and hears of changes. Within one
/// kernel: [`crate::watch()`].
#[must_use]
pub fn watch<T>(value: T) -> (WatchSender<T>, WatchReceiver<T>) {
    sync::watch(value)
}

/// A broadcast, which keeps up to `capacity` items for receivers that are behind. Within one kernel:
/// [`crate::broadcast()`].
///
/// # Panics
///
/// When `capacity` is 0.
#[must_use]
pub fn broadcast<T>(capacity: usize) -> (BroadcastSender<T>, BroadcastReceiver<T>) {
    sync::broadcast(capacity)
}

/// A sender of one value and its receiver. Within one kernel: [`crate::oneshot`].
#[must_use]
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    sync::oneshot()
}
