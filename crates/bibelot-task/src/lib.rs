//! A hand-rolled task core: one allocation, one state word, wakers sound from any thread.
//!
//! A task is a future with a state and a count, in one cell. [`spawn()`] makes it and gives two handles: a
//! [`Runnable`], which is the right to poll it once and belongs into a queue, and a [`TaskRef`], which is
//! the executor's name for it. A wake makes the next runnable and pushes it through the
//! [`Schedule`], which is all that this crate asks of an executor. What a queue is, it does not know.
//!
//! Tasks are polled on one thread, their *home*, so futures need not be `Send`. Wakes and counts there
//! cost no atomics; wakers that went to other threads stay sound, also after the home has ended.
//!
//! ```
//! use std::cell::RefCell;
//! use std::collections::VecDeque;
//! use bibelot_task::{Ran, Runnable, Schedule, spawn};
//!
//! std::thread_local! {
//!     static READY: RefCell<VecDeque<Runnable<Here>>> = RefCell::default();
//! }
//!
//! /// The one executor of the thread that made it.
//! struct Here(std::thread::ThreadId);
//!
//! // SAFETY: ids of threads are not used again, so this is true on one thread only.
//! unsafe impl Schedule for Here {
//!     fn is_home(&self) -> bool {
//!         std::thread::current().id() == self.0
//!     }
//!     fn push(&self, runnable: Runnable<Self>) {
//!         READY.with_borrow_mut(|ready| ready.push_back(runnable));
//!     }
//!     fn push_foreign(&self, runnable: Runnable<Self>) {
//!         drop(runnable); // A real executor carries it home.
//!     }
//! }
//!
//! let (runnable, task) = spawn(async { 6 * 7 }, Here(std::thread::current().id()));
//! assert!(matches!(runnable.run(), Ran::Returned));
//! assert_eq!(task.take_output::<i32>().unwrap().unwrap(), 42);
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `state` | every bit, and the transitions of wakes, runs and ends |
//! | `hand_over` | what passes between the home and a join handle |
//! | `count` | the two halves of the count |
//! | `cell` | the allocation, and what depends on the future's type |
//! | `raw`, `ending` | the transitions carried out on the cell |
//! | `runnable`, `task_ref`, `join`, `waker` | the four kinds of handles |
//! | `schedule`, `spawn` | the seam to an executor, and the ways in |
//! | `panic`, `shared` | panics kept in; cells and atomics, loom's in a model |
//!
//! # Costs
//!
//! | At home | Allocations | Atomic read-modify-writes |
//! |---|---|---|
//! | spawn | 1 | 0 |
//! | run, wake, abort; clone or drop of a waker; take an output | 0 | 0 |
//! | end of a task that other threads or kept wakers may still wake | 0 | 1 |
//! | drop of the last [`TaskRef`] | 0 | 0, or 1 if wakers live on |
//! | end of a task with a [`JoinHandle`] | 0 | 1, and 1 to 3 by the handle |
//!
//! On other threads a wake is one, two more if it makes a runnable; a clone or a drop is one. A cell is
//! five words and the schedule before the future or its output, whichever is larger.
//!
//! # Promises
//!
//! - Future and output are dropped once, at home; only an output that is `Send` may go elsewhere, with its
//!   [`JoinHandle`].
//! - After a wake the task is polled, or it ended, or its scheduler dropped the runnable.
//! - Panics of a future, of drops, of a scheduler's push and of a joiner do not get out. They are the
//!   task's output, or [reported](Schedule::report).
//! - No call here takes a lock, and none allocates but the spawn.

#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(any(feature = "std", loom))]
extern crate std;

mod cell;
mod count;
mod ending;
mod hand_over;
mod join;
mod joiner;
mod panic;
mod pool;
mod raw;
mod runnable;
mod schedule;
mod shared;
mod spawn;
mod state;
mod task_ref;
mod waker;

pub use cell::{Output, Unseen};
pub use join::{JoinError, JoinHandle};
pub use panic::{PanicPayload, Site};
pub use pool::Pool;
pub use runnable::{Ran, Runnable, Running};
pub use schedule::Schedule;
pub use spawn::{spawn, spawn_boxed, spawn_in, spawn_joinable, spawn_with};
pub use task_ref::{Aborted, TaskRef};
pub use waker::{WakerData, is_waker_of, waker_table};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
