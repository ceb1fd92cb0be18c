//! The ends of members, one after the other, for the combinators of other crates.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::Cancelled;
use futures_core::Stream;

use super::handle::{Group, NextDone};
use super::outcome::Finished;

impl<T, E> Group<T, E> {
    /// The members as they end, each taken as by [`next_done`](Self::next_done), as a [`Stream`]; it ends
    /// when none is left. Those that are spawned meanwhile come, too.
    ///
    /// Curio: `async for task in g`.
    ///
    /// # Cancellation
    ///
    /// Asked to stop, it gives [`Cancelled`], once, and goes on if it is polled again. A member is taken only when it
    /// is given out, so dropping the stream loses none.
    #[track_caller]
    pub fn ends(&self) -> Ends<'_, T, E> {
        Ends {
            group: self,
            next: None,
            site: Location::caller(),
        }
    }
}

/// The members of a group as they end; made by [`Group::ends`].
#[must_use = "streams do nothing until polled"]
pub struct Ends<'g, T: 'static, E: 'static> {
    group: &'g Group<T, E>,
    next: Option<NextDone<'g, T, E>>,
    site: &'static Location<'static>,
}

impl<T, E> Stream for Ends<'_, T, E> {
    type Item = Result<Finished<T, E>, Cancelled>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let (group, site) = (this.group, this.site);
        let next = this.next.get_or_insert_with(|| group.next_done_at(site));
        let ended = ready!(Pin::new(next).poll(context));
        this.next = None;
        Poll::Ready(ended.transpose())
    }
}

impl<T, E> fmt::Debug for Ends<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ends").field(self.group).finish()
    }
}
