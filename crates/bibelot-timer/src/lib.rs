//! A hierarchical timer wheel in nanoseconds, and the clocks that feed it.
//!
//! A [`Wheel`] holds items until their [`Instant`] has come. It never reads a clock and never waits: its
//! owner asks for the [next deadline](Wheel::next_deadline), waits as it likes, reads its [`Clock`],
//! and [pops](Wheel::pop) what is due.
//!
//! ```
//! use core::time::Duration;
//!
//! use bibelot_timer::{Clock, Manual, Wheel};
//!
//! let clock = Manual::new();
//! let mut wheel = Wheel::new(clock.now());
//! for seconds in [3, 1, 2] {
//!     wheel.insert(clock.now() + Duration::from_secs(seconds), seconds);
//! }
//! let mut woken = Vec::new();
//! while let Some(next) = wheel.next_deadline() {
//!     clock.set(next);
//!     while let Some((_, seconds)) = wheel.pop(clock.now()) {
//!         woken.push(seconds);
//!     }
//! }
//! assert_eq!(woken, [1, 2, 3]);
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `instant` | a point of kernel time |
//! | `clock`, `quick`, `manual` | where time comes from |
//! | `wheel` | the timers |
//! | `place` | which list a deadline belongs to |
//! | `lists` | the lists, linked by index |
//! | `arena` | where the items live, and their keys |
//!
//! # Promises
//!
//! - Nothing is due before its deadline, to the nanosecond.
//! - Inserting and removing take constant time and, in the steady state, no allocation.
//! - Items come by deadline, those of equal deadline in the order of their insertion.
//! - A clock that jumps ahead or is seen going back does no harm.
//! - The crate depends on nothing. Without the feature `std` (on by default, for [`Monotonic`]) it is
//!   `no_std` with `alloc`.

#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod arena;
mod clock;
mod instant;
mod lists;
#[cfg(target_has_atomic = "64")]
mod manual;
mod place;
#[cfg(feature = "std")]
mod quick;
mod wheel;

pub use arena::Key;
pub use clock::Clock;
#[cfg(feature = "std")]
pub use clock::Monotonic;
pub use instant::Instant;
#[cfg(target_has_atomic = "64")]
pub use manual::Manual;
#[cfg(feature = "std")]
pub use quick::Quick;
pub use wheel::{Drain, Wheel};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
