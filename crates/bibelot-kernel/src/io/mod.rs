//! What the kernel has with its reactor: operations under way, and objects that outlive their waiters.
//!
//! One table, from token to *operation* (asked for by one call, which waits for it, drains it or leaves
//! it as an orphan), *object* (a listener or stream, with an inbox for what has arrived and an outbox for
//! what has not left) or *raw socket* (which sends for its callers, one at a time). The table is plain
//! data: what a change of it makes necessary, wakes, submits, cancels, is collected as acts and carried
//! out when nothing is borrowed.
//!
//! | File | What it holds |
//! |---|---|
//! | `table` | slots, keys and tokens |
//! | `act` | what is to be done outside the table, and doing it |
//! | `object` | an object's two sides |
//! | `ending` | its end |
//! | `read_side`, `write_side` | its inbox and flow; its outbox and sends |
//! | `shared` | what all objects share: limits, spare memory, counts |
//! | `report` | what is left of all that at the end |
//! | `operation` | one operation of one call |
//! | `ready` | waiting for a descriptor, without an object |
//! | `raw_side` | a socket whose sends are operations of their callers |
//! | `raw_sender`, `raw_waits` | the public handle to it, and the traps that wait there |
//! | `handle`, `waits` | the public handle to an object, and the traps that wait there |
//!
//! # Invariants
//!
//! - A token in flight names a slot that is still there.
//! - What the reactor gives late goes to the object it came for; only what nobody can ever ask for again
//!   is dropped.

mod act;
#[cfg(all(test, not(loom)))]
mod crowd_tests;
mod ending;
mod handle;
mod object;
mod operation;
mod raw_sender;
mod raw_side;
mod raw_waits;
mod read_side;
mod ready;
mod report;
mod shared;
mod table;
mod waits;
mod write_side;

pub use handle::{Close, Object, Receive, Room};
pub use operation::{Ended, Operation, OperationOp, operate};
pub use raw_sender::{RawSend, RawSendError, RawSender, Settled};
pub use raw_waits::SettledOp;
pub use read_side::Arrival;
pub use ready::{Ready, readable, writable};

pub(crate) use act::Alarm;
pub use report::IoReport;
pub(crate) use shared::Limits;
pub(crate) use table::{Message, Table};
pub use waits::{CloseOp, ReceiveOp, RoomOp};

use std::io;

use bibelot_reactor::{Call, Reply};

use crate::home;

/// Does what touches the world without waiting.
///
/// # Errors
///
/// The world's own.
///
/// # Panics
///
/// Without a kernel on this thread.
#[track_caller]
pub fn call(call: Call) -> io::Result<Reply> {
    home::expect("a call to the world", |core| core.call(call))
}

/// An object or operation was used on a thread that does not serve its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it belongs to another kernel")]
pub struct WrongKernel;

/// Another task waits for the same side of this object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another task already waits to {0} here")]
pub struct Busy(pub Direction);

/// A side of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What arrives.
    Read,
    /// What leaves.
    Write,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

pub(crate) fn wrong_kernel() -> io::Error {
    io::Error::other(WrongKernel)
}

pub(crate) fn busy(direction: Direction) -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, Busy(direction))
}

pub(crate) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "it is closed")
}
