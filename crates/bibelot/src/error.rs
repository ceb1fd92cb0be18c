//! The one error for `?`: what can go wrong with any operation of the facade.

use std::error::Error as StdError;
use std::io;

use bibelot_kernel::io::{Busy, Direction, WrongKernel};
use bibelot_kernel::{Cancelled, TaskError};

/// What can go wrong.
///
/// A cancellation travels in it, and through an [`io::Error`] and back, without losing its cause or
/// how far the operation had got; [`AsCancelled`](crate::AsCancelled) asks for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The code was asked to stop.
    #[error(transparent)]
    Cancelled(Cancelled),
    /// The operating system says no.
    #[error(transparent)]
    Io(io::Error),
    /// A task gave no value.
    #[error(transparent)]
    Task(TaskError),
    /// Another task waits for the same side of the object.
    #[error("another task already waits to {0} here")]
    Busy(Direction),
    /// The queue, channel or object is closed.
    #[error("it is closed")]
    Closed,
    /// The stream ended early: only so many bytes came, and they are still there to be read.
    #[error("the stream ended after {got} bytes of {wanted}")]
    Eof {
        /// How many there are.
        got: usize,
        /// How many were asked for.
        wanted: usize,
    },
    /// A line or record is longer than this many bytes; the stream is as it was.
    #[error("no end was found within {0} bytes")]
    Limit(usize),
    /// A handle was used on a thread that does not serve its kernel.
    #[error("it belongs to another kernel")]
    WrongKernel,
}

/// A result with the facade's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Cancelled> for Error {
    fn from(cancelled: Cancelled) -> Self {
        Self::Cancelled(cancelled)
    }
}

impl From<TaskError> for Error {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Interrupted(cancelled) => Self::Cancelled(cancelled),
            error => Self::Task(error),
        }
    }
}

impl From<io::Error> for Error {
    /// Finds again what travelled inside an [`io::Error`].
    fn from(error: io::Error) -> Self {
        let Some(inner) = error.get_ref() else {
            return Self::Io(error);
        };
        if inner.is::<Cancelled>() {
            return match take::<Cancelled>(error) {
                Ok(cancelled) => Self::Cancelled(cancelled),
                Err(error) => Self::Io(error),
            };
        }
        if inner.is::<Self>() {
            return match take::<Self>(error) {
                Ok(error) => error,
                Err(error) => Self::Io(error),
            };
        }
        if let Some(busy) = inner.downcast_ref::<Busy>() {
            return Self::Busy(busy.0);
        }
        if inner.is::<WrongKernel>() {
            return Self::WrongKernel;
        }
        Self::Io(error)
    }
}

/// Takes the error of type `E` out of an [`io::Error`] that holds one.
fn take<E: StdError + Send + Sync + 'static>(error: io::Error) -> Result<E, io::Error> {
    let kind = error.kind();
    match error.into_inner().map(|inner| inner.downcast::<E>()) {
        Some(Ok(found)) => Ok(*found),
        Some(Err(inner)) => Err(io::Error::new(kind, inner)),
        None => Err(kind.into()),
    }
}

impl From<Error> for io::Error {
    /// An error of the fitting kind, with this one inside if it is not itself the system's.
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled(cancelled) => cancelled.into(),
            Error::Io(error) => error,
            Error::Eof { .. } => Self::new(io::ErrorKind::UnexpectedEof, error),
            Error::Limit(_) => Self::new(io::ErrorKind::InvalidData, error),
            Error::Busy(_) => Self::new(io::ErrorKind::ResourceBusy, error),
            Error::Closed => Self::new(io::ErrorKind::NotConnected, error),
            error => Self::other(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bibelot_kernel::{AsCancelled, Cause};

    #[test]
    fn a_cancellation_travels_through_io_errors_and_back() {
        let cancelled = Cancelled::new(Cause::Interrupt).with_progress(512);
        let there = io::Error::from(Error::from(cancelled));
        assert!(there.is_cancelled());
        let Error::Cancelled(back) = Error::from(there) else {
            panic!("it comes back as what it was");
        };
        assert_eq!(back.progress(), Some(512));
    }

    #[test]
    fn the_other_errors_travel_too() {
        let there = io::Error::from(Error::Eof { got: 3, wanted: 8 });
        assert_eq!(there.kind(), io::ErrorKind::UnexpectedEof);
        assert!(matches!(
            Error::from(there),
            Error::Eof { got: 3, wanted: 8 }
        ));
        let system = Error::from(io::Error::from_raw_os_error(2));
        assert!(matches!(system, Error::Io(error) if error.raw_os_error() == Some(2)));
    }
}
