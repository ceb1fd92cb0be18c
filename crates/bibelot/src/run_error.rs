//! Why a run gave no value.

use std::error::Error;
use std::io;

use bibelot_kernel::{AlreadyRunning, Deadlock, MainDropped};

/// Why a run gave no value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// This thread has a kernel already.
    #[error(transparent)]
    AlreadyRunning(AlreadyRunning),
    /// No backend can be had, and this is why.
    #[error("no kernel can be had: {0}")]
    NoKernel(#[source] io::Error),
    /// Somebody called [`exit`](crate::exit()) with this status; the value, if there was one, is dropped.
    #[error("the program was asked to exit with status {0}")]
    Exit(i32),
    /// The main future was asked to stop and did not end by itself.
    #[error(transparent)]
    Dropped(MainDropped),
    /// Every task waits, and nothing is under way that could wake one.
    #[error(transparent)]
    Deadlock(Deadlock),
    /// The kernel cannot go on.
    #[error("the kernel cannot go on: {0}")]
    Failed(#[source] io::Error),
}

impl RunError {
    /// What became of building a kernel.
    pub(crate) fn of_build(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(&running) => Self::AlreadyRunning(running),
            None => Self::NoKernel(error),
        }
    }

    /// What became of running one.
    pub(crate) fn of_run(error: io::Error) -> Self {
        match take(error) {
            Ok(dropped) => Self::Dropped(dropped),
            Err(error) => match take(error) {
                Ok(deadlock) => Self::Deadlock(deadlock),
                Err(error) => Self::Failed(error),
            },
        }
    }
}

/// Takes an `E` out of an error that holds one.
fn take<E: Error + Send + Sync + 'static>(error: io::Error) -> Result<E, io::Error> {
    let kind = error.kind();
    if !error.get_ref().is_some_and(|inner| inner.is::<E>()) {
        return Err(error);
    }
    match error.into_inner().map(|inner| inner.downcast::<E>()) {
        Some(Ok(found)) => Ok(*found),
        Some(Err(inner)) => Err(io::Error::new(kind, inner)),
        None => Err(kind.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_what_is_in_them() {
        let other = io::Error::other("no ring");
        assert!(matches!(RunError::of_build(other), RunError::NoKernel(_)));
        let running = io::Error::new(io::ErrorKind::AlreadyExists, AlreadyRunning);
        let running = RunError::of_build(running);
        assert!(matches!(running, RunError::AlreadyRunning(_)));
        let dropped = RunError::of_run(MainDropped::Late.into());
        assert!(matches!(dropped, RunError::Dropped(MainDropped::Late)));
        let failed = RunError::of_run(io::Error::other("no ring"));
        assert_eq!(failed.to_string(), "the kernel cannot go on: no ring");
    }
}
