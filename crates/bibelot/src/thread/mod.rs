//! Threads: code that blocks, beside tasks that must not.
//!
//! The facade starts no thread. A job is an operation like any other, done on the reactor's pool, which
//! is bounded, grows as it is needed, lets its threads go when idle and begins jobs in their order. A thread
//! that waits for tasks is one of its own, so that however many there are, the pool's stay free.
//!
//! | File | What it holds |
//! |---|---|
//! | `run` | one job and the wait for it |
//! | `job` | a job between the task that waits and the thread that works |
//! | `current` | what a job can ask about itself |
//! | `keyed`, `gate` | one job at a time for each key |
//! | `executor`, `reserve` | jobs for other threads: somebody else's, one's own |
//! | `async_thread`, `cx` | threads that await on a kernel; what they have for it |
//! | `line` | what such a thread asks of its kernel |
//! | `error` | why a job gave no value |

mod async_thread;
mod current;
mod cx;
mod error;
mod executor;
mod gate;
mod job;
mod keyed;
mod line;
mod reserve;
mod run;

pub use async_thread::{AsyncThread, async_thread, spawn_thread};
pub use current::is_abandoned;
pub use cx::ThreadCx;
pub use error::WorkerError;
pub use executor::{RunInExecutor, run_in_executor};
pub use keyed::{BlockInThread, block_in_thread};
pub use reserve::{ReleaseThread, ReserveThread, ReservedThread, reserve_thread};
pub use run::{RunInThread, run_in_thread};
