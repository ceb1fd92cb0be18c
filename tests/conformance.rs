//! One script for every reactor: what a program may rely on, whichever of them it runs on.
//!
//! Each test is a script that talks to a reactor through the contract alone; it runs on every backend
//! that this machine offers, in several sizes and with abilities taken away, always under
//! [`Lawful`](bibelot_reactor::Lawful), and leaves the descriptor table as it was.
//!
//! `BIBELOT_EXPECT=uring,poll,sim` makes a backend that is missing a failure; without it, what is
//! skipped is said on the error stream. `BIBELOT_REACTOR=poll` runs that one only.

#[path = "conformance/backends.rs"]
mod backends;
#[path = "conformance/blocking.rs"]
mod blocking;
#[path = "conformance/calls.rs"]
mod calls;
#[path = "conformance/cancels.rs"]
mod cancels;
#[path = "conformance/children.rs"]
mod children;
#[path = "conformance/closes.rs"]
mod closes;
#[path = "conformance/connections.rs"]
mod connections;
#[path = "conformance/crowds.rs"]
mod crowds;
#[path = "conformance/files.rs"]
mod files;
#[path = "conformance/limits.rs"]
mod limits;
#[path = "conformance/parks.rs"]
mod parks;
#[path = "conformance/pending.rs"]
mod pending;
#[path = "conformance/random.rs"]
mod random;
#[path = "conformance/receives.rs"]
mod receives;
#[path = "conformance/sends.rs"]
mod sends;
#[path = "conformance/streams.rs"]
mod streams;
#[path = "conformance/world.rs"]
mod world;
