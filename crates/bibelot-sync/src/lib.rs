//! Fair synchronisation primitives, each state machine written once as plain data.

#![forbid(unsafe_code)]

mod blocking;
mod event;
pub mod generic;
pub mod local;
mod mutex;
mod queue;
mod shell;
mod wait_queue;
mod waiter;
mod wakes;

pub use queue::{Closed, PutError, TooManyDone, TryGetError, TryPutError};
pub use wait_queue::{Left, Ticket, WaitQueue};

use generic::{Fifo, Lifo, Universal};

/// A flag that is set by one and waited for by many. Within one thread: [`local::Event`].
pub type Event = generic::Event<Universal>;
/// A queue, first in first out. Within one thread: [`local::Queue`].
pub type Queue<T> = generic::Queue<Fifo<T>, Universal>;
/// A queue that gives out the youngest item first. Within one thread: [`local::LifoQueue`].
pub type LifoQueue<T> = generic::Queue<Lifo<T>, Universal>;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
