//! The table of tasks: what the kernel knows of each, by slot and generation.
//!
//! An entry lives until its task has ended and nobody holds a handle to it. It is small; what a monitor
//! may read lies in the records, and what few tasks need (a request, told stamps, traps with wakers of
//! their own, more than one joiner) in a box that the others do not pay for.
//!
//! # Invariants
//!
//! - A key names one task: a slot's next tenant has another generation.
//! - `task` is `None` for the main future, and for a task of which nothing is left.
//! - Nothing of a user's (waker, future, value) is dropped while the table is borrowed: it is moved out
//!   and handed to the caller.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::rc::Rc;
use std::task::Waker;

use bibelot_task::TaskRef;
use slab::Slab;

use crate::cancel::{Asked, Cancelled, Told};
use crate::foreign::Foreign;
use crate::panic::Panic;
use crate::tag::Tag;
use crate::task::TaskId;
use crate::task_error::TaskError;
use crate::task_local::Locals;
use crate::traceback::Trace;

/// Names a task to its kernel: slot and generation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskKey {
    pub slot: u32,
    pub generation: u32,
}

impl fmt::Debug for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

/// Hears that a task has ended; called outside all borrows, once.
pub(crate) type EndListener = Rc<dyn Fn(TaskId)>;

/// The ticket of the joiner whose waker lies in the task's own cell.
pub(crate) const IN_CELL: u32 = u32::MAX;

/// What the kernel knows of one task.
pub(crate) struct Entry {
    pub generation: u32,
    /// A handle to the task lives.
    pub held: bool,
    /// The joiner's place in the cell is taken.
    cell_joined: bool,
    pub end: Option<Ending>,
    /// What was done about its end: the marks below.
    marks: Cell<u8>,
    /// The number it is shown by; grows over all kernels.
    pub number: u64,
    pub task: Option<TaskRef<Tag>>,
    extra: Option<Box<Extra>>,
}

/// Somebody was given what it came to.
pub(crate) const TAKEN: u8 = 1;
/// Somebody waited for its end.
pub(crate) const AWAITED: u8 = 2;
/// It was let go of on purpose.
pub(crate) const DETACHED: u8 = 4;

/// The crash hook was told of its end.
pub(crate) const REPORTED: u8 = 8;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Returned,
    Panicked,
    Aborted,
    /// Dropped because it heard nothing of a request.
    Deaf,
}

/// What few tasks need.
#[derive(Default)]
pub(crate) struct Extra {
    pub asked: Asked,
    /// What the root has been told.
    told: Told,
    /// Traps that were polled with a waker that is not the task's own.
    pub foreign: Slab<Foreign>,
    /// Where it parked in a poll, if it did so more than once.
    pub trace: Trace,
    /// The request that a deaf task was dropped for.
    pub deaf: Option<Cancelled>,
    /// What it panicked with, until that is taken.
    pub panic: Option<Panic>,
    /// Its value, for all who ask for a copy.
    pub shared: Option<Rc<dyn Any>>,
    pub on_end: Option<EndListener>,
    pub locals: Locals,
    /// In the order in which they came.
    joiners: BTreeMap<u32, Waker>,
    last_ticket: u32,
}

impl Entry {
    pub(crate) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    #[inline]
    pub(crate) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    #[inline]
    pub(crate) fn mark(&self, mark: u8) {
        self.marks.set(self.marks.get() | mark);
    }

    /// Whether one of these marks was made.
    #[inline]
    pub(crate) fn has_mark(&self, marks: u8) -> bool {
        self.marks.get() & marks != 0
    }

    /// Why a task that has ended has no value, where it has none.
    pub(crate) fn error(&self) -> Option<TaskError> {
        let extra = self.extra();
        Some(match self.end? {
            Ending::Returned => return None,
            Ending::Panicked => match extra.and_then(|extra| extra.panic.as_ref()) {
                Some(panic) => TaskError::Panicked(panic.clone()),
                None => TaskError::Taken,
            },
            Ending::Deaf => match extra.and_then(|extra| extra.deaf.as_ref()) {
                Some(told) => TaskError::Cancelled(told.copy()),
                None => TaskError::Taken,
            },
            Ending::Aborted => TaskError::Aborted,
        })
    }

    pub(crate) fn existing_extra_mut(&mut self) -> Option<&mut Extra> {
        self.extra.as_deref_mut()
    }

