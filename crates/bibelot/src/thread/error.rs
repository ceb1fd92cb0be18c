//! Why a job gave no value.

use std::io;

use bibelot_kernel::{Cancelled, Panic, TaskError};

use crate::Error;

/// Why a job gave no value.
///
/// A job's own `Err` is part of its value and not found here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// Whoever waited for the job was asked to stop; the job was taken back, or goes on by itself.
    #[error(transparent)]
    Cancelled(Cancelled),
    /// The job panicked; [`Panic::resume`] goes on unwinding.
    #[error("a job panicked on its thread: {0}")]
    Panicked(Panic),
    /// No thread could be had for the job, which was dropped.
    #[error("a job had no thread: {0}")]
    NoThread(#[source] io::Error),
    /// The key is held by code on this very thread, which would wait for itself for ever.
    #[error("the key of a job is held by the thread that would wait for it")]
    SelfWait,
}

impl From<Cancelled> for WorkerError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Cancelled(cancelled)
    }
}

impl From<WorkerError> for Error {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            WorkerError::Panicked(panic) => Self::Task(TaskError::Panicked(panic)),
            WorkerError::NoThread(error) => Self::Io(error),
            WorkerError::SelfWait => Self::Io(io::Error::new(
                io::ErrorKind::Deadlock,
                WorkerError::SelfWait,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bibelot_kernel::{AsCancelled, Cause};

    #[test]
    fn a_cancellation_is_found_inside_and_moves_on() {
        let error = WorkerError::from(Cancelled::new(Cause::Interrupt));
        assert!(error.is_cancelled());
        assert!(Error::from(error).is_cancelled());
    }
}
