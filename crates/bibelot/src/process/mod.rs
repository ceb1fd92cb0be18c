//! Processes: functions that run in a process of their own, for what must not share this one's memory,
//! may crash, or has to be stopped in the middle.
//!
//! A function is marked with [`process_fn`](crate::process_fn), and stays a function. Called through
//! [`run_in_process`], it runs in a worker: this very program, started again, which waits for calls
//! instead of running its `main`. Arguments and values go over a pair of sockets, in `serde`'s words.
//!
//! ```no_run
//! #[bibelot::process_fn]
//! fn fibonacci(n: u64) -> u64 {
//!     if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
//! }
//!
//! #[bibelot::main]
//! async fn main() -> bibelot::Result<()> {
//!     let value = bibelot::run_in_process(fibonacci, 30).await?;
//!     assert_eq!(value, fibonacci(30));
//!     Ok(())
//! }
//! ```
//!
//! # The entry
//!
//! A worker must find its way before `main` does anything. [`#[bibelot::main]`](crate::main) sees to
//! that; a plain `main` calls [`entry`] first of all. A program that does neither gets
//! [`ProcessError::NoEntry`] from its calls, and no process is started: its `main` never runs a second
//! time. Code of a plain `main` that stands before the call of [`entry`] runs in each worker, too.
//!
//! A test binary has a `main` of its own: there, [`test_entry!`] at the root of the crate makes a test that
//! is the way in. The harness says in each worker that it runs a test, on the standard output.
//!
//! # What a worker is like
//!
//! Its standard output and error are those of this process, its standard input is empty. `SIGTERM` ends
//! it, `SIGINT` does not reach it, so that a terminal's Ctrl-C is the parent's to handle. It has no
//! kernel; a function may [`run`](crate::run) one. What a function leaves in the memory of its worker
//! the next one that comes there finds.
//!
//! # A simulated world
//!
//! It has no processes, and needs no entry: there a call is a job of the world's, carried out in this very
//! process at the time that the world draws for it. Arguments and value travel as bytes all the same, and a
//! panic is the same error, without a place or a backtrace; but what crashes, crashes the program.
//!
//! | File | What it holds |
//! |---|---|
//! | `run` | one call and the wait for it |
//! | `call` | a call between the task that waits and the worker that carries it |
//! | `pool`, `limits` | a handle to processes; how many, how long |
//! | `line` | who carries the next call |
//! | `worker`, `child` | the task that looks after one process, and the process |
//! | `function` | what functions there are, by their names |
//! | `frame` | what goes over the sockets |
//! | `entry` | the other side: what a worker does |
//! | `error` | why a call gave no value |

mod call;
mod child;
mod entry;
mod error;
mod frame;
mod function;
mod limits;
mod line;
mod pool;
mod run;
mod worker;

pub use entry::entry;
pub use error::{ProcessError, RemotePanic};
pub use function::ProcessFn;
pub use limits::ProcessLimits;
pub use pool::{ClosePool, ProcessPool, ProcessReport, report};
pub use run::{RunInProcess, run_in_process};

pub(crate) use pool::set_limits;

#[doc(inline)]
pub use crate::__process_test_entry as test_entry;

/// What the attributes write calls to.
#[doc(hidden)]
pub mod private {
    pub use super::entry::{TestEntry, test_entry};
    pub use super::function::{Registered, answer, type_id_of};
}
