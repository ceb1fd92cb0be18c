//! The task handle: a name by which a task is awaited, asked to stop and looked at.
//!
//! A handle holds the kernel's number and the task's key, no pointer, so it may go to any thread
//! whatever the task's future or value is. What it asks is done on the spot at home, and sent home from
//! elsewhere; the value is only ever given out on the kernel's thread.

use std::error::Error;
use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::cancel::Cause;
use crate::home::{self, KernelId};
use crate::join::{Join, JoinOp, JoinOwned, WaitEnd};
use crate::record::TaskInfo;
use crate::remote::{self, Message};
use crate::shared_task::SharedTask;
use crate::task_error::TaskError;
use crate::task_name::TaskName;
use crate::tasks::TaskKey;
use crate::traceback::Traceback;

/// Names one task of this process.
///
/// Two ids are equal if they name the same task. It is shown as the number the task was spawned with.
#[derive(Clone, Copy)]
pub struct TaskId {
    pub(crate) kernel: KernelId,
    pub(crate) key: TaskKey,
    pub(crate) number: u64,
}

impl TaskId {
    /// The number it is shown by; grows with each spawn and is never used again in this process.
    #[must_use]
    pub fn number(self) -> u64 {
        self.number
    }

    /// The kernel that the task belongs to.
    #[must_use]
    pub fn kernel(self) -> KernelId {
        self.kernel
    }
}

impl PartialEq for TaskId {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for TaskId {}

impl PartialOrd for TaskId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TaskId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.number.cmp(&other.number)
    }
}

impl std::hash::Hash for TaskId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({})", self.number)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

/// A handle to a spawned task.
///
/// Awaiting it, or [`join`](Self::join), gives the task's value. Dropping it lets the task go on by
/// itself. It is `Send` whatever the value is; away from its kernel it can ask the task to stop, and
/// everything else says that it is in the wrong place.
///
/// Curio: `Task`.
#[must_use = "dropping the handle lets the task go on by itself"]
pub struct Task<T> {
    kernel: KernelId,
    number: u64,
    slot: u32,
    /// The kernel keeps for it what the task came to.
    is_held: bool,
    value: PhantomData<fn() -> T>,
}

impl<T> Task<T> {
    #[inline]
    pub(crate) fn new(id: TaskId) -> Self {
        Self {
            kernel: id.kernel,
            number: id.number,
            slot: id.key.slot,
            is_held: true,
            value: PhantomData,
        }
    }

    /// One that is no more than a name.
    #[inline]
    pub(crate) fn unheld(id: TaskId) -> Self {
        let mut task = Self::new(id);
        task.is_held = false;
        task
    }

    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    /// The kernel has forgotten the task.
    #[inline]
    pub(crate) fn forget(&mut self) {
        self.is_held = false;
    }
}

impl<T: 'static> Task<T> {
    /// Waits for the end of the task and takes its value.
    ///
    /// The value can be taken once; a later join says [`TaskError::Taken`]. It is the handle that keeps it:
    /// drop that before this has returned, and the value is gone, and this says [`TaskError::Aborted`].
    /// [`await`](IntoFuture) the handle itself where it need not be kept.
    ///
    /// Curio: `join()`, and `TaskError` as there.
    ///
    /// # Errors
    ///
    /// See [`TaskError`].
    ///
    /// # Cancellation
    ///
    /// Leaves at once with [`TaskError::Interrupted`]; the task goes on, and its value stays.
    #[track_caller]
    pub fn join(&self) -> Join<T> {
        Join::new(self.id())
    }

    /// Takes the value if the task has ended.
    ///
    /// Curio: `result`.
    ///
    /// # Errors
    ///
    /// See [`TaskError`].
    pub fn try_take(&self) -> Option<Result<T, TaskError>> {
        JoinOp::<T>::new(self.id()).try_take()
    }

    /// Makes it a handle that can be cloned, of which everybody who waits gets the value.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use bibelot_kernel::spawn;
    ///
    /// # async fn example() {
    /// let config = spawn(async { String::from("read once") }).shared();
    /// let other = config.clone();
    /// assert_eq!(config.await.unwrap(), other.await.unwrap());
    /// # }
    /// ```
    #[must_use = "dropping the handle lets the task go on by itself"]
    pub fn shared(self) -> SharedTask<T>
    where
        T: Clone,
    {
        SharedTask::new(self)
    }
}

impl<T> Task<T> {
    /// The task's id.
    #[must_use]
    #[inline]
    pub fn id(&self) -> TaskId {
        TaskId {
            kernel: self.kernel,
            key: TaskKey::new(self.slot, self.number),
            number: self.number,
        }
    }

