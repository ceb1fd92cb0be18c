//! The unseen: what becomes of a task that has ended, and that failures nobody took are told.
//!
//! A task is forgotten when it has ended and its handle is gone. If nobody was given what it came to, that
//! is looked at once more: a panic, or an error of a type that is known to be one, goes to the crash hook.
//!
//! # Invariants
//!
//! - When code of users runs here, the task's slot is free in every table: it may spawn into it.
//! - Of one task the hook is told once.

use std::rc::Rc;

use bibelot_task::{PanicPayload, Site, Unseen};

use crate::core::{Core, contain};
use crate::crash::{self, Crash, CrashKind};
use crate::home;
use crate::panic::Panic;
use crate::record::Known;
use crate::tag::Tag;
use crate::task::TaskId;
use crate::tasks::{AWAITED, DETACHED, Ending, Entry, REPORTED, TAKEN, TaskKey};

impl Core {
    /// Takes what a task panicked with out of its cell, where it would be known only to who knows the
    /// type of its value.
    pub(crate) fn keep_panic(&self, key: TaskKey) {
        let task = match self.tasks.borrow().get(key) {
            Some(entry) => entry.task().cloned(),
            None => None,
        };
        let Some(task) = task else { return };
        task.see_off(|unseen| {
            if let Unseen::Panic(payload) = unseen
                && let Some(entry) = self.tasks.borrow_mut().get_mut(key)
            {
                entry.extra_mut().panic = Some(Panic::new(payload));
            }
        });
    }

    /// Tells of a panic at once, whoever may join the task.
    pub(crate) fn report_panic_now(&self, id: TaskId) {
        let message = {
            let tasks = self.tasks.borrow();
            let Some(entry) = tasks.get(id.key).filter(|entry| !entry.has_mark(REPORTED)) else {
                return;
            };
            entry.mark(REPORTED);
            let panic = entry.extra().and_then(|extra| extra.panic.as_ref());
            panic.map_or_else(String::new, Panic::to_string)
        };
        let known = self.records.known(id.key.slot);
        report(id, &known, CrashKind::Panicked, &message);
    }

    /// The task's handle is about to be dropped on purpose.
    pub(crate) fn mark_detached(&self, key: TaskKey) {
        if let Some(entry) = self.tasks.borrow().get(key) {
            entry.mark(DETACHED);
        }
    }

    /// The task's handle is gone.
    pub(crate) fn release(&self, key: TaskKey) {
        let entry = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(entry) = tasks.get_mut(key) else {
                return;
            };
            entry.held = false;
            if entry.end.is_none() {
                return;
            }
            tasks.remove_at(key.slot)
        };
        self.forget(key, entry);
    }

    /// Frees what is kept of a task that has ended if nobody holds it.
    pub(crate) fn forget_if_done(&self, key: TaskKey) {
        let entry = {
            let mut tasks = self.tasks.borrow_mut();
            match tasks.get(key) {
                Some(entry) if entry.end.is_some() && !entry.held => tasks.remove_at(key.slot),
                _ => return,
            }
        };
        self.forget(key, entry);
    }

    /// Frees what was kept of a task.
    #[inline]
    fn forget(&self, key: TaskKey, entry: Entry) {
        if entry.has_mark(TAKEN) {
            self.records.end(key.slot);
            if entry.extra().is_none() {
                // Nothing of a user's is left but in the cell, which contains what its drop does.
                drop(entry);
            } else {
                contain(|| drop(entry));
            }
        } else {
            self.forget_unseen(key, entry);
        }
    }

    #[inline(never)]
    fn forget_unseen(&self, key: TaskKey, entry: Entry) {
        let known = self.records.known(key.slot);
        self.records.end(key.slot);
        self.report_unseen(key, &entry, &known);
        contain(|| drop(entry));
    }

    /// Tells what nobody was given of a task that has ended, if it is worth telling.
    pub(crate) fn report_unseen(&self, key: TaskKey, entry: &Entry, known: &Known) {
        let id = TaskId {
            kernel: self.id,
            key,
            number: known.number,
        };
        if let Some((kind, message)) = found(entry) {
            report(id, known, kind, &message);
        } else if self.config.orphan_log && entry.end.is_some() && is_orphan(entry, known) {
            report(id, known, CrashKind::NeverJoined, "");
        }
    }
}

/// The failure that nobody was given.
fn found(entry: &Entry) -> Option<(CrashKind, String)> {
    if entry.has_mark(TAKEN | REPORTED) {
        return None;
    }
    match entry.end? {
        Ending::Returned => {
            let mut message = None;
            entry.task()?.see_off(|unseen| {
                if let Unseen::Value(value) = unseen {
                    message = crash::failure(value);
                }
            });
            Some((CrashKind::Failed, message?))
        }
        Ending::Panicked => {
            let panic = entry.extra()?.panic.as_ref()?;
            Some((CrashKind::Panicked, panic.to_string()))
        }
        Ending::Aborted | Ending::Deaf => None,
    }
}

/// Whether somebody should have joined it.
fn is_orphan(entry: &Entry, known: &Known) -> bool {
    let was_cancelled = entry
        .extra()
        .is_some_and(|extra| extra.asked.cancel.is_some());
    !known.daemon && !was_cancelled && !entry.has_mark(TAKEN | AWAITED | DETACHED | REPORTED)
}

fn report(id: TaskId, known: &Known, kind: CrashKind, message: &str) {
    let mut crash = Crash::new(kind, message).of(id, known.name.as_deref());
    crash.spawn_site = known.spawn_site;
    crash.report();
}

/// Tells of a panic that came out of a task's cell and is not its result.
#[cold]
pub(crate) fn report_drop(tag: &Tag, site: Site, payload: PanicPayload) {
    let panic = Panic::new(payload);
    let message = match site {
        Site::FutureDrop => format!("{panic} (in the drop of a task's future)"),
        Site::OutputDrop => format!("{panic} (in the drop of a task's value)"),
        _ => format!("{panic} (in a waker)"),
    };
    let task = home::with_kernel(tag.kernel, |core| match site {
        Site::FutureDrop => core.tenant_of(tag.slot),
        _ => None,
    });
    let mut crash = Crash::new(CrashKind::Panicked, &message);
    crash.task = task.flatten();
    crash.report();
    // A payload may panic when it is dropped, too.
    std::mem::forget(panic);
}

impl Core {
    fn tenant_of(self: &Rc<Self>, slot: u32) -> Option<TaskId> {
        let number = self.records.number(slot);
        (number != 0).then_some(TaskId {
            kernel: self.id,
            key: TaskKey::new(slot, number),
            number,
        })
    }
}
