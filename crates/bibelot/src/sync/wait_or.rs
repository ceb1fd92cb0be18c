//! The wait that has two ways to fail: by what the primitive says, and by a request.
//!
//! All waits of this module are futures of `bibelot_sync` made blocking points. Those that cannot fail
//! are so as they are; those that can are wrapped once more here, so that one error tells both.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{Cancelled, Wait, WaitFuture, wait_future_at};

/// A wait for `F` as a blocking point, whose error is `X`.
///
/// # Cancellation
///
/// Asked to stop, or dropped, it leaves at once. What it had been granted it gives when it is asked to
/// stop, and hands on when it is dropped.
#[must_use = "futures do nothing until polled"]
pub struct WaitOr<F: Future + Unpin, X> {
    wait: WaitFuture<F>,
    error: PhantomData<fn() -> X>,
}

impl<F, T, E, X> WaitOr<F, X>
where
    F: Future<Output = Result<T, E>> + Unpin,
{
    #[track_caller]
    #[inline]
    pub(super) fn new(reason: Wait, future: F) -> Self {
        Self::at(reason, future, Location::caller())
    }

    #[inline]
    pub(super) fn at(reason: Wait, future: F, site: &'static Location<'static>) -> Self {
        Self {
            wait: wait_future_at(reason, future, site),
            error: PhantomData,
        }
    }
}

impl<F, T, E, X> Future for WaitOr<F, X>
where
    F: Future<Output = Result<T, E>> + Unpin,
    X: From<E> + From<Cancelled>,
{
    type Output = Result<T, X>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.wait).poll(context)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(error.into()),
            Err(cancelled) => Err(cancelled.into()),
        })
    }
}

impl<F: Future + Unpin, X> fmt::Debug for WaitOr<F, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wait.op().fmt(f)
    }
}
