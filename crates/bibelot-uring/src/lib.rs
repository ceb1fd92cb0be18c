//! The reactor contract kept by io_uring.
//!
//! Operations become entries of a ring shared with the operating system; one system call a turn submits
//! them and waits for the first completion. Listeners and streams are served by operations that go on,
//! from buffers that lie ready. What this machine's ring cannot do goes another way, operation by
//! operation: as a plain system call when the descriptor is ready, or on a worker thread.
//!
//! ```
//! use bibelot_reactor::{Call, ListenHow, Op, Outcome, Reactor, Token};
//! use bibelot_uring::{Uring, UringConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # if bibelot_uring::probe(&UringConfig::default()).is_err() { return Ok(()) }
//! let mut uring = Uring::new(UringConfig::default())?;
//! let address = "127.0.0.1:0".parse()?;
//! let listener = uring.call(Call::Listen { address, how: ListenHow::default() })?.into_fd()?;
//! let address = uring.call(Call::LocalAddress { socket: listener.clone() })?.into_address()?;
//!
//! uring.submit(Token::new(0, 0), Op::Accept { listener, many: true });
//! let _peer = std::net::TcpStream::connect(address)?;
//! let mut ends = Vec::new();
//! while ends.is_empty() {
//!     uring.poll(None, &mut ends)?;
//! }
//! assert!(matches!(ends[0].result, Ok(Outcome::Accepted { .. })));
//! assert!(ends[0].more);
//! # Ok(())
//! # }
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `uring` | [`Uring`], the reactor, and its turn |
//! | `launch`, `entry` | which way an operation goes; how it is written down |
//! | `settle` | what a completion means |
//! | `slots`, `names`, `tag` | what is in flight, and how it is found |
//! | `quiet` | sends whose success nobody waits for |
//! | `lanes` | one operation at a time in each direction of a socket |
//! | `lender`, `buffer_ring` | the buffers that receives are filled into |
//! | `ring` | the two queues and the system call between them |
//! | `gather` | waiting a moment longer for a crowd |
//! | `look` | watching for completions before a sleep |
//! | `kick`, `bell` | how other threads end a sleep; on what somebody else's loop waits |
//! | `message` | wakes of other rings that leave with the turn |
//! | `drain` | the end |
//! | `ability`, `probe`, `setup`, `config` | what there is, what is asked for |
//! | `fork` | knowing that this is another process |
//!
//! # Promises
//!
//! - Those of [`bibelot_reactor::Reactor`].
//! - What the operating system may touch stays where it is, and is freed after it has let go, also when
//!   the reactor is dropped with operations in flight or forgotten.
//! - `submit` and `cancel` make a system call only when the submission queue is full, and never wait.

#![deny(unsafe_code)]

mod ability;
mod bell;
mod buffer_ring;
mod config;
mod drain;
mod entry;
#[cfg(test)]
mod faults;
mod fork;
mod gather;
mod kick;
mod lanes;
mod launch;
mod lender;
mod look;
mod message;
mod names;
mod probe;
mod quiet;
mod ring;
mod settle;
mod setup;
mod slots;
mod tag;
mod uring;

pub use ability::{Abilities, Ability};
pub use bibelot_sys::{PoolLimits, PoolReport};
pub use config::UringConfig;
pub use drain::UringEnd;
pub use probe::{UringReport, probe};
pub use setup::SetupError;
pub use uring::Uring;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
