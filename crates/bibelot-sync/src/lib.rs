//! Fair synchronisation primitives, each state machine written once as plain data.
//!
//! A state machine is worn in two shells. At the root of this crate are the *universal* primitives, for
//! tasks and threads anywhere, under any executor or none, with a blocking twin of every wait. In
//! [`local`] are their twins for the tasks of one thread, which use no atomics and no locks. [`generic`]
//! has both, for a shell to be chosen.
//!
//! ```
//! use bibelot_sync::{Event, Queue};
//! use std::thread;
//!
//! let (orders, open) = (Queue::bounded(2), Event::new());
//! let kitchen = thread::spawn({
//!     let (orders, open) = (orders.clone(), open.clone());
//!     move || {
//!         open.wait_blocking();
//!         let mut served = Vec::new();
//!         while let Ok(order) = orders.get_blocking() {
//!             served.push(order);
//!         }
//!         served
//!     }
//! });
//! open.set();
//! for order in ["stilton", "cheddar", "danish"] {
//!     orders.put_blocking(order).unwrap();
//! }
//! orders.close();
//! assert_eq!(kitchen.join().unwrap(), ["stilton", "cheddar", "danish"]);
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `wait_queue` | who waits, in which order: the foundation, public for primitives of your own |
//! | `waiter` | one future's way through a wait queue |
//! | `shell`, `mutex` | what holds a primitive's state |
//! | `wakes` | wakes, collected under the lock and carried out after it |
//! | `blocking` | the thread that waits like a task, with a limit or without |
//! | `lock`, `rwlock`, `reentrant` | who may use a value |
//! | `semaphore`, `limiter`, `barrier` | how many may go on |
//! | `watch`, `broadcast` | the latest value, or every item, to all |
//! | `queue`, `channel` | items from many to many |
//! | `wait_line` | those who wait to be called, for state of a program's own |
//! | `event`, `notify`, `condition`, `once`, `once_cell`, `oneshot` | what has happened |
//! | `owner` | who holds what is held by somebody in particular |
//!
//! # Promises
//!
//! - *Fair*: first come, first served. What becomes free is handed to the one that has waited longest,
//!   and nobody who comes later gets ahead.
//! - *Nothing is lost*: every wait is a named future that may be dropped at any time. Dropped while it
//!   waits, it leaves the line at once; dropped after it was granted something that it never saw, it
//!   hands that on in order. What a future was given to keep, it gives back ([`generic::Put::take_item`]).
//! - *Nobody sleeps while there is something for them*, also when wakers panic or call back.
//! - No code of users (a waker's clone, wake or drop, an item's clone or drop, a comparison, a formatter)
//!   runs while a state is borrowed or locked. `Debug` prints a state without waiting for it.
//! - No allocation per operation once a primitive has grown to its number of waiters and items; it keeps
//!   that memory until its last handle is dropped. The exceptions say so: an item of a broadcast, a value
//!   of a watch while the one before is being read, the initialiser of a once-cell.
//!
//! What a future was granted it keeps until it is polled or dropped, as with every fair primitive: do not
//! hold on to a wait without polling it, and let no task call a blocking twin.
//!
//! Nothing here knows a kernel, a reactor or cancellation. A future of this crate is polled with any
//! waker, and to cut its wait is to drop it. Nor does it call the system: a descriptor for a queue, to be
//! polled beside sockets, is for a crate above it.

#![forbid(unsafe_code)]

mod barrier;
mod blocking;
mod broadcast;
mod channel;
mod condition;
mod event;
pub mod generic;
mod limiter;
pub mod local;
mod lock;
mod mutex;
mod notify;
mod once;
mod once_cell;
mod oneshot;
mod owner;
mod queue;
mod reentrant;
mod rwlock;
mod semaphore;
mod shell;
mod wait_line;
mod wait_queue;
mod waiter;
mod wakes;
mod watch;

pub use barrier::{BarrierClosed, Passed};
pub use blocking::{block_on, block_on_timeout};
pub use broadcast::{BroadcastError, NoReceivers, TryBroadcastError};
pub use limiter::{AlreadyBorrowed, TryBorrowError};
pub use once::AlreadySet;
pub use once_cell::SetError;
pub use oneshot::{SendError, SenderGone, TryRecvError};
pub use owner::Owner;
pub use queue::{Closed, PutError, Rank, TooManyDone, TryGetError, TryPutError};
pub use semaphore::{AcquireError, OverRelease, TooManyPermits, TryAcquireError};
pub use wait_queue::{Left, Ticket, WaitQueue};
pub use watch::SendersGone;

use generic::{Fifo, Lifo, Priority, Universal};

