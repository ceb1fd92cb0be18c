//! Waiting for a future that leaves when it is dropped: a waiter of a lock, a queue, an event.
//!
//! Such a future knows nothing of requests: it is polled, and if a request is due while it is pending it
//! is dropped, which hands its turn on. What it had been granted it gives at its next poll, before
//! anybody asks.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::quick::Quick;
use crate::record::Wait;
use crate::trap::{Leave, Op, Park};

/// The future of [`wait_future`].
pub type WaitFuture<F> = Quick<FutureOp<F>>;

/// Makes a blocking point of `future`, whose drop at any time must lose nothing.
///
/// It is polled first at every poll; a future that is ready is no cancel point.
///
/// # Cancellation
///
/// The future is dropped.
#[track_caller]
#[inline]
pub fn wait_future<F: Future + Unpin>(wait: Wait, future: F) -> WaitFuture<F> {
    wait_future_at(wait, future, Location::caller())
}

/// As [`wait_future`], waiting at a place that was taken earlier.
#[inline]
pub fn wait_future_at<F: Future + Unpin>(
    wait: Wait,
    future: F,
    site: &'static Location<'static>,
) -> WaitFuture<F> {
    let op = FutureOp {
        future: Some(future),
        listens: false,
        wait,
    };
    Quick::at(op, site)
}

/// Waits for a future that leaves when it is dropped.
pub struct FutureOp<F> {
    future: Option<F>,
    /// The look just taken left the waker that `park` is to leave.
    listens: bool,
    wait: Wait,
}

impl<F> FutureOp<F> {
    /// The future, also when it has ended, unless it was dropped for a request.
    pub fn future_mut(&mut self) -> Option<&mut F> {
        self.future.as_mut()
    }
}

impl<F: Future + Unpin> Op for FutureOp<F> {
    type Out = F::Output;

    fn take(&mut self) -> Option<F::Output> {
        self.poll(Waker::noop())
    }

    /// What most waits come to, and so a part of the caller's code.
    #[inline(always)]
    fn take_or_listen(&mut self, context: &mut Context<'_>) -> Option<F::Output> {
        let polled = self.poll_here(context);
        if polled.is_none() {
            self.listens = true;
        }
        polled
    }

    fn park(&mut self, waker: &Waker) -> Park<F::Output> {
        if std::mem::take(&mut self.listens) {
            return Park::Waits;
        }
        match self.poll(waker) {
            Some(value) => Park::Ended(value),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<F::Output> {
        self.future = None;
        Leave::Left
    }

    fn wait(&self) -> Wait {
        self.wait
    }
}

impl<F: Future + Unpin> FutureOp<F> {
    /// A future that is ready stays until this is dropped: nothing is called after that, and to drop it
    /// twice as often would cost more than the wait.
    #[inline(always)]
    fn poll_here(&mut self, context: &mut Context<'_>) -> Option<F::Output> {
        let future = self.future.as_mut()?;
        match Pin::new(future).poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[inline(never)]
    fn poll(&mut self, waker: &Waker) -> Option<F::Output> {
        self.poll_here(&mut Context::from_waker(waker))
    }
}

impl<F> fmt::Debug for FutureOp<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureOp")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}
