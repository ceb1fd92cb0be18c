//! The entry: what the kernel knows of one task, in two words.
//!
//! What a monitor may read lies in the records, and what few tasks need (a request, told stamps, traps with
//! wakers of their own, more than one joiner) in a box that the others do not pay for.
//!
//! # Invariants
//!
//! - The task is `None` for the main future, and for a task of which nothing is left.
//! - Nothing of a user's (waker, future, value) is dropped while the table is borrowed: it is moved out
//!   and handed to the caller.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::mem;
use std::num::NonZeroU32;
use std::ops::{Deref, DerefMut};
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

/// Hears that a task has ended; called outside all borrows, once.
pub(crate) type EndListener = Rc<dyn Fn(TaskId)>;

/// Names a joiner among those of a task.
pub(crate) type Ticket = NonZeroU32;

/// The ticket of the joiner whose waker lies in the task's own cell.
pub(crate) const IN_CELL: Ticket = Ticket::MAX;

/// What the kernel knows of one task, or a free place in the table.
pub(crate) struct Entry(Kind);

enum Kind {
    /// Nobody has the slot; the next that is free.
    Vacant(u32),
    Plain(Head, Option<TaskRef<Tag>>),
    Rich(Head, Box<Extra>),
}

/// What there is of each task; as bytes, so that it fits beside the word of its kind.
#[derive(Clone)]
pub(crate) struct Head {
    generation: [u8; 4],
    /// A handle to the task lives.
    pub held: bool,
    pub end: Option<Ending>,
    /// What was done about its end: the marks below.
    marks: Cell<u8>,
}

/// Somebody was given what it came to.
pub(crate) const TAKEN: u8 = 1;
/// Somebody waited for its end.
pub(crate) const AWAITED: u8 = 2;
/// It was let go of on purpose.
pub(crate) const DETACHED: u8 = 4;
/// The crash hook was told of its end.
pub(crate) const REPORTED: u8 = 8;
/// The joiner's place in the cell is taken.
const CELL_JOINED: u8 = 128;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Returned,
    Panicked,
    Aborted,
    /// Dropped because it heard nothing of a request.
    Deaf,
}

/// What was found of a task that is awaited by value.
pub(crate) enum Returned {
    /// It has not ended.
    NotYet,
    /// It returned, and nothing is left of it but its cell.
    Cell(TaskRef<Tag>),
    /// There is more to it, or it is gone.
    Other,
}

/// What few tasks need.
#[derive(Default)]
pub(crate) struct Extra {
    task: Option<TaskRef<Tag>>,
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
    joiners: BTreeMap<Ticket, Waker>,
    last_ticket: u32,
}

impl Entry {
    /// The entry of a task that begins; a main future has no cell.
    #[inline]
    pub(crate) fn new(generation: u32, task: Option<TaskRef<Tag>>) -> Self {
        let head = Head {
            generation: generation.to_ne_bytes(),
            held: true,
            end: None,
            marks: Cell::new(0),
        };
        Self(Kind::Plain(head, task))
    }

    /// A free place, and the next one.
    #[inline]
    pub(crate) fn vacant(next: u32) -> Self {
        Self(Kind::Vacant(next))
    }

    /// The next free place, if this is one.
    #[inline]
    pub(crate) fn next_vacant(&self) -> Option<u32> {
        match self.0 {
            Kind::Vacant(next) => Some(next),
            _ => None,
        }
    }

    /// Makes this free place that of a task that begins; the next free place. Written word by word where it is:
    /// an entry that is built elsewhere and moved here stalls the processor.
    #[inline]
    pub(crate) fn fill(&mut self, generation: u32, task: Option<TaskRef<Tag>>) -> u32 {
        let Kind::Vacant(next) = self.0 else {
            unreachable!("what is linked as free is free")
        };
        *self = Self::new(generation, task);
        next
    }

    /// Notes that the task of this generation returned, if it is held and has nothing else to it; whether so.
    #[inline]
    pub(crate) fn end_plain(&mut self, generation: u32) -> bool {
        let Kind::Plain(head, _) = &mut self.0 else {
            return false;
        };
        let is_it = head.generation == generation.to_ne_bytes() && head.held && head.end.is_none();
        if is_it {
            head.end = Some(Ending::Returned);
        }
        is_it
    }

    /// Makes this a free place if a task of this generation has returned and there is nothing else of it.
    #[inline]
    pub(crate) fn take_returned(&mut self, generation: u32, next: u32) -> Returned {
        let Kind::Plain(head, task) = &self.0 else {
            return Returned::Other;
        };
        if head.generation != generation.to_ne_bytes() || task.is_none() {
            return Returned::Other;
        }
        match head.end {
            None => return Returned::NotYet,
            Some(Ending::Returned) => {}
            Some(_) => return Returned::Other,
        }
        match mem::replace(self, Self::vacant(next)).0 {
            Kind::Plain(_, Some(task)) => Returned::Cell(task),
            _ => Returned::Other,
        }
    }