/// A flag that is set by one and waited for by many. Within one thread: [`local::Event`].
pub type Event = generic::Event<Universal>;
/// A queue, first in first out. Within one thread: [`local::Queue`].
pub type Queue<T> = generic::Queue<Fifo<T>, Universal>;
/// A queue that gives out the youngest item first. Within one thread: [`local::LifoQueue`].
pub type LifoQueue<T> = generic::Queue<Lifo<T>, Universal>;
/// A queue that gives out the item of the smallest rank first, put as `(rank, item)`. Within one thread:
/// [`local::PriorityQueue`].
///
/// ```
/// use bibelot_sync::PriorityQueue;
///
/// let patients = PriorityQueue::unbounded();
/// for (urgency, name) in [(2, "Ada"), (1, "Bob"), (2, "Cy")] {
///     patients.try_put((urgency, name)).unwrap();
/// }
/// let called: Vec<_> = patients.drain().map(|(_, name)| name).collect();
/// assert_eq!(called, ["Bob", "Ada", "Cy"]);
/// ```
pub type PriorityQueue<K, T> = generic::Queue<Priority<K, T>, Universal>;
/// A value that one at a time may use. Within one thread: [`local::Lock`].
pub type Lock<T> = generic::Lock<T, Universal>;
/// A value that many may read, or one may change. Within one thread: [`local::RwLock`].
pub type RwLock<T> = generic::RwLock<T, Universal>;
/// A value that one owner at a time may use, who may take it again. Within one thread:
/// [`local::ReentrantLock`].
pub type ReentrantLock<T> = generic::ReentrantLock<T, Universal>;
/// Permits for so many at a time. Within one thread: [`local::Semaphore`].
pub type Semaphore = generic::Semaphore<Universal>;
/// Tokens for so many borrowers at a time. Within one thread: [`local::CapacityLimiter`].
pub type CapacityLimiter = generic::CapacityLimiter<Universal>;
/// Lets through so many at a time. Within one thread: [`local::Barrier`].
pub type Barrier = generic::Barrier<Universal>;
/// Waits for a change of what a [`Lock`] guards. Within one thread: [`local::Condition`].
pub type Condition = generic::Condition<Universal>;
/// A wake without a value. Within one thread: [`local::Notify`].
pub type Notify = generic::Notify<Universal>;
/// A line to wait in until one is called. Within one thread: [`local::WaitLine`].
pub type WaitLine = generic::WaitLine<Universal>;
/// A result that is set once and read by many. Within one thread: [`local::OnceResult`].
pub type OnceResult<T, E> = generic::OnceResult<T, E, Universal>;
/// A value that is made once and read by many. Within one thread: [`local::OnceCell`].
pub type OnceCell<T> = generic::OnceCell<T, Universal>;
/// Sends one value. Within one thread: [`local::OneshotSender`].
pub type OneshotSender<T> = generic::OneshotSender<T, Universal>;
/// Receives one value. Within one thread: [`local::OneshotReceiver`].
pub type OneshotReceiver<T> = generic::OneshotReceiver<T, Universal>;

/// Sends items into a channel. Within one thread: [`local::Sender`].
pub type Sender<T> = generic::Sender<T, Universal>;
/// Receives items from a channel. Within one thread: [`local::Receiver`].
pub type Receiver<T> = generic::Receiver<T, Universal>;

/// A channel with room for `capacity` items: a queue that closes when one of its sides is gone. Within one
/// thread: [`local::channel`].
///
/// # Panics
///
/// When `capacity` is 0; that is [`rendezvous`].
///
/// ```
/// use std::thread;
///
/// let (sender, receiver) = bibelot_sync::channel(4);
/// for greeter in ["good day", "hello"] {
///     let sender = sender.clone();
///     thread::spawn(move || sender.send_blocking(greeter).unwrap());
/// }
/// drop(sender);
/// let mut heard = Vec::new();
/// while let Ok(greeting) = receiver.recv_blocking() {
///     heard.push(greeting);
/// }
/// heard.sort();
/// assert_eq!(heard, ["good day", "hello"]);
/// ```
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    generic::channel(capacity)
}

/// A [`channel()`] that is never full. Within one thread: [`local::unbounded`].
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    generic::unbounded()
}

/// A [`channel()`] without room, where a send waits until its item is received. Within one thread:
/// [`local::rendezvous`].
pub fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    generic::rendezvous()
}

/// Sends the latest value of a watch. Within one thread: [`local::WatchSender`].
pub type WatchSender<T> = generic::WatchSender<T, Universal>;
/// Reads the latest value of a watch. Within one thread: [`local::WatchReceiver`].
pub type WatchReceiver<T> = generic::WatchReceiver<T, Universal>;
/// Sends each item to all receivers. Within one thread: [`local::BroadcastSender`].
pub type BroadcastSender<T> = generic::BroadcastSender<T, Universal>;
/// Receives every item of a broadcast. Within one thread: [`local::BroadcastReceiver`].
pub type BroadcastReceiver<T> = generic::BroadcastReceiver<T, Universal>;

/// A watch of `value`: what sends a new one, and what reads the latest and hears of changes. Within one
/// thread: [`local::watch`].
///
/// ```
/// use std::thread;
///
/// let (sender, mut receiver) = bibelot_sync::watch("closed");
/// let visitor = thread::spawn(move || receiver.wait_for_blocking(|it| *it == "open").is_ok());
/// sender.send("opening");
/// sender.send("open");
/// assert!(visitor.join().unwrap());
/// ```
pub fn watch<T>(value: T) -> (WatchSender<T>, WatchReceiver<T>) {
    generic::watch(value)
}

/// A broadcast, which keeps up to `capacity` items for receivers that are behind. Within one thread:
/// [`local::broadcast`].
///
/// # Panics
///
/// When `capacity` is 0.
///
/// ```
/// use bibelot_sync::BroadcastError;
///
/// let (sender, mut receiver) = bibelot_sync::broadcast(2);
/// for item in 1..=5 {
///     sender.send(item).unwrap();
/// }
/// assert_eq!(receiver.recv_blocking(), Err(BroadcastError::Lagged(3)));
/// assert_eq!(receiver.recv_blocking(), Ok(4));
/// ```
pub fn broadcast<T>(capacity: usize) -> (BroadcastSender<T>, BroadcastReceiver<T>) {
    generic::broadcast(capacity)
}

/// A sender of one value and its receiver. Within one thread: [`local::oneshot`].
///
/// ```
/// use std::thread;
///
/// let (sender, receiver) = bibelot_sync::oneshot();
/// let answering = thread::spawn(move || sender.send(6 * 7).unwrap());
/// assert_eq!(receiver.recv_blocking(), Ok(42));
/// answering.join().unwrap();
/// ```
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    generic::oneshot()
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
