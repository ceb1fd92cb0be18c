//! Asking any error whether it carries a cancellation.
//!
//! A limit returns its body's own error; this trait is how the limit recognises its expiry inside it
//! and how the caller asks for it: `e.timed_out()`. Three blanket impls cover every error type: those
//! that implement `Error`, and boxes that dereference to one (`Box<dyn Error + Send + Sync>`, anyhow,
//! eyre). They never overlap, because the second parameter, always inferred, tells them apart.

use std::any::Any;
use std::error::Error;
use std::io;
use std::ops::Deref;

use super::cancelled::{Cancellation, Cancelled};
use super::cause::ScopeId;

/// An error that may carry a [`Cancelled`].
///
/// `Via` is inferred and never written.
///
/// # Examples
///
/// ```
/// use bibelot_kernel::{AsCancelled, Cancelled, Cause};
///
/// let error = std::io::Error::from(Cancelled::new(Cause::Interrupt));
/// assert!(error.is_cancelled());
/// assert!(!error.timed_out());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry a cancellation",
    note = "use an error that implements `std::error::Error` or a boxed one, and give it `From<Cancelled>`",
    note = "an infallible body takes `timeout_drop`, which drops it when the time is up"
)]
pub trait AsCancelled<Via> {
    /// The cancellation inside, looked for along `source()`.
    fn as_cancelled(&self) -> Option<&Cancellation>;

    /// Whether it is a cancellation still on its way to the scope it came from.
    fn is_cancelled(&self) -> bool {
        self.as_cancelled().is_some_and(Cancellation::is_live)
    }

    /// Whether the limit that returned this error passed and made it fail.
    fn timed_out(&self) -> bool {
        self.as_cancelled().is_some_and(Cancellation::timed_out)
    }

    /// Whether an inner limit passed and nobody caught that before it left a further limit.
    fn is_uncaught(&self) -> bool {
        self.as_cancelled().is_some_and(Cancellation::is_uncaught)
    }

    /// What becomes of the cancellation inside as it leaves the limit `scope`. Whether that limit
    /// claimed it. Called by limits.
    #[doc(hidden)]
    fn settle(&mut self, scope: ScopeId) -> bool {
        self.as_cancelled()
            .is_some_and(|found| found.leave_limit(scope))
    }
}

/// The way through an error type of one's own.
#[derive(Debug)]
pub enum ViaError {}

/// The way through a boxed error that is `Send` and `Sync`.
#[derive(Debug)]
pub enum ViaDyn {}

/// The way through a boxed error.
#[derive(Debug)]
pub enum ViaLocalDyn {}

impl<E: Error + 'static> AsCancelled<ViaError> for E {
    fn as_cancelled(&self) -> Option<&Cancellation> {
        Cancellation::find(self)
    }

    fn settle(&mut self, scope: ScopeId) -> bool {
        let claimed = self
            .as_cancelled()
            .is_some_and(|found| found.leave_limit(scope));
        if claimed && let Some(error) = (self as &mut dyn Any).downcast_mut::<io::Error>() {
            become_timed_out(error);
        }
        claimed
    }
}

impl<E: Deref<Target = dyn Error + Send + Sync + 'static>> AsCancelled<ViaDyn> for E {
    fn as_cancelled(&self) -> Option<&Cancellation> {
        Cancellation::find(&**self)
    }
}

impl<E: Deref<Target = dyn Error + 'static>> AsCancelled<ViaLocalDyn> for E {
    fn as_cancelled(&self) -> Option<&Cancellation> {
        Cancellation::find(&**self)
    }
}

/// Gives a claimed `io::Error` the kind that code written for the standard library looks for.
fn become_timed_out(error: &mut io::Error) {
    if !error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()) {
        return;
    }
    let cancelled = std::mem::replace(error, io::ErrorKind::TimedOut.into());
    if let Some(inner) = cancelled.into_inner() {
        *error = io::Error::new(io::ErrorKind::TimedOut, inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::cause::Cause;

    #[derive(Debug, thiserror::Error)]
    enum Mine {
        #[error(transparent)]
        Cancelled(#[from] Cancelled),
        #[error("disk")]
        Io(#[from] io::Error),
    }

    fn expired() -> Cancelled {
        Cancelled::new(Cause::Deadline(ScopeId(1)))
    }

    #[test]
    fn errors_of_every_shape_are_asked_the_same_way() {
        let mut own = Mine::from(expired());
        assert!(own.settle(ScopeId(1)) && own.timed_out());
        let mut wrapped = Mine::from(io::Error::from(expired()));
        assert!(wrapped.settle(ScopeId(1)) && wrapped.timed_out());
        let mut boxed: Box<dyn Error + Send + Sync> = expired().into();
        assert!(boxed.settle(ScopeId(1)) && boxed.timed_out());
        let mut local: Box<dyn Error> = Box::new(expired());
        assert!(local.settle(ScopeId(1)) && local.timed_out());
        assert!(!Mine::from(io::Error::other("no")).is_cancelled());
    }

    #[test]
    fn an_io_error_gets_the_kind_timed_out_when_claimed() {
        let mut error = io::Error::from(expired());
        assert!(!error.settle(ScopeId(2)));
        assert_eq!(error.kind(), io::ErrorKind::Other);
        assert!(error.settle(ScopeId(1)));
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.timed_out());
    }
}
