//! The reactor contract kept by readiness polling.
//!
//! Every operation is tried first, as a plain system call that never blocks. Only what would block is
//! kept, in order, until the operating system says that its descriptor is ready; what blocks by its
//! nature goes to a worker thread. It runs wherever epoll does, also where io_uring is forbidden.
//!
//! ```
//! use bibelot_poll::{Poll, PollConfig};
//! use bibelot_reactor::{Op, Reactor, Token};
//!
//! let mut poll = Poll::new(PollConfig::default())?;
//! let end = poll.submit(Token::new(0, 0), Op::Nop).expect("nothing to wait for");
//! assert!(end.result.is_ok());
//! # std::io::Result::Ok(())
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `poll` | [`Poll`], the reactor |
//! | `sources` | what is known of each descriptor, and what waits for it |
//! | `table` | a row for each descriptor number |
//! | `queue` | the lines of waiting operations |
//! | `watch` | registrations, and asking for readiness |
//! | `wait` | looking for it, and sleeping until it comes |
//! | `appetite` | which of two sizes they have |
//! | `lender` | buffers for receives, used again and again |
//! | `config` | the sizes that can be chosen |
//!
//! # Promises
//!
//! - Those of [`bibelot_reactor::Reactor`]. A flow completes once and is submitted again.
//! - A descriptor is registered at most once, when it first makes somebody wait, and its registration is
//!   removed before it is closed.
//! - A registration does not keep a descriptor open: when its last holder lets go, it is closed there
//!   and then.
//! - In the steady state an operation allocates nothing here, and one that ends at once costs one system
//!   call.

#![forbid(unsafe_code)]

mod appetite;
mod config;
mod lender;
mod poll;
mod queue;
mod sources;
mod table;
mod wait;
mod watch;

pub use bibelot_sys::{PoolLimits, PoolReport};
pub use config::PollConfig;
pub use poll::Poll;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
