//! The simulated world: virtual time, sockets in memory, chosen orders.
//!
//! A [`Sim`] stands where a program would otherwise have io_uring or a poller, and keeps the same
//! contract, `bibelot_reactor::Reactor`. Its network, files, names and clock are data in one thread.
//! Time stands still while the program runs and jumps while it waits, so an idle hour costs nothing.
//! Everything that could go another way in a real run (how long a packet travels, where a stream is cut,
//! how much a send takes, whether a cancel or a completion is first) is a question put to one
//! [`Choice`](bibelot_sched::Choice), and answer 0 is what production would do.
//!
//! Under a kernel, a whole program runs in it:
//!
//! ```
//! use std::time::Duration;
//!
//! use bibelot_kernel::{clock, sleep};
//! use bibelot_sim::Sim;
//!
//! let end = Sim::new(7).block_on(async {
//!     sleep(Duration::from_secs(3600)).await.unwrap();
//!     clock()
//! });
//! assert_eq!(end.as_nanos(), 3_600_000_000_000);
//! ```
//!
//! And alone, as a reactor:
//!
//! ```
//! use bibelot_reactor::{Call, ListenHow, Op, Outcome, Reactor, Token};
//! use bibelot_sim::Sim;
//!
//! let (mut world, _clock, _choice) = Sim::new(7).into_parts();
//! let address = "127.0.0.1:0".parse().unwrap();
//! let how = ListenHow::default();
//! let listener = world.call(Call::Listen { address, how })?.into_fd()?;
//! let peer = world.call(Call::LocalAddress { socket: listener.clone() })?.into_address()?;
//! let socket = world.call(Call::Socket { peer })?.into_fd()?;
//!
//! let (accepting, connecting) = (Token::new(0, 0), Token::new(1, 0));
//! let mut ends = Vec::new();
//! ends.extend(world.submit(accepting, Op::Accept { listener, many: false }));
//! ends.extend(world.submit(connecting, Op::Connect { socket, peer }));
//! while ends.len() < 2 {
//!     world.poll(None, &mut ends)?;
//! }
//! assert!(matches!(ends[0].result, Ok(Outcome::Accepted { .. })));
//! assert_eq!(ends[1].token, connecting);
//! # std::io::Result::Ok(())
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `sim`, `backend`, `settings` | the recipe, and how a kernel takes it |
//! | `reactor`, `clock` | the two seams of a kernel |
//! | `decide`, `spot`, `trace`, `report` | what is asked, under which names, and what came of it |
//! | `world` | what happens |
//! | `agenda` | what will happen, and when |
//! | `object`, `handle` | what exists, and who holds it |
//! | `listener`, `stream`, `pipe`, `ports` | the network |
//! | `disk`, `names`, `pieces`, `errno` | files, hosts, memory, errors |
//! | `flight`, `ready` | operations under way, and their ends |
//! | `deadlock` | the end of a world in which nothing can happen |
//!
//! # Promises
//!
//! - No operating system, no real time, no threads, no order of hashes or addresses: the same program
//!   under the same answers runs the same, step for step, which [`Report::chain`] shows.
//! - Time never moves but inside `poll`; in one that was asked not to wait only by what a turn
//!   [costs](Sim::turn_cost).
//! - Nothing is lost and nothing overtakes within a stream, however it is cut and delayed.
//! - Errors are those of Linux in the same place, by number.

#![forbid(unsafe_code)]

mod agenda;
mod backend;
mod clock;
mod deadlock;
mod decide;
mod disk;
mod errno;
mod flight;
mod handle;
mod listener;
mod names;
mod object;
mod pieces;
mod pipe;
mod ports;
mod reactor;
mod ready;
mod report;
mod settings;
mod sim;
mod spot;
mod stream;
mod trace;
mod world;

pub use clock::SimClock;
pub use deadlock::Deadlock;
pub use decide::SharedChoice;
pub use reactor::SimReactor;
pub use report::Report;
pub use sim::{Sim, silent_peer};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
