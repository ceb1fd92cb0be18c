//! The limit that drops: any future, polled until its time is up.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bibelot_timer::Instant;
use pin_project_lite::pin_project;

use super::frame::Kind;
use super::limit::Limit;
use super::scope::Scope;
use crate::home;

/// The limit of a [`timeout_drop`] passed, and the future was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time was up at {deadline}")]
pub struct TimedOut {
    /// When it passed.
    pub deadline: Instant,
}

pin_project! {
    /// The future of [`timeout_drop`].
    #[must_use = "futures do nothing until polled"]
    pub struct TimeoutDrop<F> {
        #[pin]
        body: Option<F>,
        limit: Limit,
        scope: Scope,
    }
}

/// Polls any future until `limit`, and drops it then: for futures that cannot hear.
///
/// What the dropped future had done halfway is lost if it is not one of ours; prefer
/// [`timeout_after`](super::timeout_after).
///
/// # Errors
///
/// [`TimedOut`] when the time was up first; a value that came in the same turn wins.
///
/// # Panics
///
/// When polled without a kernel on this thread.
///
/// # Cancellation
///
/// It hears nothing by itself; what is ours inside hears.
pub fn timeout_drop<F: Future>(limit: impl Into<Limit>, future: F) -> TimeoutDrop<F> {
    TimeoutDrop {
        body: Some(future),
        limit: limit.into(),
        scope: Scope::new(Kind::Shield),
    }
}

impl<F: Future> Future for TimeoutDrop<F> {
    type Output = Result<F::Output, TimedOut>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.body.as_mut().as_pin_mut() else {
            panic!("a limit that has returned was polled again");
        };
        let polled = future.poll(context);
        home::expect("a limit", |core| {
            if this.scope.frame.deadline.is_never() {
                this.scope.frame.deadline = this.limit.deadline(core.now());
            }
            let deadline = this.scope.frame.deadline;
            match polled {
                Poll::Ready(value) => {
                    this.scope.disarm();
                    this.body.set(None);
                    Poll::Ready(Ok(value))
                }
                Poll::Pending if deadline <= core.now() => {
                    this.body.set(None);
                    Poll::Ready(Err(TimedOut { deadline }))
                }
                Poll::Pending => {
                    this.scope.arm_at(core, context);
                    Poll::Pending
                }
            }
        })
    }
}

impl<F> fmt::Debug for TimeoutDrop<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutDrop")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