    /// The generation of the task that is here.
    #[inline]
    pub(crate) fn generation(&self) -> Option<u32> {
        match &self.0 {
            Kind::Plain(head, _) | Kind::Rich(head, _) => Some(u32::from_ne_bytes(head.generation)),
            Kind::Vacant(_) => None,
        }
    }

    /// The task, unless it is a main future, or nothing is left of it.
    #[inline]
    pub(crate) fn task(&self) -> Option<&TaskRef<Tag>> {
        match &self.0 {
            Kind::Plain(_, task) => task.as_ref(),
            Kind::Rich(_, extra) => extra.task.as_ref(),
            Kind::Vacant(_) => None,
        }
    }

    /// Takes the task out.
    pub(crate) fn take_task(&mut self) -> Option<TaskRef<Tag>> {
        match &mut self.0 {
            Kind::Plain(_, task) => task.take(),
            Kind::Rich(_, extra) => extra.task.take(),
            Kind::Vacant(_) => None,
        }
    }

    pub(crate) fn extra_mut(&mut self) -> &mut Extra {
        if let Kind::Plain(head, task) = &mut self.0 {
            let extra = Extra {
                task: task.take(),
                ..Extra::default()
            };
            self.0 = Kind::Rich(head.clone(), Box::new(extra));
        }
        match &mut self.0 {
            Kind::Rich(_, extra) => extra,
            _ => unreachable!("a free place has no task"),
        }
    }

    #[inline]
    pub(crate) fn extra(&self) -> Option<&Extra> {
        match &self.0 {
            Kind::Rich(_, extra) => Some(extra),
            _ => None,
        }
    }

    pub(crate) fn existing_extra_mut(&mut self) -> Option<&mut Extra> {
        match &mut self.0 {
            Kind::Rich(_, extra) => Some(extra),
            _ => None,
        }
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
        if self.extra().is_some() || told != Told::default() {
            self.extra_mut().told = told;
        }
    }

    /// Whether a joiner with this ticket leaves its waker in the task's cell, whose place it then has.
    #[inline]
    pub(crate) fn takes_cell(&mut self, ticket: Option<Ticket>) -> bool {
        // One that has a place among the others stays there: it would leave its waker behind.
        let is_free = match ticket {
            None => !self.has_mark(CELL_JOINED),
            Some(ticket) => ticket == IN_CELL,
        };
        let takes = is_free && self.task().is_some();
        if takes {
            self.mark(CELL_JOINED);
        }
        takes
    }

    /// Has `waker` woken when the task ends; `ticket` is what an earlier call gave.
    ///
    /// Returns the ticket and a waker to drop.
    pub(crate) fn add_joiner(
        &mut self,
        ticket: Option<Ticket>,
        waker: Waker,
    ) -> (Ticket, Option<Waker>) {
        let extra = self.extra_mut();
        if let Some(ticket) = ticket
            && let Some(old) = extra.joiners.get_mut(&ticket)
        {
            return (ticket, Some(mem::replace(old, waker)));
        }
        extra.last_ticket = (extra.last_ticket + 1) % (IN_CELL.get() - 1);
        let ticket = Ticket::MIN.saturating_add(extra.last_ticket);
        let old = extra.joiners.insert(ticket, waker);
        (ticket, old)
    }

    pub(crate) fn remove_joiner(&mut self, ticket: Ticket) -> Option<Waker> {
        if ticket == IN_CELL {
            self.marks.set(self.marks.get() & !CELL_JOINED);
            return self.task()?.take_joiner();
        }
        self.existing_extra_mut()?.joiners.remove(&ticket)
    }

    /// Takes the joiners that are not in the cell.
    pub(crate) fn take_joiners(&mut self) -> BTreeMap<Ticket, Waker> {
        self.existing_extra_mut()
            .map(|extra| mem::take(&mut extra.joiners))
            .unwrap_or_default()
    }
}

impl Deref for Entry {
    type Target = Head;

    #[inline]
    fn deref(&self) -> &Head {
        match &self.0 {
            Kind::Plain(head, _) | Kind::Rich(head, _) => head,
            Kind::Vacant(_) => unreachable!("a free place has no task"),
        }
    }
}

impl DerefMut for Entry {
    #[inline]
    fn deref_mut(&mut self) -> &mut Head {
        match &mut self.0 {
            Kind::Plain(head, _) | Kind::Rich(head, _) => head,
            Kind::Vacant(_) => unreachable!("a free place has no task"),
        }
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_two_words() {
        assert_eq!(size_of::<Entry>(), 16);
    }
}
