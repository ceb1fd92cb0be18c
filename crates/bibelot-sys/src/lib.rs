//! Each operation as one plain system call, and the bounded worker pool.
//!
//! A reactor that has no better way runs an operation like this: [`attempt`] it; if that would block,
//! wait until the descriptor is ready for [`interest`] and attempt it again; if it blocks by its nature,
//! hand it to the [`Pool`], whose threads [`perform`] it.
//!
//! ```
//! use bibelot_reactor::{Call, ListenHow, Op};
//! use bibelot_sys::{Attempt, attempt, call};
//!
//! let address = "127.0.0.1:0".parse().unwrap();
//! let how = ListenHow::default();
//! let listener = call(Call::Listen { address, how })?.into_fd()?;
//! let accept = Op::Accept { listener, many: false };
//! assert!(matches!(attempt(accept), Attempt::WouldBlock(_)));
//! # std::io::Result::Ok(())
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `attempt` | the try that never blocks |
//! | `connect`, `close` | the two operations with a story of their own |
//! | `perform` | the bodies that may block |
//! | `call` | what has its answer at once |
//! | `pool`, `census`, `worker` | the threads for what blocks |
//! | `slack` | how late the operating system may wake a thread |
//! | `child`, `reaper` | child processes, and those that nobody asks about any more |
//! | `level` | a descriptor that is readable while something is so |
//! | `link` | what a child does to be one |
//! | `signal` | signals as bytes on a socket |
//! | `thread` | threads for kernels |
//! | `raw` | the system calls that have no safe form |
//!
//! # Promises
//!
//! - Sockets and files made here are closed on exec; sockets are non-blocking and never raise `SIGPIPE`.
//! - Interruptions by signals are retried, except where the call took effect all the same.
//! - What an operation owned comes back or is freed after the system call, never before.

#![deny(unsafe_code)]

mod attempt;
mod call;
mod census;
mod child;
mod close;
mod connect;
mod level;
mod link;
mod perform;
mod pool;
mod raw;
mod reaper;
mod signal;
mod slack;
mod thread;
mod watchdog;
mod worker;

pub use attempt::{Attempt, attempt, attempt_with, interest, send_now};
pub use call::{call, calls_of};
pub use connect::connect_again;
pub use level::Level;
pub use link::take_link;
pub use perform::perform;
pub use pool::{NoThread, Pool, PoolLimits, PoolReport};
pub use slack::Slack;
pub use thread::{Started, bind_to_processor, processors, start_thread};
pub use watchdog::Watchdog;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
