//! What is carried from one side of a bridge to the other: how a future ended.

use bibelot_kernel::{TaskError, TaskId};

use crate::contain::drop_unseen;

/// How a future ended, on its way to whoever waits. Dropped on the way, it tells the crash hook of a failure.
pub(super) struct Carried<T: 'static> {
    ended: Option<Result<T, TaskError>>,
    /// The task, where it was one.
    task: Option<TaskId>,
}

impl<T> Carried<T> {
    pub(super) fn new(ended: Result<T, TaskError>, task: Option<TaskId>) -> Self {
        let ended = Some(ended);
        Self { ended, task }
    }

    /// It has come to whoever waits.
    pub(super) fn arrive(mut self) -> Result<T, TaskError> {
        self.ended.take().unwrap_or(Err(TaskError::Taken))
    }
}

impl<T> Drop for Carried<T> {
    fn drop(&mut self) {
        drop_unseen(&mut self.ended, self.task);
    }
}
