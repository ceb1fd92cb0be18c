//! Threads: code that blocks, beside tasks that must not.
//!
//! The facade starts no thread. A job is an operation like any other, done on the reactor's pool, which
//! is bounded, grows as it is needed, lets its threads go when idle and begins jobs in their order.
//!
//! | File | What it holds |
//! |---|---|
//! | `run` | one job and the wait for it |
//! | `job` | a job between the task that waits and the thread that works |
//! | `current` | what a job can ask about itself |
//! | `keyed`, `gate` | one job at a time for each key |
//! | `error` | why a job gave no value |

mod current;
mod error;
mod gate;
mod job;
mod keyed;
mod run;

pub use current::is_abandoned;
pub use error::WorkerError;
pub use keyed::{BlockInThread, block_in_thread};
pub use run::{RunInThread, run_in_thread};
