//! `join`: all of several futures.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::list::List;
use super::tuple::{Flat, Tuple};

pin_project! {
    /// The future of [`join`].
    #[must_use = "futures do nothing until polled"]
    pub struct Join<A: Tuple> {
        #[pin]
        arms: A::List,
    }
}

/// Runs all futures of a tuple, and gives their values as a tuple.
///
/// They take turns within the task that awaits this, so they may borrow from it. An error in one does
/// not stop the others; see [`try_join`](super::try_join). [`join!`](crate::join!) is the same as a macro.
///
/// # Cancellation
///
/// A request to stop reaches every future once. Dropped, it drops those that have not ended.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let (a, b) = bibelot::join((async { 2 * 2 }, async { "three" })).await;
/// assert_eq!((a, b), (4, "three"));
/// # });
/// ```
pub fn join<A: Tuple>(arms: A) -> Join<A> {
    Join {
        arms: arms.into_list(),
    }
}

impl<A: Tuple> Future for Join<A> {
    type Output = <<A::List as List>::All as Flat>::Flat;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut arms = self.project().arms;
        arms.as_mut().begin();
        if arms.as_mut().poll_all(context) {
            Poll::Ready(arms.take_all().flat())
        } else {
            Poll::Pending
        }
    }
}

impl<A: Tuple> fmt::Debug for Join<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").finish_non_exhaustive()
    }
}

/// Runs all futures and gives their values as a tuple; see [`join`](crate::join()).
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let (a, b) = bibelot::join!(async { 1 }, async { 2 });
/// assert_eq!(a + b, 3);
/// # });
/// ```
#[macro_export]
macro_rules! join {
    ($($arm:expr),+ $(,)?) => { $crate::join(($($arm,)+)).await };
}
