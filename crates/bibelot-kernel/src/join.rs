//! Joining: waiting for the end of a task, and taking its value.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use crate::cancel::Cancelled;
use crate::core::Core;
use crate::home;
use crate::record::Wait;
use crate::remote::{self, Message};
use crate::task::{Task, TaskId};
use crate::task_error::TaskError;
use crate::tasks::{AWAITED, Ending, Entry, IN_CELL, Returned, TAKEN, TaskKey, Ticket};
use crate::trap::{Leave, Op, Park, Trap};

/// Waits for the end of a task, without its value; the future of [`Task::wait`].
pub type WaitEnd = Trap<EndOp>;

/// The end of a task.
pub struct EndOp {
    id: TaskId,
    ticket: Option<Ticket>,
}

impl EndOp {
    #[inline]
    pub(crate) fn new(id: TaskId) -> Self {
        Self { id, ticket: None }
    }
}

/// Has `waker` woken at the end of the task; what an earlier call left is found by the ticket.
fn leave_waker(id: TaskId, ticket: &mut Option<Ticket>, waker: &Waker) {
    let TaskId { kernel, key, .. } = id;
    home::with_kernel(kernel, |core| {
        let own = {
            let mut tasks = core.tasks.borrow_mut();
            let entry = tasks.get_mut(key)?;
            if !entry.takes_cell(*ticket) {
                None
            } else if ticket.is_none() && core.current.is_own(waker) {
                // A waker of ours, into an empty place: no code of users runs.
                *ticket = Some(IN_CELL);
                let _is_kept = entry.task()?.set_joiner(waker);
                return Some(());
            } else {
                entry.task().cloned()
            }
        };
        if let Some(task) = own {
            *ticket = Some(IN_CELL);
            // A task that has ended is found so at the next look.
            let _is_kept = task.set_joiner(waker);
            return Some(());
        }
        let waker = waker.clone();
        let (place, old) = core
            .tasks
            .borrow_mut()
            .get_mut(key)?
            .add_joiner(*ticket, waker);
        *ticket = Some(place);
        drop(old);
        Some(())
    });
}

/// Takes the waker back, if one was left.
fn take_waker_back(id: TaskId, ticket: &mut Option<Ticket>) {
    let (Some(ticket), TaskId { kernel, key, .. }) = (ticket.take(), id) else {
        return;
    };
    let here = home::with_kernel(kernel, |core| core.leave_join(key, ticket));
    if here.is_none() {
        remote::send(kernel, Message::LeaveJoin(key, ticket));
    }
}

impl Op for EndOp {
    type Out = ();

    fn take(&mut self) -> Option<()> {
        let TaskId { kernel, key, .. } = self.id;
        let has_ended = home::with_kernel(kernel, |core| {
            let tasks = core.tasks.borrow();
            let Some(entry) = tasks.get(key) else {
                return true;
            };
            if entry.end.is_some() {
                entry.mark(AWAITED);
            }
            entry.end.is_some()
        });
        // On a thread that does not serve the kernel there is nothing to wait for.
        has_ended.unwrap_or(true).then(|| self.ticket = None)
    }

    fn park(&mut self, waker: &Waker) -> Park<()> {
        leave_waker(self.id, &mut self.ticket, waker);
        Park::Waits
    }

    fn leave(&mut self) -> Leave<()> {
        take_waker_back(self.id, &mut self.ticket);
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Join
    }
}

impl Drop for EndOp {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_some() {
            take_waker_back(self.id, &mut self.ticket);
        }
    }
}

impl fmt::Debug for EndOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("End").field(&self.id.number()).finish()
    }
}

/// The value of a task.
pub struct JoinOp<T> {
    /// Holds the task where that is awaited by value; then it goes with the value.
    task: Task<T>,
    ticket: Option<Ticket>,
}

impl<T: 'static> JoinOp<T> {
    #[inline]
    pub(crate) fn new(id: TaskId) -> Self {
        Self::of(Task::unheld(id))
    }

    #[inline]
    fn of(task: Task<T>) -> Self {
        Self { task, ticket: None }
    }

    #[inline(never)]
    pub(crate) fn try_take(&self) -> Option<Result<T, TaskError>> {
        let TaskId { kernel, key, .. } = self.task.id();
        let found = home::with_kernel(kernel, |core| {
            let mut tasks = core.tasks.borrow_mut();
            match tasks.get_mut(key) {
                Some(entry) if entry.end.is_none() => None,
                Some(entry) => Some(take_value(entry)),
                None => Some(Err(TaskError::Aborted)),
            }
        });
        found.unwrap_or(Some(Err(TaskError::WrongKernel)))
    }

    /// Takes the value of a task that is awaited by value: where there is nothing else of the task, the handle
    /// goes with it in one step.
    #[inline(always)]
    fn take_with_handle(&mut self) -> Option<Result<T, TaskError>> {
        let TaskId { kernel, key, .. } = self.task.id();
        let found = home::with_kernel(kernel, |core| core.take_with_handle(key));
        match found {
            Some(Found::Value(value)) => {
                self.task.forget();
                Some(value.ok_or(TaskError::Taken))
            }
            Some(Found::NotYet) => None,
            Some(Found::Other) | None => self.try_take(),
        }
    }
}

