//! Task records: what other threads may read of a kernel's tasks, also while the kernel is stuck.
//!
//! The home thread writes, with plain stores, into the record at the task's slot; any thread reads,
//! without asking the kernel for anything. A sequence number in each record tells a reader that what
//! it copied belongs together. Nobody waits for anybody, and a kernel that nobody looks at pays only
//! its stores.
//!
//! | File | What it holds |
//! |---|---|
//! | `cell` | one record: its words, and the protocol of its sequence number |
//! | `site` | a source location that one thread sets and others read |
//! | `blocks` | records by slot, at addresses that stay |
//! | `writer`, `reader` | the kernel's side, and everybody else's |
//! | `wait`, `reason`, `info` | what a task waits for, also in a program's own words, and what is known of it |
//! | `atomic` | the atomics: the standard ones, or those of a model checker |
//!
//! # Invariants
//!
//! - What a reader is given of one task was true of that task: never a mixture of two tenants of a
//!   slot, never the reason of one wait with the place of another.
//! - A block of records lives until the kernel and its last reader are gone.
//! - A reader holds the kernel up in one place only: at the lock of the names, which is taken for a
//!   named task at its beginning and end, and under which nobody's code runs.

mod atomic;
mod blocks;
mod cell;
mod info;
#[cfg(all(test, loom))]
mod loom_tests;
mod reader;
mod reason;
mod site;
#[cfg(all(test, not(loom)))]
mod tests;
mod wait;
mod writer;

pub(crate) use cell::{Begun, Record};
pub use info::{TaskInfo, TaskState};
pub use reader::RecordReader;
pub use reason::Reason;
pub use wait::Wait;
pub(crate) use writer::{Known, Records, Tenant};
