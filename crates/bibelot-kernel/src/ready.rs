//! The ready queue: what will be polled next.
//!
//! The usual queue is first in, first out. A scheduler given to the builder takes its place, and a
//! chooser, in a simulated world, picks any one that is ready.

use std::fmt;

use bibelot_sched::{Scheduler, Wake};
use bibelot_task::Runnable;

use crate::ring::Ring;
use crate::tag::Tag;

/// A queue with room for so many items keeps it.
const KEPT: usize = 4096;

/// Something that can be polled.
#[derive(Default)]
pub(crate) enum Item {
    /// The future that `block_on` was given.
    #[default]
    Main,
    /// A task.
    Task(Runnable<Tag>),
}

/// A task that is ready to be polled, as a scheduler sees it.
pub struct ReadyTask(Item);

impl ReadyTask {
    /// The task's slot in its kernel's table; `None` for the main future.
    #[must_use]
    pub fn slot(&self) -> Option<u32> {
        self.0.slot()
    }
}

impl fmt::Debug for ReadyTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadyTask").field(&self.slot()).finish()
    }
}

impl Item {
    pub(crate) fn slot(&self) -> Option<u32> {
        match self {
            Self::Main => None,
            Self::Task(runnable) => Some(runnable.schedule().slot),
        }
    }
}

/// What will be polled next.
pub(crate) enum Ready {
    Fifo(Ring<Item>),
    Custom(Box<dyn Scheduler<ReadyTask>>),
}

impl Ready {
    #[inline(always)]
    pub(crate) fn push(&mut self, item: Item, why: Wake) {
        match self {
            Self::Fifo(queue) => queue.push(item),
            Self::Custom(scheduler) => scheduler.push(ReadyTask(item), why),
        }
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Item> {
        match self {
            Self::Fifo(queue) => queue.pop(),
            Self::Custom(scheduler) => scheduler.pop().map(|task| task.0),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Fifo(queue) => queue.len(),
            Self::Custom(scheduler) => scheduler.len(),
        }
    }

    /// Gives memory back that a crowd needed which has gone.
    #[inline]
    pub(crate) fn trim(&mut self) {
        if let Self::Fifo(queue) = self
            && queue.room() > KEPT
            && queue.len() < queue.room() / 8
        {
            queue.set_room((queue.len() * 2).max(KEPT).next_power_of_two());
        }
    }

    /// What the first `count` items are, for a chooser; `None` for what cannot be picked from.
    pub(crate) fn first(&self, count: usize) -> Option<impl Iterator<Item = &Item>> {
        match self {
            Self::Fifo(queue) => Some(queue.iter().take(count)),
            Self::Custom(_) => None,
        }
    }

    /// Takes the item at `index`, counted from the front.
    pub(crate) fn pick(&mut self, index: usize) -> Option<Item> {
        match self {
            Self::Fifo(queue) => queue.remove(index),
            Self::Custom(scheduler) => scheduler.pop().map(|task| task.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(ready: &Ready) -> usize {
        match ready {
            Ready::Fifo(queue) => queue.room(),
            Ready::Custom(_) => unreachable!("it is the usual queue"),
        }
    }

    #[test]
    fn what_a_crowd_needed_is_given_back_when_it_has_gone() {
        let mut ready = Ready::Fifo(Ring::new());
        for _ in 0..100_000 {
            ready.push(Item::Main, Wake::Woken);
        }
        let most = room(&ready);
        ready.trim();
        assert_eq!(room(&ready), most, "the crowd is there");
        while ready.len() > 10 {
            let _ = ready.pop();
        }
        ready.trim();
        assert_eq!((room(&ready) <= KEPT, ready.len()), (true, 10));
    }
}
