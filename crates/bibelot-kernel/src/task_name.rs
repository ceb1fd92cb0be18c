//! The task's name: what can be asked of a task without holding it.

use std::error::Error;
use std::sync::Arc;

use crate::cancel::Cause;
use crate::home;
use crate::join::{EndOp, WaitEnd};
use crate::record::TaskInfo;
use crate::remote::{self, Message};
use crate::task::TaskId;
use crate::task_error::TaskError;
use crate::tasks::TAKEN;

/// A name of a task: it can be copied, and neither keeps the task's value nor takes it.
///
/// Once the task has ended and its handle is gone, the name names nothing, and asking is without
/// effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskName {
    pub(crate) id: TaskId,
}

impl TaskName {
    /// The task's id.
    #[must_use]
    pub fn id(self) -> TaskId {
        self.id
    }

    /// See [`Task::cancel_nowait`](crate::Task::cancel_nowait).
    pub fn cancel_nowait(self) -> bool {
        self.cancel_with_cause(Cause::Task)
    }

    /// Asks the task to stop, for this cause. See [`Task::cancel_nowait`](crate::Task::cancel_nowait).
    pub fn cancel_with_cause(self, cause: Cause) -> bool {
        let TaskId { kernel, key, .. } = self.id;
        if home::is_here(kernel) {
            return home::with(|core| core.cancel(key, cause)).unwrap_or(false);
        }
        remote::send(kernel, Message::Cancel(key, cause));
        true
    }

    /// See [`Task::cancel`](crate::Task::cancel).
    #[track_caller]
    pub fn cancel(self) -> WaitEnd {
        self.cancel_nowait();
        self.wait()
    }

    /// See [`Task::cancel_with`](crate::Task::cancel_with).
    pub fn cancel_with<E: Error + Send + Sync + 'static>(self, reason: E) -> bool {
        self.cancel_with_cause(Cause::Custom(Arc::new(reason)))
    }

    /// Notes that the task's handle is dropped on purpose.
    pub(crate) fn mark_detached(self) {
        let TaskId { kernel, key, .. } = self.id;
        let here = home::with_kernel(kernel, |core| core.mark_detached(key));
        if here.is_none() {
            remote::send(kernel, Message::Detach(key));
        }
    }

    /// See [`Task::interrupt`](crate::Task::interrupt).
    pub fn interrupt(self) -> bool {
        let TaskId { kernel, key, .. } = self.id;
        home::with_kernel(kernel, |core| core.interrupt(key)).unwrap_or_else(|| {
            remote::send(kernel, Message::Interrupt(key));
            true
        })
    }

    /// See [`Task::abort`](crate::Task::abort).
    pub fn abort(self) {
        let TaskId { kernel, key, .. } = self.id;
        let here = home::with_kernel(kernel, |core| core.abort(key));
        if here.is_none() {
            remote::send(kernel, Message::Abort(key));
        }
    }

    /// See [`Task::wait`](crate::Task::wait).
    #[track_caller]
    pub fn wait(self) -> WaitEnd {
        WaitEnd::new(EndOp::new(self.id))
    }

    /// See [`Task::was_cancelled`](crate::Task::was_cancelled).
    #[must_use]
    pub fn was_cancelled(self) -> bool {
        let TaskId { kernel, key, .. } = self.id;
        let here = home::with_kernel(kernel, |core| {
            let tasks = core.tasks.borrow();
            let extra = tasks.get(key).and_then(|entry| entry.extra());
            extra.is_some_and(|extra| extra.asked.cancel.is_some())
        });
        here.unwrap_or(false)
    }

    /// See [`Task::info`](crate::Task::info).
    #[must_use]
    pub fn info(self) -> Option<TaskInfo> {
        let TaskId { kernel, key, .. } = self.id;
        let reader = home::with_kernel(kernel, |core| core.records.reader())?;
        reader.get_at(key.slot, key.generation)
    }

    /// See [`Task::error`](crate::Task::error).
    #[must_use]
    pub fn error(self) -> Option<TaskError> {
        let TaskId { kernel, key, .. } = self.id;
        let found = home::with_kernel(kernel, |core| {
            let tasks = core.tasks.borrow();
            let entry = tasks.get(key)?;
            let error = entry.error()?;
            entry.mark(TAKEN);
            Some(error)
        });
        found.unwrap_or(Some(TaskError::WrongKernel))
    }

    /// See [`Task::is_daemon`](crate::Task::is_daemon).
    #[must_use]
    pub fn is_daemon(self) -> bool {
        self.info().is_some_and(|info| info.daemon)
    }

    /// See [`Task::is_finished`](crate::Task::is_finished).
    #[must_use]
    pub fn is_finished(self) -> bool {
        let TaskId { kernel, key, .. } = self.id;
        let here = home::with_kernel(kernel, |core| {
            core.tasks
                .borrow()
                .get(key)
                .is_none_or(|entry| entry.end.is_some())
        });
        here.unwrap_or(false)
    }
}

/// The task that is being polled on this thread.
///
/// Curio: `current_task()`.
///
/// # Panics
///
/// Outside a task; see [`try_current`].
#[must_use]
#[track_caller]
#[doc(alias = "current_task")]
pub fn current() -> TaskName {
    try_current().expect("current() is called from inside a task")
}

/// The task that is being polled on this thread, if one is.
#[must_use]
pub fn try_current() -> Option<TaskName> {
    home::with(|core| {
        let key = core.current.key()?;
        let id = TaskId {
            kernel: core.id,
            key,
            number: core.current.number(),
        };
        Some(TaskName { id })
    })?
}
