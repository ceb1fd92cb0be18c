//! What runs next: schedulers with laws, and the choice seam for exploring orders.
//!
//! A [`Scheduler`] holds what is ready and says what runs next. There is [`Fifo`], [`Priority`] with
//! ageing, and [`Bag`], which asks a [`Choice`]. Whatever else could go another way in a run asks a
//! choice too, so that runs can be drawn from a seed ([`Seeded`]), written down ([`Logged`]), repeated
//! ([`Replay`]) and gone through one by one ([`Exhaust`]).
//!
//! ```
//! use bibelot_sched::{Bag, Exhaust, Scheduler, Wake};
//!
//! // Two tasks read a counter, then write it back raised by one. In which orders is a step lost?
//! let (mut runs, mut lost) = (0, 0);
//! let mut every = Exhaust::new();
//! while every.next_run()? {
//!     let (mut counter, mut seen) = (0, [None; 2]);
//!     let mut ready = Bag::new(&mut every);
//!     (0..2).for_each(|task| ready.push(task, Wake::Spawned));
//!     while let Some(task) = ready.pop() {
//!         match seen[task] {
//!             None => {
//!                 seen[task] = Some(counter);
//!                 ready.push(task, Wake::Woken);
//!             }
//!             Some(value) => counter = value + 1,
//!         }
//!     }
//!     runs += 1;
//!     lost += usize::from(counter != 2);
//! }
//! assert_eq!((runs, lost), (6, 4));
//! # Ok::<(), bibelot_sched::Unrepeatable>(())
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `scheduler` | the seam and its laws |
//! | `fifo`, `priority`, `bag` | three schedulers |
//! | `laws`, `trial` | the laws as a property test (feature `proptest`) |
//! | `choice`, `point`, `site` | the seam for everything that could go another way |
//! | `seeded`, `rng` | answers from a seed |
//! | `log`, `deviation`, `replay` | answers written down and given again |
//! | `exhaust` | all answers, one run after the other |
//!
//! # Promises
//!
//! - The same pushes and the same answers give the same pops, on every machine.
//! - A `Point` borrows: asking allocates nothing.
//! - The crate depends on nothing and is `no_std` with `alloc`; only the feature `proptest` brings in
//!   `proptest` and `std`.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "proptest")]
extern crate std;

mod bag;
mod choice;
mod deviation;
mod exhaust;
mod fifo;
#[cfg(feature = "proptest")]
pub mod laws;
mod log;
mod point;
mod priority;
mod replay;
mod rng;
mod scheduler;
mod seeded;
mod site;
#[cfg(feature = "proptest")]
mod trial;

pub use bag::{Bag, Ready};
pub use choice::{Choice, Production};
pub use deviation::{Deviation, Deviations, NotADeviation};
pub use exhaust::{Exhaust, Unrepeatable};
pub use fifo::Fifo;
pub use log::{Asked, Log, Logged};
pub use point::{Access, Alt, Kind, ObjectId, OpKind, Point};
pub use priority::Priority;
pub use replay::{Parted, Replay};
pub use rng::Rng;
pub use scheduler::{Scheduler, Wake};
pub use seeded::Seeded;
pub use site::{Site, TaskPath};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
