//! The bag: any order, as a chooser says.
//!
//! # Invariants
//!
//! - Alternatives are in the order of arrival, so that answering 0 always is [`Fifo`](crate::Fifo).

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use crate::{Alt, Choice, Kind, Point, Scheduler, Site, TaskPath, Wake};

/// Runs whichever item its chooser takes. There is no bound on bypasses: the chooser may let an item
/// wait as long as there are others.
///
/// Each pop among two or more items is a point of kind [`Ready`](Kind::Ready), its alternatives in the
/// order of arrival. Its site is that of the item which arrived first.
pub struct Bag<T, C, D = fn(&T) -> Ready<'_>> {
    items: VecDeque<T>,
    choice: C,
    describe: D,
    room: Vec<Alt<'static>>,
}

/// What a [`Bag`] tells its chooser about an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready<'a> {
    /// How many operations the item's task has begun; with the task's path it makes the site.
    pub nth: u64,
    /// Whose turn it would be, and what would be done.
    pub alt: Alt<'a>,
}

impl<T, C: Choice> Bag<T, C> {
    /// An empty bag whose items are nothing to the chooser but their number.
    #[must_use]
    pub const fn new(choice: C) -> Self {
        Self::described(choice, unknown)
    }
}

impl<T, C: Choice, D: Fn(&T) -> Ready<'_>> Bag<T, C, D> {
    /// An empty bag that describes its items to the chooser.
    #[must_use]
    pub const fn described(choice: C, describe: D) -> Self {
        Self {
            items: VecDeque::new(),
            choice,
            describe,
            room: Vec::new(),
        }
    }

    /// The chooser.
    #[must_use]
    pub const fn choice(&self) -> &C {
        &self.choice
    }

    /// The chooser; the items that are left are dropped.
    #[must_use]
    pub fn into_choice(self) -> C {
        self.choice
    }

    fn choose(&mut self) -> usize {
        let Some(first) = self.items.front() else {
            return 0;
        };
        let Ready { nth, alt } = (self.describe)(first);
        let mut alternatives: Vec<Alt<'_>> = core::mem::take(&mut self.room);
        alternatives.extend(self.items.iter().map(|item| (self.describe)(item).alt));
        let point = Point::new(Kind::Ready, Site::new(alt.task, nth), &alternatives);
        let answer = point.ask(&mut self.choice);
        // An empty vector collected into one of the same layout keeps its room.
        alternatives.clear();
        self.room = alternatives
            .into_iter()
            .map(|_| Alt::of(TaskPath::ROOT))
            .collect();
        answer
    }
}

fn unknown<T>(_item: &T) -> Ready<'_> {
    Ready {
        nth: 0,
        alt: Alt::of(TaskPath::ROOT),
    }
}

impl<T, C: Choice, D: Fn(&T) -> Ready<'_>> Scheduler<T> for Bag<T, C, D> {
    fn push(&mut self, item: T, _why: Wake) {
        self.items.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        if self.items.len() < 2 {
            return self.items.pop_front();
        }
        let answer = self.choose();
        self.items.remove(answer)
    }

    fn len(&self) -> usize {
        self.items.len()
    }
}

impl<T, C: fmt::Debug, D> fmt::Debug for Bag<T, C, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bag")
            .field("len", &self.items.len())
            .field("choice", &self.choice)
            .finish_non_exhaustive()
    }
}
