//! Observers: who is told what the kernel's tasks do.
//!
//! A kernel without observers pays one branch. Observers are called on the kernel's thread, outside all
//! of its borrows, so they may use it; a panic of theirs is theirs alone.
//!
//! # Invariants
//!
//! - Of one task an observer hears created, then pairs of running and suspended, then terminated, after
//!   the last suspended or instead of it.

use std::rc::Rc;
use std::time::Duration;

use crate::cancel::ScopeId;
use crate::core::contain;
use crate::record::Wait;
use crate::task::TaskId;

/// Hears what the tasks of a kernel do.
///
/// Curio: `Activation`.
#[doc(alias = "Activation")]
#[doc(alias = "Instrument")]
pub trait Observer {
    /// A task was spawned.
    fn created(&self, task: TaskId) {
        let _ = task;
    }

    /// A task is about to be polled.
    fn running(&self, task: TaskId) {
        let _ = task;
    }

    /// A poll has ended and the task has not.
    fn suspended(&self, task: TaskId, why: Suspended) {
        let _ = (task, why);
    }

    /// A task has ended.
    fn terminated(&self, task: TaskId, how: Terminated) {
        let _ = (task, how);
    }

    /// The body of a limit ended later than it was allowed to, by so much, and with something else than
    /// the limit's own expiry: it never waited, or what it was told became another error or a value.
    ///
    /// Curio: the log's "badness".
    fn overran(&self, task: TaskId, limit: ScopeId, by: Duration) {
        let _ = (task, limit, by);
    }
}

/// Why a poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspended {
    /// It waits for this.
    Waits(Wait),
    /// It was woken while it was polled: it is ready again.
    Ready,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Terminated {
    /// Its future gave a value.
    Returned,
    /// Its future panicked.
    Panicked,
    /// It was aborted.
    Aborted,
    /// It was asked to stop while nothing in it could hear, and was dropped.
    Dropped,
}

/// All observers of one kernel.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Rc<dyn Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: Rc<dyn Observer>) {
        self.0.push(observer);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(crate) fn created(&self, task: TaskId) {
        if self.is_empty() {
            return;
        }
        self.tell(|observer| observer.created(task));
    }

    pub(crate) fn running(&self, task: TaskId) {
        self.tell(|observer| observer.running(task));
    }

    pub(crate) fn suspended(&self, task: TaskId, why: Suspended) {
        self.tell(|observer| observer.suspended(task, why));
    }

    pub(crate) fn terminated(&self, task: TaskId, how: Terminated) {
        self.tell(|observer| observer.terminated(task, how));
    }

    pub(crate) fn overran(&self, task: TaskId, limit: ScopeId, by: Duration) {
        self.tell(|observer| observer.overran(task, limit, by));
    }

    fn tell(&self, tell: impl Fn(&dyn Observer)) {
        for observer in &self.0 {
            contain(|| tell(&**observer));
        }
    }
}
