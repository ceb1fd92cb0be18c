//! The member: a handle to one task of a group.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::{Leave, Op, Park, TaskError, TaskId, TaskName, Trap, Wait, WaitEnd};

use super::state::Shared;
use super::take::Look;

/// A handle to a member of a group.
///
/// Dropping it changes nothing: the member belongs to its group.
pub struct Member<T: 'static, E: 'static> {
    task: TaskName,
    group: Arc<Shared<T, E>>,
}

impl<T, E> Member<T, E> {
    pub(super) fn new(task: TaskName, group: Arc<Shared<T, E>>) -> Self {
        Self { task, group }
    }

    /// The id of the member's task.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.id()
    }

    /// The name of the member's task.
    #[must_use]
    pub fn task(&self) -> TaskName {
        self.task
    }

    /// Waits for the member's end and takes its result out of the group: it then counts for nothing
    /// there, nor does its failure cancel its siblings.
    ///
    /// # Errors
    ///
    /// See [`TaskError`]; [`TaskError::Taken`] also when the group has given out its result.
    ///
    /// # Cancellation
    ///
    /// Leaves at once with [`TaskError::Interrupted`]; the member counts for the group again.
    #[track_caller]
    pub fn join(&self) -> JoinMember<T, E> {
        let group = self.group.clone();
        JoinMember(Trap::new(MemberOp {
            id: self.id(),
            group,
            ticket: None,
        }))
    }

    /// Waits for the member's end and takes nothing.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when the caller was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once.
    #[track_caller]
    pub fn wait(&self) -> WaitEnd {
        self.task.wait()
    }

    /// Asks the member to stop, once; see [`Task::cancel_nowait`](crate::Task::cancel_nowait).
    pub fn cancel_nowait(&self) -> bool {
        self.task.cancel_nowait()
    }

    /// Asks the member to stop and waits for its end; see [`Task::cancel`](crate::Task::cancel).
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when the caller was asked to stop.
    ///
    /// # Cancellation
    ///
    /// The request stands; only the wait is left.
    #[track_caller]
    pub fn cancel(&self) -> WaitEnd {
        self.cancel_nowait();
        self.wait()
    }

    /// Drops the member's future now, or right after the poll that is under way.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Whether a cancel was asked for while it ran. A member that has ended is forgotten, and says no.
    #[must_use]
    pub fn was_cancelled(&self) -> bool {
        self.task.was_cancelled()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.group.is_running(self.id())
    }
}

impl<T, E> Clone for Member<T, E> {
    fn clone(&self) -> Self {
        Self {
            task: self.task,
            group: self.group.clone(),
        }
    }
}

impl<T, E> fmt::Debug for Member<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Member").field(&self.id().number()).finish()
    }
}

struct MemberOp<T: 'static, E: 'static> {
    id: TaskId,
    group: Arc<Shared<T, E>>,
    ticket: Option<u64>,
}

impl<T, E> Op for MemberOp<T, E> {
    type Out = Result<Result<T, E>, TaskError>;

    fn take(&mut self) -> Option<Self::Out> {
        let taken = match self.group.take_member(self.id) {
            Look::Runs => return None,
            Look::Ended(Ok(value)) => Ok(Ok(value)),
            Look::Ended(Err(error)) => error.into_joined(),
            Look::Taken => Err(TaskError::Taken),
        };
        self.ticket = None;
        Some(taken)
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        self.group.claim(self.id, &mut self.ticket, waker);
        Park::Waits
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.group.unclaim(self.id, &mut self.ticket);
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Join
    }
}

impl<T, E> Drop for MemberOp<T, E> {
    fn drop(&mut self) {
        self.group.unclaim(self.id, &mut self.ticket);
    }
}

/// The future of [`Member::join`].
#[must_use = "futures do nothing until polled"]
pub struct JoinMember<T: 'static, E: 'static>(Trap<MemberOp<T, E>>);

impl<T, E> Future for JoinMember<T, E> {
    type Output = Result<Result<T, E>, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(joined.unwrap_or_else(|cancelled| Err(TaskError::Interrupted(cancelled))))
    }
}

impl<T, E> fmt::Debug for JoinMember<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinMember")
            .field(&self.0.op().id.number())
            .finish()
    }
}