impl<T> Drop for JoinOp<T> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_some() {
            take_waker_back(self.task.id(), &mut self.ticket);
        }
    }
}

/// Takes the value of a task that has ended.
pub(crate) fn take_value<T: 'static>(entry: &mut Entry) -> Result<T, TaskError> {
    entry.mark(TAKEN);
    match entry.end {
        Some(Ending::Returned) => {}
        Some(Ending::Panicked) => {
            let panic = entry.extra_mut().panic.take();
            return Err(panic.map_or(TaskError::Taken, TaskError::Panicked));
        }
        Some(Ending::Deaf) => {
            let told = entry.extra_mut().deaf.take();
            return Err(told.map_or(TaskError::Taken, TaskError::Cancelled));
        }
        Some(Ending::Aborted) | None => return Err(TaskError::Aborted),
    }
    match entry.task().and_then(|task| task.take_output::<T>()) {
        Some(Ok(value)) => Ok(value),
        // A panic was taken out of the cell when it came.
        Some(Err(_)) | None => Err(TaskError::Taken),
    }
}

/// What was found of a task that is awaited by value.
enum Found<T> {
    NotYet,
    /// It returned, and is forgotten; its value, if nobody took that before.
    Value(Option<T>),
    Other,
}

impl Core {
    /// Takes the value of a task that returned and was asked nothing, and forgets the task: its handle is gone.
    #[inline(always)]
    fn take_with_handle<T: 'static>(&self, key: TaskKey) -> Found<T> {
        let found = self.tasks.borrow_mut().remove_returned(key);
        let task = match found {
            Returned::Cell(task) => task,
            Returned::NotYet => return Found::NotYet,
            Returned::Other => return Found::Other,
        };
        self.records.vacate(key.slot);
        // No code of users runs as the empty cell is freed. A panic was taken out of it when it came.
        let output = task.into_output::<T>(&self.spares);
        Found::Value(output.and_then(Result::ok))
    }
}

impl<T: 'static> Op for JoinOp<T> {
    type Out = Result<T, TaskError>;

    #[inline(always)]
    fn take_or_listen(&mut self, _: &mut Context<'_>) -> Option<Self::Out> {
        self.take()
    }

    #[inline(always)]
    fn take(&mut self) -> Option<Self::Out> {
        let value = match self.task.is_held() {
            true => self.take_with_handle(),
            false => self.try_take(),
        }?;
        self.ticket = None;
        Some(value)
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        leave_waker(self.task.id(), &mut self.ticket, waker);
        Park::Waits
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        take_waker_back(self.task.id(), &mut self.ticket);
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Join
    }
}

impl<T> fmt::Debug for JoinOp<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.task.id().number();
        f.debug_tuple("Join").field(&number).finish()
    }
}

/// The future of [`Task::join`].
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct Join<T: 'static>(Trap<JoinOp<T>>);

impl<T: 'static> Join<T> {
    #[track_caller]
    pub(crate) fn new(id: TaskId) -> Self {
        Self(Trap::new(JoinOp::new(id)))
    }
}

impl<T: 'static> Future for Join<T> {
    type Output = Result<T, TaskError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(flatten(ready!(Pin::new(&mut self.0).poll(context))))
    }
}

#[inline]
pub(crate) fn flatten<T>(joined: Result<Result<T, TaskError>, Cancelled>) -> Result<T, TaskError> {
    joined.unwrap_or_else(|cancelled| Err(TaskError::Interrupted(cancelled)))
}

/// A task awaited by value: dropped, it lets the task go on by itself.
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct JoinOwned<T: 'static>(Trap<JoinOp<T>>);

impl<T: 'static> JoinOwned<T> {
    #[track_caller]
    #[inline]
    pub(crate) fn new(task: Task<T>) -> Self {
        Self(Trap::new(JoinOp::of(task)))
    }

    /// The task, of which nothing is known any more once its value was given.
    pub fn task(&self) -> &Task<T> {
        &self.0.op().task
    }
}

impl<T: 'static> Future for JoinOwned<T> {
    type Output = Result<T, TaskError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(flatten(ready!(Pin::new(&mut self.0).poll(context))))
    }
}
