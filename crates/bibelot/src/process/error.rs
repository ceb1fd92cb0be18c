//! Why a call of a function in another process gave no value.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use bibelot_kernel::Cancelled;

use crate::Error;

/// Why a call of a function in another process gave no value.
///
/// A function's own `Err` is part of its value and not found here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// Whoever waited was asked to stop; the process was ended, or the call taken back.
    #[error(transparent)]
    Cancelled(Cancelled),
    /// The function panicked; its process lives on.
    #[error("a function panicked in its process: {0}")]
    Panicked(RemotePanic),
    /// The process ended in the middle of the call: it exited, or a signal killed it.
    #[error("a process ended in the middle of a call: {0}")]
    Died(ExitStatus),
    /// The process went in the middle of the call, and how it ended is not known.
    #[error("a process went in the middle of a call: {0}")]
    Lost(#[source] io::Error),
    /// No process could be started for the call, and there was none to wait for.
    #[error("no process could be started: {0}")]
    NotStarted(#[source] io::Error),
    /// A process came up and ended without saying that it waits for calls.
    #[error("a process ended before it took calls: {0}")]
    NotEntered(ExitStatus),
    /// A process came up and did not say in time that it waits for calls: `main` does something else
    /// before [`entry`](crate::process::entry), for so long.
    #[error("a process did not take calls within {0:?}")]
    Silent(Duration),
    /// The program has no [entry](crate::process#the-entry) for worker processes, so none was started.
    #[error("the program's main does not begin with bibelot::process::entry")]
    NoEntry,
    /// The function is not marked with [`process_fn`](crate::process_fn).
    #[error("{0} is not marked with #[bibelot::process_fn]")]
    NotRegistered(&'static str),
    /// Arguments or value cannot be put into bytes, or be made of them.
    #[error("{what} of a call cannot travel: {why}")]
    Unfit {
        /// Which of them.
        what: &'static str,
        /// What `serde` says.
        why: String,
    },
    /// Arguments or value are larger than the pool allows.
    #[error("{what} of a call would travel as {len} bytes; at most {max} may")]
    TooLarge {
        /// Which of them.
        what: &'static str,
        /// How many bytes.
        len: usize,
        /// How many the pool allows.
        max: usize,
    },
    /// The process said what no process says.
    #[error("a process broke the protocol: {0}")]
    Broken(&'static str),
    /// The pool or its kernel has ended.
    #[error("the pool of processes has ended")]
    Closed,
    /// The pool belongs to another kernel.
    #[error("the pool of processes belongs to another kernel")]
    WrongKernel,
}

/// A panic in another process: what it said and where it was.
#[derive(Clone, PartialEq, Eq)]
pub struct RemotePanic {
    pub(super) message: String,
    pub(super) place: String,
    pub(super) backtrace: String,
}

impl RemotePanic {
    /// What the panic said.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it was: file, line and column.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The calls that led there, as text.
    #[must_use]
    pub fn backtrace(&self) -> &str {
        &self.backtrace
    }
}

impl fmt::Display for RemotePanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at {}", self.message, self.place)
    }
}

impl fmt::Debug for RemotePanic {
    /// With the backtrace, which is what a program that gives up should print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemotePanic({self})\n{}", self.backtrace)
    }
}

impl From<Cancelled> for ProcessError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Cancelled(cancelled)
    }
}

impl From<ProcessError> for Error {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            ProcessError::WrongKernel => Self::WrongKernel,
            error => Self::Io(io::Error::other(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bibelot_kernel::{AsCancelled, Cause};

    #[test]
    fn a_cancellation_is_found_inside_and_moves_on() {
        let error = ProcessError::from(Cancelled::new(Cause::Interrupt));
        assert!(error.is_cancelled());
        assert!(Error::from(error).is_cancelled());
    }
}
