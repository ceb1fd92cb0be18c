//! Choosing: which of the ready tasks runs next, in a world where that is asked.
//!
//! Tasks are named by their path in the tree of spawns, and a choice by the task at the front and how
//! often it was at the front of one: names that stay the same when unrelated code changes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bibelot_sched::{Alt, Choice, Kind, Point, Site, TaskPath};

use crate::core::Core;
use crate::ready::Item;

/// The paths of the live tasks, kept only where choices are made.
#[derive(Default)]
pub(crate) struct Paths(RefCell<BTreeMap<u64, Named>>);

#[derive(Clone, Default)]
struct Named {
    steps: Rc<[u32]>,
    children: u32,
    choices: u64,
}

impl Paths {
    /// A task was spawned by `parent`, or by nobody (0).
    pub(crate) fn begin(&self, number: u64, parent: u64) {
        let mut paths = self.0.borrow_mut();
        // A parent that is gone left its children to the root.
        let parent = if paths.contains_key(&parent) {
            parent
        } else {
            0
        };
        let above = paths.entry(parent).or_default();
        let steps = above
            .steps
            .iter()
            .copied()
            .chain([above.children])
            .collect();
        above.children += 1;
        let named = Named {
            steps,
            ..Named::default()
        };
        paths.insert(number, named);
    }

    /// The task is gone.
    pub(crate) fn end(&self, number: u64) {
        self.0.borrow_mut().remove(&number);
    }
}

impl Core {
    /// Which of the first `count` ready items runs next.
    pub(crate) fn choose_ready(&self, choice: &mut dyn Choice, count: usize) -> usize {
        let (named, nth) = {
            let ready = self.ready.borrow();
            let Some(items) = ready.first(count) else {
                return 0;
            };
            let mut paths = self.paths.0.borrow_mut();
            let named: Vec<(u64, Rc<[u32]>)> = items
                .map(|item| {
                    let number = self.number_of(item);
                    let steps = paths.get(&number).map(|named| named.steps.clone());
                    (number, steps.unwrap_or_default())
                })
                .collect();
            let nth = paths.get_mut(&named[0].0).map_or(0, |front| {
                front.choices += 1;
                front.choices
            });
            (named, nth)
        };
        let alternatives: Vec<Alt<'_>> = named
            .iter()
            .map(|(_, steps)| Alt::of(TaskPath::new(steps)))
            .collect();
        let site = Site::new(alternatives[0].task, nth);
        Point::new(Kind::Ready, site, &alternatives).ask(choice)
    }

    /// The number of what is ready; 0 if it is gone.
    fn number_of(&self, item: &Item) -> u64 {
        let slot = item
            .slot()
            .or_else(|| self.main_key.get().map(|key| key.slot));
        slot.map_or(0, |slot| self.records.number(slot))
    }
}
