//! The value that says "you were asked to stop": how cancellation travels, as an error like others.
//!
//! A [`Cancelled`] is one word: a box with the [`Cancellation`] inside, which is also its `source()`,
//! so that it is found again behind wrappers that are transparent about their source, `io::Error`
//! among them. It goes through three stages: *live* while it is on its way to the scope it came from,
//! *timed out* once that scope has claimed it, *uncaught* when it was claimed and then left a further
//! limit without anybody having caught it.
//!
//! # Invariants
//!
//! - A stage only moves forward: live, timed out, uncaught.

use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicU8, Ordering};

use super::cause::{Cause, ScopeId};

/// An operation was asked to stop, and did, without effect beyond what [`Cancellation`] says.
#[must_use = "a cancellation that is not passed on is swallowed"]
pub struct Cancelled(Box<Cancellation>);

/// What is known of a [`Cancelled`]: why, at which stage, and how far the operation had got.
pub struct Cancellation {
    cause: Cause,
    stage: AtomicU8,
    progress: Option<u64>,
    outcome_unknown: bool,
}

const LIVE: u8 = 0;
const TIMED_OUT: u8 = 1;
const UNCAUGHT: u8 = 2;

impl Cancelled {
    /// A live cancellation for this cause, for code that passes on a request of its own making.
    pub fn new(cause: Cause) -> Self {
        Self(Box::new(Cancellation {
            cause,
            stage: AtomicU8::new(LIVE),
            progress: None,
            outcome_unknown: false,
        }))
    }

    /// Another of the same cause, at the same stage.
    pub(crate) fn copy(&self) -> Self {
        Self(Box::new(Cancellation {
            cause: self.cause.clone(),
            stage: AtomicU8::new(self.stage()),
            progress: self.progress,
            outcome_unknown: self.outcome_unknown,
        }))
    }

    /// The same, saying how far the operation had got: bytes accepted, items taken.
    pub fn with_progress(mut self, progress: u64) -> Self {
        self.0.progress = Some(progress);
        self
    }

    /// The same, saying that the operation's end was not waited for.
    pub fn with_outcome_unknown(mut self) -> Self {
        self.0.outcome_unknown = true;
        self
    }

    /// Why; as [`Cancellation::cause`], and here too so that [`Error::cause`] does not hide it.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }
}

impl Cancellation {
    /// Why.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Whether it is still on its way to the scope it came from.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.stage() == LIVE
    }

    /// Whether a limit has claimed it as its own expiry.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.stage() == TIMED_OUT
    }

    /// Whether a limit claimed it and then nobody caught it before it left a further limit.
    #[must_use]
    pub fn is_uncaught(&self) -> bool {
        self.stage() == UNCAUGHT
    }

    /// How far the operation had got, where it counts: bytes accepted of a write, for example.
    #[must_use]
    pub fn progress(&self) -> Option<u64> {
        self.progress
    }

    /// Whether the operation may still take effect: it did not end within the kernel's drain limit.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        self.outcome_unknown
    }

    /// The reason given to [`Task::cancel_with`](crate::Task::cancel_with), if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match &self.cause {
            Cause::Custom(reason) => reason.downcast_ref(),
            _ => None,
        }
    }

    /// Finds the cancellation in an error or in what it says is its source.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(cancelled) = error.downcast_ref::<Cancelled>() {
                return Some(cancelled);
            }
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// What becomes of it as it leaves the limit `scope`. Whether that limit claimed it.
    pub(crate) fn leave_limit(&self, scope: ScopeId) -> bool {
        match self.stage() {
            LIVE if matches!(self.cause, Cause::Deadline(id) | Cause::Group(id) if id == scope) => {
                self.stage.store(TIMED_OUT, Ordering::Relaxed);
                true
            }
            TIMED_OUT => {
                self.stage.store(UNCAUGHT, Ordering::Relaxed);
                false
            }
            _ => false,
        }
    }

    fn stage(&self) -> u8 {
        // Relaxed: the value itself is handed from thread to thread, and that hand-over orders it.
        self.stage.load(Ordering::Relaxed)
    }
}

impl Deref for Cancelled {
    type Target = Cancellation;

    fn deref(&self) -> &Cancellation {
        &self.0
    }
}

impl Error for Cancelled {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

impl Error for Cancellation {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Custom(reason) => Some(&**reason),
            _ => None,
        }
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stage() {
            LIVE => write!(f, "cancelled: {}", self.cause)?,
            TIMED_OUT => write!(f, "timed out: {}", self.cause)?,
            _ => write!(f, "uncaught timeout: {}", self.cause)?,
        }
        if let Some(progress) = self.progress {
            write!(f, ", after {progress} were done")?;
        }
        if self.outcome_unknown {
            f.write_str(", and what became of the operation is not known")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage() {
            LIVE => "live",
            TIMED_OUT => "timed out",
            _ => "uncaught",
        };
        f.debug_struct("Cancelled")
            .field("cause", &self.cause)
            .field("stage", &stage)
            .field("progress", &self.progress)
            .field("outcome_unknown", &self.outcome_unknown)
            .finish()
    }
}

impl From<Cancelled> for io::Error {
    /// An error of kind `Other`, never `Interrupted` (which loops in the standard library retry for
    /// ever), with the cancellation inside: [`Cancellation::find`] finds it again.
    fn from(cancelled: Cancelled) -> Self {
        Self::other(cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancellation_survives_a_trip_through_an_io_error() {
        let error = io::Error::from(Cancelled::new(Cause::Interrupt).with_progress(512));
        assert_eq!(error.kind(), io::ErrorKind::Other);
        let found = Cancellation::find(&error).unwrap();
        assert_eq!(found.progress(), Some(512));
        assert!(matches!(found.cause(), Cause::Interrupt));
    }

    #[test]
    fn stages_only_move_forward() {
        let (mine, other) = (ScopeId(1), ScopeId(2));
        let cancelled = Cancelled::new(Cause::Deadline(mine));
        assert!(!cancelled.leave_limit(other) && cancelled.is_live());
        assert!(cancelled.leave_limit(mine) && cancelled.timed_out());
        assert!(!cancelled.leave_limit(other) && cancelled.is_uncaught());
        assert!(!cancelled.leave_limit(mine) && cancelled.is_uncaught());
    }

    #[test]
    fn a_result_without_value_is_one_word() {
        assert_eq!(size_of::<Result<(), Cancelled>>(), size_of::<usize>());
    }

    #[test]
    fn a_custom_reason_is_found_by_its_type() {
        let reason = std::sync::Arc::new(io::Error::from(io::ErrorKind::NotFound));
        let cancelled = Cancelled::new(Cause::Custom(reason));
        assert!(cancelled.downcast_ref::<io::Error>().is_some());
        assert!(cancelled.downcast_ref::<fmt::Error>().is_none());
    }
}