    /// Whether a request was made that belongs to the task itself.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.extra().is_some_and(|extra| extra.asked.is_any())
    }

    /// What polls have told the root.
    #[inline]
    pub(crate) fn told(&self) -> Option<Told> {
        let told = self.extra()?.told;
        (told != Told::default()).then_some(told)
    }

    /// Keeps what the poll just done told the root.
    pub(crate) fn keep_told(&mut self, told: Told) {
        if self.extra.is_some() || told != Told::default() {
            self.extra_mut().told = told;
        }
    }

    /// Whether a joiner with this ticket leaves its waker in the task's cell, whose place it then has.
    #[inline]
    pub(crate) fn takes_cell(&mut self, ticket: Option<u32>) -> bool {
        let takes = self.task.is_some() && (!self.cell_joined || ticket == Some(IN_CELL));
        self.cell_joined |= takes;
        takes
    }

    /// Has `waker` woken when the task ends; `ticket` is what an earlier call gave.
    ///
    /// Returns the ticket and a waker to drop.
    pub(crate) fn add_joiner(&mut self, ticket: Option<u32>, waker: Waker) -> (u32, Option<Waker>) {
        let extra = self.extra_mut();
        if let Some(ticket) = ticket
            && let Some(old) = extra.joiners.get_mut(&ticket)
        {
            return (ticket, Some(mem::replace(old, waker)));
        }
        extra.last_ticket = (extra.last_ticket + 1) % IN_CELL;
        let old = extra.joiners.insert(extra.last_ticket, waker);
        (extra.last_ticket, old)
    }

    pub(crate) fn remove_joiner(&mut self, ticket: u32) -> Option<Waker> {
        if ticket == IN_CELL {
            self.cell_joined = false;
            return self.task.as_ref()?.take_joiner();
        }
        self.extra.as_mut()?.joiners.remove(&ticket)
    }

    /// Takes the joiners that are not in the cell.
    pub(crate) fn take_joiners(&mut self) -> BTreeMap<u32, Waker> {
        self.extra
            .as_mut()
            .map(|extra| mem::take(&mut extra.joiners))
            .unwrap_or_default()
    }
}

/// All tasks of one kernel.
#[derive(Default)]
pub(crate) struct Tasks {
    entries: Slab<Entry>,
    generation: u32,
    live: usize,
}

impl Tasks {
    /// The key that the next [`insert`](Self::insert) will use.
    #[inline]
    pub(crate) fn next_key(&mut self) -> TaskKey {
        self.generation = self.generation.wrapping_add(1);
        let slot = u32::try_from(self.entries.vacant_key()).expect("fewer than 2^32 tasks");
        TaskKey {
            slot,
            generation: self.generation,
        }
    }

    /// Puts in the task for which [`next_key`](Self::next_key) gave the key.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        key: TaskKey,
        number: u64,
        task: Option<TaskRef<Tag>>,
    ) -> &mut Entry {
        self.live += 1;
        let slot = self.entries.insert(Entry {
            generation: key.generation,
            held: true,
            cell_joined: false,
            end: None,
            marks: Cell::new(0),
            number,
            task,
            extra: None,
        });
        debug_assert_eq!(slot, key.slot as usize);
        &mut self.entries[slot]
    }

    #[inline]
    pub(crate) fn get(&self, key: TaskKey) -> Option<&Entry> {
        self.entries
            .get(key.slot as usize)
            .filter(|entry| entry.generation == key.generation)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: TaskKey) -> Option<&mut Entry> {
        self.entries
            .get_mut(key.slot as usize)
            .filter(|entry| entry.generation == key.generation)
    }

    /// The entry in a slot that is known to be taken, with its generation.
    #[inline]
    pub(crate) fn at(&self, slot: u32) -> &Entry {
        &self.entries[slot as usize]
    }

    /// The entry in a slot, if it is taken.
    pub(crate) fn try_at(&self, slot: u32) -> Option<&Entry> {
        self.entries.get(slot as usize)
    }

    /// Counts a task that has ended.
    #[inline]
    pub(crate) fn note_end(&mut self) {
        self.live -= 1;
    }

    /// Takes the entry out of a slot that is known to be taken; the caller drops it outside the borrow.
    #[inline]
    pub(crate) fn remove_at(&mut self, slot: u32) -> Entry {
        self.entries.remove(slot as usize)
    }

    /// Takes an entry out; the caller drops it outside the borrow.
    #[inline]
    pub(crate) fn remove(&mut self, key: TaskKey) -> Option<Entry> {
        self.get(key)?;
        let entry = self.entries.remove(key.slot as usize);
        self.live -= usize::from(entry.end.is_none());
        Some(entry)
    }

    /// The keys of all entries.
    pub(crate) fn keys(&self) -> Vec<TaskKey> {
        let entries = self.entries.iter();
        entries
            .map(|(slot, entry)| TaskKey {
                slot: slot as u32,
                generation: entry.generation,
            })
            .collect()
    }

    /// How many tasks have not ended.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// The keys of the tasks that have not ended, newest first.
    pub(crate) fn newest_first(&self) -> Vec<TaskKey> {
        let live = self.entries.iter().filter(|(_, entry)| entry.end.is_none());
        let mut found: Vec<(u64, TaskKey)> = live
            .map(|(slot, entry)| {
                let key = TaskKey {
                    slot: slot as u32,
                    generation: entry.generation,
                };
                (entry.number, key)
            })
            .collect();
        found.sort_unstable_by_key(|&(number, _)| std::cmp::Reverse(number));
        found.into_iter().map(|(_, key)| key).collect()
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_four_words() {
        assert_eq!(size_of::<Entry>(), 32);
    }
}
