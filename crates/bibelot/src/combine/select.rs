//! `select`: the first of several futures, each of a type of its own.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::list::List;
use super::tuple::Tuple;

pin_project! {
    /// The future of [`select`].
    #[must_use = "futures do nothing until polled"]
    pub struct Select<A: Tuple> {
        #[pin]
        arms: A::List,
    }
}

/// Runs the futures of a tuple until one ends, and says which: the function under
/// [`select!`](crate::select!).
///
/// # Cancellation
///
/// As [`race`](super::race). A loser that was passed as `&mut` goes on waiting where it was.
pub fn select<A: Tuple>(arms: A) -> Select<A> {
    Select {
        arms: arms.into_list(),
    }
}

impl<A: Tuple> Future for Select<A> {
    /// Which arm won: [`Either::First`](super::Either) is the first, `Other(First(..))` the second, ...
    type Output = <A::List as List>::One;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut arms = self.project().arms;
        arms.as_mut().begin();
        arms.poll_one(context)
    }
}

impl<A: Tuple> fmt::Debug for Select<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").finish_non_exhaustive()
    }
}

/// Waits for the first of several futures, each with a pattern for its value and what to do then.
///
/// They are polled in the order written, so of several that are ready the first wins. The losers are
/// dropped before the winner's expression runs; one passed as `&mut` is kept.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{Queue, select, sleep};
///
/// # bibelot::run(async {
/// let queue = Queue::<u32>::unbounded();
/// let told = select! {
///     item = queue.get() => format!("got {item:?}"),
///     Ok(_) = sleep(Duration::from_millis(1)) => "nothing came".to_owned(),
///     else => "asked to stop".to_owned(),
/// };
/// assert_eq!(told, "nothing came");
/// # });
/// ```
///
/// A pattern that may not match needs an `else`, which then runs instead.
#[macro_export]
macro_rules! select {
    // The arms are collected, each as (pattern, future, expression), up to the end or the `else`.
    (@arms ($($done:tt)*) else => $else:expr $(,)?) => {
        $crate::select!(@run ({ $else }) $($done)*)
    };
    (@arms ($($done:tt)*) $won:pat = $arm:expr => $then:expr, $($rest:tt)*) => {
        $crate::select!(@arms ($($done)* ($won, $arm, $then)) $($rest)*)
    };
    (@arms ($($done:tt)*) $won:pat = $arm:expr => $then:expr) => {
        $crate::select!(@run () $($done)* ($won, $arm, $then))
    };
    (@arms ($($done:tt)+)) => { $crate::select!(@run () $($done)+) };
    (@run $else:tt $(($won:pat, $arm:expr, $then:expr))+) => {{
        let won = $crate::select(($($arm,)+)).await;
        $crate::select!(@match won $else $(($won, $then))+)
    }};
    (@match $one:ident $else:tt) => { match $one {} };
    (@match $one:ident () ($won:pat, $then:expr) $($rest:tt)*) => {
        match $one {
            $crate::Either::First($won) => $then,
            $crate::Either::Other(other) => $crate::select!(@match other () $($rest)*),
        }
    };
    (@match $one:ident ($else:expr) ($won:pat, $then:expr) $($rest:tt)*) => {
        match $one {
            $crate::Either::First($won) => $then,
            $crate::Either::Other(other) => $crate::select!(@match other ($else) $($rest)*),
            #[allow(unreachable_patterns)]
            _ => $else,
        }
    };
    ($($arms:tt)+) => { $crate::select!(@arms () $($arms)+) };
}
