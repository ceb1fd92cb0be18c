//! The handle to a task of another kernel: awaited and asked to stop from anywhere.

use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bibelot_kernel::{Cancelled, Cause, TaskError, TaskId, Wait};
use bibelot_sync::{block_on, block_on_timeout};

use super::cell::{Ask, Cell};
use super::latch::WaitLatch;

/// A handle to a task on some kernel of a cluster.
///
/// It is what [`Task`](crate::Task) is on one kernel, for all of them: awaiting it, or [`join`](Self::join),
/// gives the task's value to a task of any kernel, and [`join_blocking`](Self::join_blocking) to a thread
/// without one. Requests reach the task on its kernel, and mean there what they always mean. Dropping the
/// handle lets the task go on by itself; what it fails with is then told to the
/// [crash hook](crate::set_crash_hook).
#[must_use = "dropping the handle lets the task go on by itself"]
pub struct ClusterTask<T: 'static> {
    cell: Arc<Cell<T>>,
    kernel: usize,
}

impl<T: 'static> ClusterTask<T> {
    pub(super) fn new(cell: Arc<Cell<T>>, kernel: usize) -> Self {
        Self { cell, kernel }
    }

    /// Waits for the end of the task and takes its value, which can be taken once.
    ///
    /// # Errors
    ///
    /// See [`TaskError`]. A task whose kernel ended before it, or before it began, was
    /// [`Aborted`](TaskError::Aborted).
    ///
    /// # Cancellation
    ///
    /// Leaves at once with [`TaskError::Interrupted`]; the task goes on, and its value stays.
    #[track_caller]
    pub fn join(&self) -> JoinClusterTask<T> {
        JoinClusterTask {
            end: self.cell.ended.wait(Wait::Join),
            cell: self.cell.clone(),
        }
    }

    /// The same, blocking the thread: for threads without a kernel.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_blocking(&self) -> Result<T, TaskError> {
        block_on(self.join())
    }

    /// The same, blocking the thread for no longer than `limit`; `None` if the time was up first.
    pub fn join_timeout(&self, limit: Duration) -> Option<Result<T, TaskError>> {
        block_on_timeout(&mut self.join(), limit)
    }

    /// Takes the value if the task has ended.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn try_take(&self) -> Option<Result<T, TaskError>> {
        self.is_finished().then(|| self.cell.take())
    }
}

impl<T> ClusterTask<T> {
    /// The kernel that it was given to, by its place in the cluster.
    #[must_use]
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    /// The task's id, once its kernel has begun it.
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.cell.task().map(|task| task.id())
    }

    /// Asks the task to stop, once. Whether this was the first request of this kind through its handle, and
    /// the task was not known to have ended.
    ///
    /// A task that has not begun hears it at its first blocking point.
    pub fn cancel_nowait(&self) -> bool {
        self.cell.ask(Ask::Cancel(Cause::Task))
    }

    /// Asks the task to stop, with a reason of your own. See [`cancel_nowait`](Self::cancel_nowait).
    pub fn cancel_with<E: Error + Send + Sync + 'static>(&self, reason: E) -> bool {
        self.cell.ask(Ask::Cancel(Cause::Custom(Arc::new(reason))))
    }

    /// Asks the task to stop, and waits for its end. A second call only waits.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when the caller itself was asked to stop.
    ///
    /// # Cancellation
    ///
    /// The request stands; only the wait is left.
    #[track_caller]
    pub fn cancel(&self) -> WaitClusterTask {
        self.cancel_nowait();
        self.wait()
    }

    /// The same, blocking the thread: for threads without a kernel.
    pub fn cancel_blocking(&self) {
        // Outside any kernel nobody can ask this wait to stop.
        let _ = block_on(self.cancel());
    }

    /// Waits for the end of the task and takes nothing.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when the caller itself was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once.
    #[track_caller]
    pub fn wait(&self) -> WaitClusterTask {
        WaitClusterTask(self.cell.ended.wait(Wait::Join))
    }

    /// Asks the task to stop what it waits for now, without asking it to end; may be repeated. Whether it
    /// was not known to have ended.
    pub fn interrupt(&self) -> bool {
        self.cell.ask(Ask::Interrupt)
    }

    /// Has the task's future dropped, as soon as its kernel hears of it and outside any poll of it.
    pub fn abort(&self) {
        self.cell.ask(Ask::Abort);
    }

    /// Whether a cancel was asked for through its handle, whatever became of it.
    #[must_use]
    pub fn was_cancelled(&self) -> bool {
        self.cell.was_cancelled()
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cell.ended.is_set()
    }

    /// Lets the task go on by itself; the same as dropping the handle.
    pub fn detach(self) {}
}

impl<T: 'static> IntoFuture for ClusterTask<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = JoinClusterTask<T>;

    #[track_caller]
    fn into_future(self) -> JoinClusterTask<T> {
        self.join()
    }
}

impl<T: 'static> IntoFuture for &ClusterTask<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = JoinClusterTask<T>;

    #[track_caller]
    fn into_future(self) -> JoinClusterTask<T> {
        self.join()
    }
}

impl<T> fmt::Debug for ClusterTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterTask")
            .field("kernel", &self.kernel)
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// The future of [`ClusterTask::join`].
#[must_use = "futures do nothing until polled"]
pub struct JoinClusterTask<T: 'static> {
    end: WaitLatch,
    cell: Arc<Cell<T>>,
}

impl<T> Future for JoinClusterTask<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.end).poll(context)) {
            Ok(()) => self.cell.take(),
            Err(cancelled) => Err(TaskError::Interrupted(cancelled)),
        })
    }
}

impl<T> fmt::Debug for JoinClusterTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinClusterTask").field(&self.end).finish()
    }
}

/// The future of [`ClusterTask::wait`] and [`ClusterTask::cancel`].
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct WaitClusterTask(WaitLatch);

impl Future for WaitClusterTask {
    type Output = Result<(), Cancelled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}
