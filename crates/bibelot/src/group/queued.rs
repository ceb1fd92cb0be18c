//! Spawning that waits for room in a group with a limit.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::{Cancelled, Leave, Op, Park, Trap, Wait};

use super::error::GroupClosed;
use super::handle::Group;
use super::member::Member;

/// The future of [`Group::spawn_queued`].
#[must_use = "futures do nothing until polled"]
pub struct SpawnQueued<'g, T, E, F>(Trap<QueuedOp<'g, T, E, F>>)
where
    T: 'static,
    E: 'static,
    F: Future<Output = Result<T, E>> + 'static;

impl<'g, T, E, F> SpawnQueued<'g, T, E, F>
where
    F: Future<Output = Result<T, E>> + 'static,
{
    #[track_caller]
    pub(super) fn new(group: &'g Group<T, E>, future: F) -> Self {
        let site = Location::caller();
        let future = Some(future);
        Self(Trap::at(
            QueuedOp {
                group,
                future,
                ticket: None,
                site,
            },
            site,
        ))
    }
}

struct QueuedOp<'g, T: 'static, E: 'static, F> {
    group: &'g Group<T, E>,
    /// Here until it is spawned; it is not polled here.
    future: Option<F>,
    ticket: Option<u64>,
    site: &'static Location<'static>,
}

/// The future is not pinned here.
impl<T, E, F> Unpin for QueuedOp<'_, T, E, F> {}

impl<T, E, F> Op for QueuedOp<'_, T, E, F>
where
    F: Future<Output = Result<T, E>> + 'static,
{
    type Out = Result<Member<T, E>, GroupClosed<F>>;

    fn take(&mut self) -> Option<Self::Out> {
        if !self.group.shared.may_start(self.ticket) {
            return None;
        }
        let spawned = self
            .future
            .take()
            .map(|future| self.group.spawn_at(future, self.site));
        self.leave_line();
        spawned
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        self.group.shared.stand(&mut self.ticket, waker);
        // Room may have come on another thread since the look.
        match self.take() {
            Some(spawned) => Park::Ended(spawned),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.leave_line();
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Group
    }
}

impl<T, E, F> QueuedOp<'_, T, E, F> {
    fn leave_line(&mut self) {
        self.group.shared.leave_line(&mut self.ticket);
    }
}

impl<T, E, F> Drop for QueuedOp<'_, T, E, F> {
    fn drop(&mut self) {
        self.leave_line();
    }
}

impl<T, E, F> Future for SpawnQueued<'_, T, E, F>
where
    F: Future<Output = Result<T, E>> + 'static,
{
    type Output = Result<Member<T, E>, QueuedError<F>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(Ok(member)) => Ok(member),
            Ok(Err(GroupClosed(future))) => Err(QueuedError {
                future: Some(future),
                reason: None,
            }),
            Err(cancelled) => {
                let future = self.0.op_mut().future.take();
                Err(QueuedError {
                    future,
                    reason: Some(cancelled),
                })
            }
        })
    }
}

impl<T, E, F> fmt::Debug for SpawnQueued<'_, T, E, F>
where
    F: Future<Output = Result<T, E>> + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnQueued").finish_non_exhaustive()
    }
}

/// A member was not started. Its future comes back.
pub struct QueuedError<F> {
    /// The future. It is missing only from an error that was not made by a spawn.
    pub future: Option<F>,
    /// The request that cut the wait; none if the group is closed.
    reason: Option<Cancelled>,
}

impl<F> QueuedError<F> {
    /// Whether the group is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.reason.is_none()
    }
}

impl<F> From<Cancelled> for QueuedError<F> {
    /// Without a future: for limits around code that never got as far as a spawn.
    fn from(reason: Cancelled) -> Self {
        Self {
            future: None,
            reason: Some(reason),
        }
    }
}

impl<F> From<QueuedError<F>> for crate::Error {
    fn from(error: QueuedError<F>) -> Self {
        error.reason.map_or(Self::Closed, Self::Cancelled)
    }
}

impl<F> fmt::Debug for QueuedError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedError")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Display for QueuedError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            None => f.write_str("the group takes no more members"),
            Some(cancelled) => write!(f, "the member was not started: {cancelled}"),
        }
    }
}

impl<F> Error for QueuedError<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason
            .as_ref()
            .map(|cancelled| cancelled as &(dyn Error + 'static))
    }
}
