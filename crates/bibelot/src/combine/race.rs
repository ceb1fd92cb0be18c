//! `race`: the first of several futures of one type.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::list::{List, SameList};
use super::tuple::Tuple;

pin_project! {
    /// The future of [`race`].
    #[must_use = "futures do nothing until polled"]
    pub struct Race<A: Tuple, T> {
        #[pin]
        arms: A::List,
        value: PhantomData<fn() -> T>,
    }
}

/// Runs the futures of a tuple, and gives the value of the first that ends.
///
/// They are polled in order, so of several that end in one turn the one that stands first wins. The
/// others are dropped with this future.
///
/// # Cancellation
///
/// A request to stop reaches every future once, in order, until one ends. Dropped, it drops them all.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{race, sleep};
///
/// # bibelot::run(async {
/// let slow = async { sleep(Duration::from_secs(60)).await.map(|_| "slow") };
/// let quick = async { sleep(Duration::from_millis(1)).await.map(|_| "quick") };
/// assert_eq!(race((slow, quick)).await?, "quick");
/// # bibelot::Ok(()) }).unwrap();
/// ```
pub fn race<A, T>(arms: A) -> Race<A, T>
where
    A: Tuple<List: SameList<T>>,
{
    Race {
        arms: arms.into_list(),
        value: PhantomData,
    }
}

impl<A, T> Future for Race<A, T>
where
    A: Tuple<List: SameList<T>>,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut arms = self.project().arms;
        arms.as_mut().begin();
        arms.poll_one(context).map(<A::List as SameList<T>>::same)
    }
}

impl<A: Tuple, T> fmt::Debug for Race<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").finish_non_exhaustive()
    }
}
