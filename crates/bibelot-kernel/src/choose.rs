//! Choosing: which of the ready tasks runs next, in a world where that is asked.
//!
//! Tasks are named by their path in the tree of spawns, and a choice by the task at the front and how
//! often it was at the front of one: names that stay the same when unrelated code changes.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bibelot_sched::{Alt, Choice, Kind, Point, Site, TaskPath};

use crate::core::Core;
use crate::ready::Item;

/// The paths of the live tasks, kept only where choices are made.
#[derive(Default)]
pub(crate) struct Paths(RefCell<BTreeMap<u64, Named>>);

#[derive(Clone, Default)]
struct Named {
    steps: Vec<u32>,
    children: u32,
    choices: u64,
}

impl Paths {
    /// A task was spawned by `parent`, or by nobody.
    pub(crate) fn begin(&self, number: u64, parent: u64) {
        let mut paths = self.0.borrow_mut();
        let above = paths.entry(parent).or_default();
        let mut steps = above.steps.clone();
        steps.push(above.children);
        above.children += 1;
        paths.insert(
            number,
            Named {
                steps,
                ..Named::default()
            },
        );
    }

    /// The task is gone.
    pub(crate) fn end(&self, number: u64) {
        self.0.borrow_mut().remove(&number);
    }
}

impl Core {
    /// Which of the first `count` ready items runs next.
    pub(crate) fn choose_ready(&self, choice: &mut dyn Choice, count: usize) -> usize {
        let numbers: Vec<u64> = {
            let (ready, tasks) = (self.ready.borrow(), self.tasks.borrow());
            let Some(items) = ready.first(count) else {
                return 0;
            };
            items.map(|item| self.number_of(item, &tasks)).collect()
        };
        let (named, nth) = {
            let mut paths = self.paths.0.borrow_mut();
            let front = paths.entry(numbers[0]).or_default();
            front.choices += 1;
            let nth = front.choices;
            let named = numbers.iter().map(|number| {
                paths
                    .get(number)
                    .map(|named| named.steps.clone())
                    .unwrap_or_default()
            });
            (named.collect::<Vec<_>>(), nth)
        };
        let alternatives: Vec<Alt<'_>> = named
            .iter()
            .map(|steps| Alt::of(TaskPath::new(steps)))
            .collect();
        let site = Site::new(TaskPath::new(&named[0]), nth);
        Point::new(Kind::Ready, site, &alternatives).ask(choice)
    }

    fn number_of(&self, item: &Item, tasks: &crate::tasks::Tasks) -> u64 {
        match item.slot() {
            Some(slot) => tasks.try_at(slot).map_or(0, |entry| entry.number),
            None => self
                .main_key
                .get()
                .and_then(|key| tasks.get(key))
                .map_or(0, |e| e.number),
        }
    }
}
