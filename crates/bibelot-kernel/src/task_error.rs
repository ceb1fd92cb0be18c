//! Why a task gave no value.

use crate::cancel::Cancelled;
use crate::panic::Panic;

/// Why a task gave no value.
///
/// A task's own `Err` is part of its value and not found here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// Whoever waited for the task was asked to stop; the task goes on.
    #[error("the wait for a task was cut short: {0}")]
    Interrupted(#[source] Cancelled),
    /// The task was asked to stop while nothing in it could hear, and was dropped.
    #[error("the task was dropped when it was asked to stop: {0}")]
    Cancelled(#[source] Cancelled),
    /// The task panicked; [`Panic::resume`] goes on unwinding.
    #[error("the task panicked: {0}")]
    Panicked(Panic),
    /// The task was aborted, or its kernel ended before it, or what it came to went with its handle.
    #[error("the task was aborted")]
    Aborted,
    /// The task's value has been taken already.
    #[error("the value of the task has been taken already")]
    Taken,
    /// The handle was used on a thread that does not serve its kernel.
    #[error("the task belongs to another kernel")]
    WrongKernel,
}

impl From<Cancelled> for TaskError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Interrupted(cancelled)
    }
}