    /// A name for the task that does not keep its value.
    #[must_use]
    pub fn name_it(&self) -> TaskName {
        TaskName { id: self.id() }
    }

    /// Asks the task to stop, once. Whether this was the first request and the task had not ended; away
    /// from its kernel, whether the request was sent.
    ///
    /// Curio: `cancel(blocking=False)`.
    pub fn cancel_nowait(&self) -> bool {
        self.name_it().cancel_with_cause(Cause::Task)
    }

    /// Asks the task to stop, with a reason of your own, which the task finds with
    /// [`Cancellation::downcast_ref`](crate::Cancellation::downcast_ref). See
    /// [`cancel_nowait`](Self::cancel_nowait).
    pub fn cancel_with<E: Error + Send + Sync + 'static>(&self, reason: E) -> bool {
        self.name_it()
            .cancel_with_cause(Cause::Custom(Arc::new(reason)))
    }

    /// Asks the task to stop, and waits for its end. A second call only waits.
    ///
    /// Curio: `cancel()`.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when the caller itself was asked to stop.
    ///
    /// # Cancellation
    ///
    /// The request stands; only the wait is left.
    #[track_caller]
    pub fn cancel(&self) -> WaitEnd {
        self.cancel_nowait();
        self.wait()
    }

    /// Waits for the end of the task and takes nothing. Away from its kernel, where its end is not heard of,
    /// it returns at once.
    ///
    /// Curio: `wait()`.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when the caller itself was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once.
    #[track_caller]
    pub fn wait(&self) -> WaitEnd {
        self.name_it().wait()
    }

    /// Asks the task to stop what it waits for now, without asking it to end; may be repeated. Whether
    /// the task had not ended; away from its kernel, whether the request was sent.
    pub fn interrupt(&self) -> bool {
        self.name_it().interrupt()
    }

    /// Drops the task's future now, or right after the poll that is under way.
    ///
    /// Operations in flight become orphans of their objects, guards run, joiners get
    /// [`TaskError::Aborted`].
    pub fn abort(&self) {
        self.name_it().abort();
    }

    /// Whether a cancel was asked for, whatever became of it.
    ///
    /// Curio: `cancelled`.
    #[must_use]
    pub fn was_cancelled(&self) -> bool {
        self.name_it().was_cancelled()
    }

    /// Where the task waits now, for what and inside which scopes, as text or as data; `None` away from its
    /// kernel.
    ///
    /// A suspended future has no frames; what is told are the operations that it is parked in, each with
    /// the place that waits. Their scopes are told if the kernel was [built](crate::Builder::tracebacks) to
    /// keep them, or the operation is in an arm that has a waker of its own.
    ///
    /// Curio: `traceback()` and `where()`.
    #[must_use]
    pub fn traceback(&self) -> Option<Traceback> {
        self.name_it().traceback()
    }

    /// Why the task gave no value, if it has ended and gave none; a join still gets it. A task's own `Err`
    /// is part of its value.
    ///
    /// Curio: `exception`.
    #[must_use]
    pub fn error(&self) -> Option<TaskError> {
        self.name_it().error()
    }

    /// Whether its kernel ends without waiting for it. Away from its kernel a
    /// [`RecordReader`](crate::RecordReader) says so.
    ///
    /// Curio: `daemon`.
    #[must_use]
    pub fn is_daemon(&self) -> bool {
        self.name_it().is_daemon()
    }

    /// Whether the task has ended. Away from its kernel it is never known to have.
    ///
    /// Curio: `terminated`.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.name_it().is_finished()
    }

    /// What is known of the task now. Away from its kernel use a
    /// [`RecordReader`](crate::RecordReader).
    #[must_use]
    pub fn info(&self) -> Option<TaskInfo> {
        self.name_it().info()
    }

    /// Lets the task go on by itself, as dropping the handle does, and says that this is meant.
    pub fn detach(self) {
        self.name_it().mark_detached();
    }
}

impl<T> Drop for Task<T> {
    #[inline]
    fn drop(&mut self) {
        if self.is_held {
            let_go(self.id());
        }
    }
}

/// The handle of a task is gone.
fn let_go(id: TaskId) {
    let TaskId { kernel, key, .. } = id;
    let here = home::with_kernel(kernel, |core| core.release(key));
    if here.is_none() {
        remote::send(kernel, Message::Release(key));
    }
}

impl<T: 'static> IntoFuture for Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = JoinOwned<T>;

    #[track_caller]
    #[inline]
    fn into_future(self) -> JoinOwned<T> {
        JoinOwned::new(self)
    }
}

impl<T: 'static> IntoFuture for &Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = Join<T>;

    #[track_caller]
    fn into_future(self) -> Join<T> {
        self.join()
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.number)
            .finish_non_exhaustive()
    }
}
