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
//! | `blocking` | the thread that waits like a task |
//! | `lock`, `rwlock`, `reentrant` | who may use a value |
//! | `semaphore`, `limiter`, `barrier` | how many may go on |
//! | `queue` | items from many to many |
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
//! - No code of users (a waker's clone, wake or drop, an item's drop, a formatter) runs while a state is
//!   borrowed or locked. `Debug` prints a state without waiting for it.
//! - No allocation per operation once a primitive has grown to its number of waiters and items; it keeps
//!   that memory until its last handle is dropped.
//!
//! What a future was granted it keeps until it is polled or dropped, as with every fair primitive: do not
//! hold on to a wait without polling it, and let no task call a blocking twin.
//!
//! Nothing here knows a kernel, a reactor or cancellation. A future of this crate is polled with any
//! waker, and to cut its wait is to drop it.

#![forbid(unsafe_code)]

mod barrier;
mod blocking;
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
mod wait_queue;
mod waiter;
mod wakes;

pub use barrier::{BarrierClosed, Passed};
pub use limiter::{AlreadyBorrowed, TryBorrowError};
pub use once::AlreadySet;
pub use once_cell::SetError;
pub use oneshot::{SendError, SenderGone, TryRecvError};
pub use owner::Owner;
pub use queue::{Closed, PutError, Rank, TooManyDone, TryGetError, TryPutError};
pub use semaphore::{AcquireError, OverRelease, TooManyPermits, TryAcquireError};
pub use wait_queue::{Left, Ticket, WaitQueue};

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
/// A result that is set once and read by many. Within one thread: [`local::OnceResult`].
pub type OnceResult<T, E> = generic::OnceResult<T, E, Universal>;
/// A value that is made once and read by many. Within one thread: [`local::OnceCell`].
pub type OnceCell<T> = generic::OnceCell<T, Universal>;
/// Sends one value. Within one thread: [`local::OneshotSender`].
pub type OneshotSender<T> = generic::OneshotSender<T, Universal>;
/// Receives one value. Within one thread: [`local::OneshotReceiver`].
pub type OneshotReceiver<T> = generic::OneshotReceiver<T, Universal>;

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
