//! The group's handle: spawning into it, adopting, and taking members as they end.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{Cancelled, Task, TaskBuilder, TaskId, Trap};

use super::error::{AddError, AddRefusal, GroupClosed, NextError};
use super::member::Member;
use super::outcome::Finished;
use super::queued::SpawnQueued;
use super::start::{Ready, Start};
use super::state::Shared;
use super::wait::GroupOp;

/// A handle to a group, whose members give a `T` or fail with an `E`.
///
/// Clones are handles to the same group, for members that spawn siblings. A handle does not keep the
/// group open: when its owner has ended it, nothing more is spawned.
pub struct Group<T: 'static, E: 'static> {
    pub(super) shared: Arc<Shared<T, E>>,
}

impl<T, E> Group<T, E> {
    /// Starts `future` as a member.
    ///
    /// It is polled for the first time after the caller parks; spawning is no cancel point.
    ///
    /// Curio: `g.spawn(corofunc)`.
    ///
    /// # Errors
    ///
    /// [`GroupClosed`] with the future, when the group has ended or is ending, or when this is a task of
    /// another kernel.
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<Member<T, E>, GroupClosed<F>>
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        self.spawn_at(future, Location::caller())
    }

    pub(super) fn spawn_at<F>(
        &self,
        future: F,
        site: &'static Location<'static>,
    ) -> Result<Member<T, E>, GroupClosed<F>>
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        if !self.shared.is_open() {
            return Err(GroupClosed(future));
        }
        Ok(self.admit(TaskBuilder::new().at(site).spawn(future), None))
    }

    /// The same, with a name by which the member is shown and reported.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    #[track_caller]
    pub fn spawn_named<F>(
        &self,
        name: impl Into<Arc<str>>,
        future: F,
    ) -> Result<Member<T, E>, GroupClosed<F>>
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        if !self.shared.is_open() {
            return Err(GroupClosed(future));
        }
        let name: Arc<str> = name.into();
        let task = TaskBuilder::new().name(name.clone()).spawn(future);
        Ok(self.admit(task, Some(name)))
    }

    fn admit(&self, task: Task<Result<T, E>>, name: Option<Arc<str>>) -> Member<T, E> {
        let member = Member::new(task.name_it(), self.shared.clone());
        let admitted = self.shared.admit(task, name);
        assert!(admitted.is_ok(), "a new task is nobody's yet");
        member
    }

    /// Starts `future` as a daemon: nobody waits for it, its value is dropped, and it is cancelled with
    /// the group.
    ///
    /// Curio: `g.spawn(corofunc, daemon=True)`.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    #[track_caller]
    pub fn spawn_daemon<F>(&self, future: F) -> Result<TaskId, GroupClosed<F>>
    where
        F: Future + 'static,
    {
        if !self.shared.is_open() {
            return Err(GroupClosed(future));
        }
        let task = TaskBuilder::new().daemon().spawn(future);
        self.shared.admit_daemon(task.name_it(), None);
        Ok(task.id())
    }

    /// Starts `future` as a member once fewer members run than the group's
    /// [`limit`](super::TaskGroup::limit); whoever has waited longest is first.
    ///
    /// # Errors
    ///
    /// [`QueuedError`](super::QueuedError) with the future, when the group closes or the wait was asked to stop.
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, and nothing was started.
    #[track_caller]
    pub fn spawn_queued<F>(&self, future: F) -> SpawnQueued<'_, T, E, F>
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        SpawnQueued::new(self, future)
    }

    /// Starts a member and waits until it says that it is ready, with a value.
    ///
    /// `make` is given what the member says it with.
    ///
    /// trio: `nursery.start()`.
    ///
    /// # Errors
    ///
    /// [`StartError`](super::StartError), when the group takes no more members, the member ended without a
    /// word, or the caller was asked to stop.
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    ///
    /// # Cancellation
    ///
    /// The member goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::{Wait, task_group, yield_now};
    ///
    /// # bibelot::run(async {
    /// let served = task_group(Wait::All, async |group| {
    ///     let (port, _server) = group
    ///         .start(|ready| async move {
    ///             yield_now().await?;
    ///             ready.send(8080);
    ///             bibelot::Ok(())
    ///         })
    ///         .await?;
    ///     bibelot::Ok(port)
    /// });
    /// assert_eq!(*served.await?.value(), 8080);
    /// # bibelot::Ok(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn start<V, F>(&self, make: impl FnOnce(Ready<V>) -> F) -> Start<T, E, V>
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        Start::new(self, make)
    }

    /// Makes a member of a task that runs or has ended. One that has counts as a member that ended now.
    ///
    /// Curio: `g.add_task(task)`.
    ///
    /// # Errors
    ///
    /// [`AddError`] with the task, when the group has ended, or the task belongs to a group or another
    /// kernel.
    pub fn add(&self, task: Task<Result<T, E>>) -> Result<Member<T, E>, AddError<Result<T, E>>> {
        let why = if !self.shared.is_open() {
            AddRefusal::Closed
        } else if self.shared.is_foreign(task.id()) {
            AddRefusal::WrongKernel
        } else {
            let member = Member::new(task.name_it(), self.shared.clone());
            match self.shared.admit(task, None) {
                Ok(()) => return Ok(member),
                Err((task, why)) => return Err(AddError { task, why }),
            }
        };
        Err(AddError { task, why })
    }

    /// Waits for the next member to end, and takes it out of the group; `None` when none is left.
    ///
    /// A member that is taken counts for nothing in its group any more.
    ///
    /// Curio: `g.next_done()`.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when the caller was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once; no member is taken.
    #[track_caller]
    pub fn next_done(&self) -> NextDone<'_, T, E> {
        self.next_done_at(Location::caller())
    }

    pub(super) fn next_done_at(&self, site: &'static Location<'static>) -> NextDone<'_, T, E> {
        NextDone(Trap::at(GroupOp::new(&self.shared, take_next), site))
    }

    /// Waits for the next member to end, and takes its value.
    ///
    /// Curio: `g.next_result()`.
    ///
    /// # Errors
    ///
    /// [`NextError`], when the member gave no value, none is left, or the caller was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once; no member is taken.
    #[track_caller]
    pub fn next_result(&self) -> NextResult<'_, T, E> {
        NextResult(self.next_done())
    }

    /// Asks all members that run, daemons excepted, to stop, and waits until none runs.
    ///
    /// All are asked before any is awaited. They count as members that have ended.
    ///
    /// Curio: `g.cancel_remaining()`.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when the caller was asked to stop.
    ///
    /// # Cancellation
    ///
    /// The requests stand; only the wait is left.
    #[track_caller]
    pub fn cancel_remaining(&self) -> CancelRemaining<'_, T, E> {
        self.cancel_members();
        CancelRemaining(Trap::new(GroupOp::new(&self.shared, none_runs)))
    }

    /// Asks all members that run, daemons excepted, to stop, and does not wait for them.
    pub fn cancel_members(&self) {
        self.shared.cancel_all(false);
    }

    /// The members that nobody has taken, in the order of spawning, without daemons.
    ///
    /// Curio: `g.tasks`.
    #[must_use]
    pub fn members(&self) -> Vec<Member<T, E>> {
        let ids = self.shared.names().into_iter();
        ids.map(|task| Member::new(task, self.shared.clone()))
            .collect()
    }

    /// How many members run, without daemons.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.lock().running
    }

    /// Whether the group takes no more members.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }
}

