//! `try_join`: all of several futures, or the first error.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::list::{List, TryList};
use super::tuple::{Flat, Tuple};

pin_project! {
    /// The future of [`try_join`].
    #[must_use = "futures do nothing until polled"]
    pub struct TryJoin<A: Tuple, E> {
        #[pin]
        arms: A::List,
        error: PhantomData<fn() -> E>,
    }
}

/// Runs all futures of a tuple until one fails; gives their values as a tuple, or that error.
///
/// When one fails the others are dropped with this future, without being asked; an eager group
/// asks its members and awaits them. [`try_join!`](crate::try_join!) is the same as a macro.
///
/// # Errors
///
/// The first error; of several in one turn, that of the future that stands first.
///
/// # Cancellation
///
/// A request to stop reaches every future once, but the first that fails by it ends the others.
/// Dropped, it drops those that have not ended.
pub fn try_join<A, E>(arms: A) -> TryJoin<A, E>
where
    A: Tuple<List: TryList<E, Values: Flat>>,
{
    TryJoin {
        arms: arms.into_list(),
        error: PhantomData,
    }
}

impl<A, E> Future for TryJoin<A, E>
where
    A: Tuple<List: TryList<E, Values: Flat>>,
{
    type Output = Result<<<A::List as TryList<E>>::Values as Flat>::Flat, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut arms = self.project().arms;
        arms.as_mut().begin();
        match arms.as_mut().poll_try(context) {
            Ok(true) => Poll::Ready(Ok(arms.take_values().flat())),
            Ok(false) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<A: Tuple, E> fmt::Debug for TryJoin<A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryJoin").finish_non_exhaustive()
    }
}

/// Runs all futures until one fails; see [`try_join`](crate::try_join()).
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let failed = bibelot::try_join!(
///     async { Ok::<_, std::fmt::Error>(1) },
///     async { Err::<u8, _>(std::fmt::Error) },
/// );
/// assert!(failed.is_err());
/// # });
/// ```
#[macro_export]
macro_rules! try_join {
    ($($arm:expr),+ $(,)?) => { $crate::try_join(($($arm,)+)).await };
}
