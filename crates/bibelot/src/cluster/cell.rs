//! The cell: a task of some kernel as the rest of the cluster sees it.
//!
//! It is made where the task was asked for, and follows it: into the list of the kernel that is to begin
//! it, into that kernel's table, and to its end, however that comes. Requests made before the task has
//! begun wait here.
//!
//! # Invariants
//!
//! - It ends once: with the task's own end, or as aborted when whatever held it there was dropped.
//! - No code of users runs under the lock.

use std::cell::Cell as Slot;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bibelot_kernel::{Cause, TaskBuilder, TaskError, TaskName};

use super::latch::Latch;
use super::member::Seat;
use crate::contain::drop_unseen;

/// What a handle asks of its task.
pub(super) enum Ask {
    Cancel(Cause),
    Interrupt,
    Abort,
}

/// A task as its handles see it.
pub(super) struct Cell<T: 'static> {
    pub(super) ended: Latch,
    state: Mutex<State<T>>,
}

struct State<T> {
    result: Option<Result<T, TaskError>>,
    is_over: bool,
    was_cancelled: bool,
    /// `None` until it has begun.
    task: Option<TaskName>,
    /// What was asked before that.
    asked: Vec<Ask>,
}

impl<T: 'static> Cell<T> {
    pub(super) fn new() -> Arc<Self> {
        let state = State {
            result: None,
            is_over: false,
            was_cancelled: false,
            task: None,
            asked: Vec::new(),
        };
        Arc::new(Self {
            ended: Latch::default(),
            state: Mutex::new(state),
        })
    }

    /// Asks something of the task. Whether it had not ended, and of a cancel whether it was the first.
    pub(super) fn ask(&self, ask: Ask) -> bool {
        let (task, ask) = {
            let mut state = self.lock();
            if state.is_over {
                return false;
            }
            if matches!(ask, Ask::Cancel(_)) && std::mem::replace(&mut state.was_cancelled, true) {
                return false;
            }
            match state.task {
                Some(task) => (task, ask),
                None => {
                    state.asked.push(ask);
                    return true;
                }
            }
        };
        put_to(task, ask);
        true
    }

    pub(super) fn was_cancelled(&self) -> bool {
        self.lock().was_cancelled
    }

    pub(super) fn task(&self) -> Option<TaskName> {
        self.lock().task
    }

    /// The result of a task that has ended, once.
    pub(super) fn take(&self) -> Result<T, TaskError> {
        let taken = self.lock().result.take();
        taken.unwrap_or(Err(TaskError::Taken))
    }

    /// The task has begun under this name.
    fn began(&self, task: TaskName) {
        let asked = {
            let mut state = self.lock();
            state.task = Some(task);
            std::mem::take(&mut state.asked)
        };
        for ask in asked {
            put_to(task, ask);
        }
    }

    fn end(&self, result: Result<T, TaskError>) {
        let unwanted = {
            let mut state = self.lock();
            let asked = std::mem::take(&mut state.asked);
            let late = if state.is_over {
                Some(result)
            } else {
                state.is_over = true;
                state.result = Some(result);
                None
            };
            (asked, late)
        };
        drop(unwanted);
        self.ended.set();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing under the lock can leave the state half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Cell<T> {
    /// Tells of a failure that nobody was given.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop_unseen(&mut state.result, state.task.map(TaskName::id));
    }
}

fn put_to(task: TaskName, ask: Ask) {
    match ask {
        Ask::Cancel(cause) => {
            task.cancel_with_cause(cause);
        }
        Ask::Interrupt => {
            task.interrupt();
        }
        Ask::Abort => task.abort(),
    }
}

/// What will end a cell. Dropped, it ends it as aborted.
pub(super) struct Ending<T: 'static> {
    cell: Arc<Cell<T>>,
    seat: Slot<Option<Seat>>,
    is_over: Slot<bool>,
}

impl<T: 'static> Ending<T> {
    pub(super) fn new(cell: Arc<Cell<T>>, seat: Seat) -> Self {
        Self {
            cell,
            seat: Slot::new(Some(seat)),
            is_over: Slot::new(false),
        }
    }

    /// Nobody is to wait for the task.
    pub(super) fn give_up_seat(&self) {
        drop(self.seat.take());
    }

    /// Begins the task, on the kernel's thread, and follows it to its end.
    pub(super) fn begin<F: Future<Output = T> + 'static>(self, builder: TaskBuilder, future: F) {
        let cell = self.cell.clone();
        let task = builder.spawn(future);
        let name = task.name_it();
        if let Some(mut seat) = self.seat.take() {
            seat.sit_down();
            self.seat.set(Some(seat));
        }
        // If it cannot be listened to, it has ended, and so has the cell by the drop of this.
        let _listens = name.listen(move |_| {
            self.end(task.try_take().unwrap_or(Err(TaskError::Aborted)));
        });
        cell.began(name);
    }
}

impl<T> Ending<T> {
    fn end(&self, result: Result<T, TaskError>) {
        // The load first, so that whoever hears of the end finds it less.
        drop(self.seat.take());
        if !self.is_over.replace(true) {
            self.cell.end(result);
        }
    }
}

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        if !self.is_over.get() {
            self.end(Err(TaskError::Aborted));
        }
    }
}
