//! Starting: a member that says when it is ready, and with what.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{Cancelled, Wait, WaitFuture, wait_future};
use bibelot_sync::generic::Universal;
use bibelot_sync::{OneshotReceiver, OneshotSender, generic};

use super::handle::Group;
use super::member::Member;

/// With which a member says that it is ready. Dropped, it says that it never will be.
pub struct Ready<V>(OneshotSender<V>);

impl<V> Ready<V> {
    /// Says that the member is ready. Nobody may be waiting for it any more.
    pub fn send(self, value: V) {
        drop(self.0.send(value));
    }
}

impl<V> fmt::Debug for Ready<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ready(..)")
    }
}

/// Why a member was not found ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The group takes no more members; what was to become one was dropped.
    #[error("the group takes no more members")]
    Closed,
    /// The member ended, or went on, without saying that it is ready. How it ended is with the group.
    #[error("the member will never be ready")]
    NeverReady,
    /// The wait was asked to stop; the member goes on.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<StartError> for crate::Error {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            StartError::Closed | StartError::NeverReady => Self::Closed,
        }
    }
}

/// The future of [`Group::start`].
#[must_use = "futures do nothing until polled"]
pub struct Start<T: 'static, E: 'static, V> {
    member: Option<Member<T, E>>,
    ready: WaitFuture<OneshotReceiver<V>>,
}

impl<T, E, V> Start<T, E, V> {
    #[track_caller]
    pub(super) fn new<F>(group: &Group<T, E>, make: impl FnOnce(Ready<V>) -> F) -> Self
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        let (sender, receiver) = generic::oneshot::<V, Universal>();
        let member = group.spawn(make(Ready(sender))).ok();
        Self {
            member,
            ready: wait_future(Wait::Promise, receiver),
        }
    }
}

/// The value is never pinned.
impl<T, E, V> Unpin for Start<T, E, V> {}

impl<T, E, V> Future for Start<T, E, V> {
    type Output = Result<(V, Member<T, E>), StartError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.member.is_none() {
            return Poll::Ready(Err(StartError::Closed));
        }
        let said = ready!(Pin::new(&mut self.ready).poll(context))?;
        let member = self.member.take();
        Poll::Ready(match (said, member) {
            (Ok(value), Some(member)) => Ok((value, member)),
            _ => Err(StartError::NeverReady),
        })
    }
}

impl<T, E, V> fmt::Debug for Start<T, E, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}
