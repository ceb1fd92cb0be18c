//! Hearing of a task's end without waiting for it: what groups stand on.
//!
//! A task has at most one listener, so it belongs to at most one group. The listener is called once, on
//! the kernel's thread, outside any borrow of the kernel's, when joiners have been woken and before the
//! kernel forgets the task: what it returned can still be taken then, and whether it was cancelled seen.

use std::rc::Rc;

use crate::home;
use crate::task::TaskId;
use crate::task_name::TaskName;

/// What came of [`TaskName::listen`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Listening {
    /// The listener will be called.
    Waits,
    /// The task has ended; the listener was dropped uncalled.
    Ended,
    /// The task has a listener; the new one was dropped.
    IsTaken,
    /// The task belongs to a kernel that this thread does not serve; the listener was dropped.
    WrongKernel,
}

impl TaskName {
    /// Has `listener` called when the task has ended; see
    /// [`TaskBuilder::on_end`](crate::TaskBuilder::on_end).
    pub fn listen(self, listener: impl Fn(TaskId) + 'static) -> Listening {
        let TaskId { kernel, key, .. } = self.id;
        let mut listener: Option<Rc<dyn Fn(TaskId)>> = Some(Rc::new(listener));
        let found = home::with_kernel(kernel, |core| {
            let mut tasks = core.tasks.borrow_mut();
            match tasks.get_mut(key) {
                Some(entry) if entry.end.is_none() => {
                    let place = &mut entry.extra_mut().on_end;
                    if place.is_some() {
                        return Listening::IsTaken;
                    }
                    *place = listener.take();
                    Listening::Waits
                }
                _ => Listening::Ended,
            }
        });
        found.unwrap_or(Listening::WrongKernel)
    }
}
