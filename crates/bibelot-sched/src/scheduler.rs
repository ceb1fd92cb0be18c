//! The scheduler: what decides which item runs next.
//!
//! # Invariants
//!
//! The laws that every scheduler keeps (the module `laws`, under the feature `proptest`, checks them):
//!
//! - *Conservation*: each item that was pushed is popped once.
//! - *Emptiness*: `pop` gives `None` if and only if `len` is 0.
//! - *Determinism*: the same pushes and the same choices give the same pops.
//! - *Bounded bypass*: the scheduler's documentation says how many later items may be popped before an
//!   item that waits. (Without such a bound items may starve.)

use alloc::boxed::Box;

/// Why an item is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wake {
    /// It is new.
    Spawned,
    /// What it waited for has come.
    Woken,
    /// It could go on, and lets others run first.
    Yielded,
}

/// Decides what runs next.
///
/// ```
/// use bibelot_sched::{Fifo, Scheduler, Wake};
///
/// let mut ready: Box<dyn Scheduler<&str>> = Box::new(Fifo::new());
/// ready.push("first", Wake::Spawned);
/// ready.push("second", Wake::Woken);
/// assert_eq!(ready.pop(), Some("first"));
/// assert_eq!(ready.len(), 1);
/// ```
pub trait Scheduler<T> {
    /// Adds an item that is ready to run.
    fn push(&mut self, item: T, why: Wake);

    /// Takes out the item to run next; `None` if and only if there is none.
    fn pop(&mut self) -> Option<T>;

    /// How many items are ready.
    fn len(&self) -> usize;

    /// Whether no item is ready.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T, S: Scheduler<T> + ?Sized> Scheduler<T> for &mut S {
    fn push(&mut self, item: T, why: Wake) {
        (**self).push(item, why);
    }

    fn pop(&mut self) -> Option<T> {
        (**self).pop()
    }

    fn len(&self) -> usize {
        (**self).len()
    }

    fn is_empty(&self) -> bool {
        (**self).is_empty()
    }
}

impl<T, S: Scheduler<T> + ?Sized> Scheduler<T> for Box<S> {
    fn push(&mut self, item: T, why: Wake) {
        (**self).push(item, why);
    }

    fn pop(&mut self) -> Option<T> {
        (**self).pop()
    }

    fn len(&self) -> usize {
        (**self).len()
    }

    fn is_empty(&self) -> bool {
        (**self).is_empty()
    }
}