impl<T, E> Clone for Group<T, E> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T, E> fmt::Debug for Group<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("running", &self.running())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

type TakeNext<T, E> = fn(&Shared<T, E>) -> Option<Option<Finished<T, E>>>;

fn take_next<T: 'static, E: 'static>(group: &Shared<T, E>) -> Option<Option<Finished<T, E>>> {
    match group.take_next() {
        Ok(finished) => Some(Some(finished)),
        Err(some_run) => (!some_run).then_some(None),
    }
}

/// The future of [`Group::next_done`].
#[must_use = "futures do nothing until polled"]
pub struct NextDone<'g, T: 'static, E: 'static>(Trap<GroupOp<'g, T, E, TakeNext<T, E>>>);

impl<T, E> Future for NextDone<'_, T, E> {
    type Output = Result<Option<Finished<T, E>>, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T, E> fmt::Debug for NextDone<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextDone").finish_non_exhaustive()
    }
}

type NoneRuns<T, E> = fn(&Shared<T, E>) -> Option<()>;

fn none_runs<T: 'static, E: 'static>(group: &Shared<T, E>) -> Option<()> {
    (group.lock().running == 0).then_some(())
}

/// The future of [`Group::cancel_remaining`].
#[must_use = "futures do nothing until polled"]
pub struct CancelRemaining<'g, T: 'static, E: 'static>(Trap<GroupOp<'g, T, E, NoneRuns<T, E>>>);

impl<T, E> Future for CancelRemaining<'_, T, E> {
    type Output = Result<(), Cancelled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T, E> fmt::Debug for CancelRemaining<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelRemaining").finish_non_exhaustive()
    }
}

/// The future of [`Group::next_result`].
#[must_use = "futures do nothing until polled"]
pub struct NextResult<'g, T: 'static, E: 'static>(NextDone<'g, T, E>);

impl<T, E> Future for NextResult<'_, T, E> {
    type Output = Result<T, NextError<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Err(cancelled) => Err(NextError::Interrupted(cancelled)),
            Ok(None) => Err(NextError::Empty),
            Ok(Some(finished)) => finished.result.map_err(NextError::Member),
        })
    }
}

impl<T, E> fmt::Debug for NextResult<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextResult").finish_non_exhaustive()
    }
}
