//! `cancellable`: any future, dropped when a request comes that nothing inside it hears.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::cancelled::Cancelled;
use super::frame::Kind;
use super::scope::Scope;
use crate::home;

pin_project! {
    /// The future of [`cancellable`].
    #[must_use = "futures do nothing until polled"]
    pub struct Cancellable<F> {
        #[pin]
        body: Option<F>,
        scope: Scope,
    }
}

/// Runs a future that cannot hear, and drops it when a request comes.
///
/// What hears inside `body`, drains, or waits behind a shield is left alone.
///
/// # Errors
///
/// [`Cancelled`] when a request came that nothing inside heard.
///
/// # Cancellation
///
/// That is what it is for.
pub fn cancellable<F: Future>(body: F) -> Cancellable<F> {
    Cancellable {
        body: Some(body),
        scope: Scope::new(Kind::Branch),
    }
}

impl<F: Future> Future for Cancellable<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            panic!("a future that has returned was polled again");
        };
        let Some(core) = home::with(std::rc::Rc::clone) else {
            return body.poll(context).map(Ok);
        };
        let result = match this
            .scope
            .poll(&core, context, |context| body.poll(context))
        {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(told) => Err(told),
        };
        this.body.set(None);
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for Cancellable<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellable").finish_non_exhaustive()
    }
}
