//! Bridges: futures of other executors awaited here, and futures of ours awaited there.
//!
//! Any future can be awaited by a task, but some want to be *polled* by their own runtime: a socket of
//! tokio's, a timer of async-std's. [`run_on`] hands such a future over to its executor and waits here for
//! what it gives. [`run_at`] goes the other way: whoever knows a kernel's handle, on whatever thread and
//! under whatever executor, has a task made there and awaits it.
//!
//! | File | What it holds |
//! |---|---|
//! | `run_on` | a future for another executor |
//! | `run_at` | a task for a kernel, from outside |
//! | `carried` | how either ended, on its way back |
//!
//! # Invariants
//!
//! - Whoever stops waiting stops the other side: what was handed over is dropped there, what was spawned
//!   here is cancelled. What fails when nobody waits any more is told to the crash hook.

mod carried;
mod run_at;
mod run_on;

pub use run_at::{RunAt, run_at};
pub use run_on::{Handed, RunOn, run_on};
