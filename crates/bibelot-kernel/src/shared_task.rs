//! The shared task: a handle that can be cloned, of which everybody who waits gets the value.
//!
//! Like every handle it is a name. The value stays with the kernel, out of the task's cell after the
//! first look, until the last handle is gone; who asks gets a copy, made outside all borrows.

use std::any::Any;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use crate::core::Core;
use crate::home;
use crate::join::{EndOp, flatten, take_value};
use crate::record::Wait;
use crate::task::{Task, TaskId};
use crate::task_error::TaskError;
use crate::task_name::TaskName;
use crate::tasks::TAKEN;
use crate::trap::{Leave, Op, Park, Trap};

/// A handle to a task of which everybody who waits gets the value; made by [`Task::shared`].
///
/// Clones name the same task, and every join of each gives a copy of the value, or of the error. It
/// dereferences to the [`TaskName`], so that the task can be asked to stop and looked at. Dropping the
/// last lets the task go on by itself. A panic's payload is there once: see [`Panic`](crate::Panic).
#[must_use = "dropping the handle lets the task go on by itself"]
pub struct SharedTask<T: 'static> {
    task: Arc<Task<T>>,
    name: TaskName,
}

impl<T: Clone + 'static> SharedTask<T> {
    pub(crate) fn new(task: Task<T>) -> Self {
        Self {
            name: task.name_it(),
            task: Arc::new(task),
        }
    }

    /// Waits for the end of the task and gives a copy of its value.
    ///
    /// All who wait are woken in the turn in which the task ends.
    ///
    /// Curio: `join()`.
    ///
    /// # Errors
    ///
    /// See [`TaskError`]. [`Interrupted`](TaskError::Interrupted) is the waiter's own, all else a copy of
    /// what everybody gets.
    ///
    /// # Cancellation
    ///
    /// Leaves at once; neither the task nor who else waits is affected.
    #[track_caller]
    pub fn join(&self) -> JoinShared<T> {
        JoinShared {
            trap: Trap::at(SharedOp::new(self.name.id), Location::caller()),
            held: self.clone(),
        }
    }

    /// A copy of the value, if the task has ended.
    ///
    /// # Errors
    ///
    /// See [`TaskError`].
    pub fn try_get(&self) -> Option<Result<T, TaskError>> {
        SharedOp::<T>::new(self.name.id).try_get()
    }
}

impl<T> Clone for SharedTask<T> {
    fn clone(&self) -> Self {
        Self {
            task: self.task.clone(),
            name: self.name,
        }
    }
}

impl<T> Deref for SharedTask<T> {
    type Target = TaskName;

    fn deref(&self) -> &TaskName {
        &self.name
    }
}

impl<T: Clone + 'static> IntoFuture for SharedTask<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = JoinShared<T>;

    #[track_caller]
    fn into_future(self) -> JoinShared<T> {
        self.join()
    }
}

impl<T: Clone + 'static> IntoFuture for &SharedTask<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = JoinShared<T>;

    #[track_caller]
    fn into_future(self) -> JoinShared<T> {
        self.join()
    }
}

impl<T> fmt::Debug for SharedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedTask")
            .field(&self.task.id().number())
            .finish()
    }
}

/// A copy of the value of a task.
struct SharedOp<T> {
    end: EndOp,
    id: TaskId,
    value: PhantomData<fn() -> T>,
}

impl<T: Clone + 'static> SharedOp<T> {
    fn new(id: TaskId) -> Self {
        Self {
            end: EndOp::new(id),
            id,
            value: PhantomData,
        }
    }

    fn try_get(&self) -> Option<Result<T, TaskError>> {
        let found = home::with_kernel(self.id.kernel, |core| core.shared_value::<T>(self.id));
        match found {
            None => Some(Err(TaskError::WrongKernel)),
            Some(Some(Ok(value))) => Some(Ok(T::clone(&value))),
            Some(Some(Err(error))) => Some(Err(error)),
            Some(None) => None,
        }
    }
}

impl<T: Clone + 'static> Op for SharedOp<T> {
    type Out = Result<T, TaskError>;

    fn take(&mut self) -> Option<Self::Out> {
        self.end.take()?;
        self.try_get()
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        match self.end.park(waker) {
            Park::Waits => Park::Waits,
            Park::Ended(()) => Park::Ended(Err(TaskError::Aborted)),
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        match self.end.leave() {
            Leave::Draining => Leave::Draining,
            Leave::Left | Leave::Won(()) => Leave::Left,
        }
    }

    fn wait(&self) -> Wait {
        Wait::Join
    }
}

/// The future of [`SharedTask::join`]. It holds the task as its handle does.
#[must_use = "futures do nothing until polled"]
pub struct JoinShared<T: Clone + 'static> {
    trap: Trap<SharedOp<T>>,
    held: SharedTask<T>,
}

impl<T: Clone + 'static> Future for JoinShared<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(flatten(ready!(Pin::new(&mut self.trap).poll(context))))
    }
}

impl<T: Clone + 'static> fmt::Debug for JoinShared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinShared").field(&self.held).finish()
    }
}

impl Core {
    /// The value of a task that has ended, where it stays; `None` if it has not ended.
    fn shared_value<T: 'static>(&self, id: TaskId) -> Option<Result<Rc<T>, TaskError>> {
        let mut tasks = self.tasks.borrow_mut();
        let Some(entry) = tasks.get_mut(id.key) else {
            return Some(Err(TaskError::Aborted));
        };
        entry.end?;
        entry.mark(TAKEN);
        if let Some(error) = entry.error() {
            return Some(Err(error));
        }
        let kept: Rc<dyn Any> = match entry.extra().and_then(|extra| extra.shared.clone()) {
            Some(kept) => kept,
            None => {
                let value: Rc<dyn Any> = match take_value::<T>(entry) {
                    Ok(value) => Rc::new(value),
                    Err(error) => return Some(Err(error)),
                };
                entry.extra_mut().shared = Some(value.clone());
                value
            }
        };
        Some(kept.downcast().map_err(|_| TaskError::Taken))
    }
}
