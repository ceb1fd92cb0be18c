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

use crate::generic::{self, Fifo, Lifo, Local};

/// A flag that is set by one and waited for by many. Across threads: [`crate::Event`].
pub type Event = generic::Event<Local>;
/// A queue, first in first out. Across threads: [`crate::Queue`].
pub type Queue<T> = generic::Queue<Fifo<T>, Local>;
/// A queue that gives out the youngest item first. Across threads: [`crate::LifoQueue`].
pub type LifoQueue<T> = generic::Queue<Lifo<T>, Local>;

/// The wait for an [`Event`].
pub type Wait<'a> = generic::Wait<'a, Local>;
/// The wait for an item of a [`Queue`].
pub type Get<'a, T> = generic::Get<'a, Fifo<T>, Local>;
/// The wait for room in a [`Queue`].
pub type Put<'a, T> = generic::Put<'a, Fifo<T>, Local>;
/// The wait for all items of a [`Queue`] to be done.
pub type Join<'a, T> = generic::Join<'a, Fifo<T>, Local>;
