//! Priority with ageing: the urgent first, and nobody starves.
//!
//! Pushes are counted. An item of priority `p` is treated as if it had arrived `p × patience` pushes
//! later than it did, and then it is first come, first served. While an item waits, newcomers arrive
//! ever later, so its turn comes: ageing without ever touching what waits.
//!
//! An item that yields goes behind everything that is ready, the less urgent too: that is what
//! yielding means.
//!
//! # Invariants
//!
//! - An item of priority `p` is bypassed fewer than `p × patience` times; one that yielded, fewer than
//!   `q × patience` times, where `q` is the number of the least urgent priority in use. See
//!   [`Priority::bypass_max`].

use alloc::collections::BinaryHeap;
use core::cmp::Ordering;
use core::fmt;

use crate::{Scheduler, Wake};

/// Runs urgent items first, with ageing, so that none starves.
///
/// The priority of an item is a number, 0 for the most urgent, asked once when it is pushed.
///
/// ```
/// use bibelot_sched::{Priority, Scheduler, Wake};
///
/// let mut ready = Priority::new(2, |item: &(u8, &str)| item.0);
/// ready.push((1, "sweep the floor"), Wake::Spawned);
/// for name in ["ring 1", "ring 2", "ring 3"] {
///     ready.push((0, name), Wake::Woken);
/// }
/// let order: Vec<_> = std::iter::from_fn(|| ready.pop()).map(|item| item.1).collect();
/// assert_eq!(order, ["ring 1", "sweep the floor", "ring 2", "ring 3"]);
/// ```
pub struct Priority<T, P> {
    heap: BinaryHeap<Waiting<T>>,
    priority_of: P,
    patience: u32,
    pushes: u64,
    latest: u64,
}

struct Waiting<T> {
    turn: u64,
    arrival: u64,
    item: T,
}

impl<T, P: Fn(&T) -> u8> Priority<T, P> {
    /// An empty scheduler. One step of priority is worth an arrival `patience` pushes earlier; with a
    /// patience of 0 there is only the order of arrival.
    #[must_use]
    pub const fn new(patience: u32, priority_of: P) -> Self {
        Self {
            heap: BinaryHeap::new(),
            priority_of,
            patience,
            pushes: 0,
            latest: 0,
        }
    }
}

impl<T, P> Priority<T, P> {
    /// How often an item can be bypassed at most by items pushed after it, if `lowest` is the number of
    /// the least urgent priority in use.
    #[must_use]
    pub const fn bypass_max(&self, lowest: u8) -> usize {
        (lowest as usize * self.patience as usize).saturating_sub(1)
    }
}

impl<T, P: Fn(&T) -> u8> Scheduler<T> for Priority<T, P> {
    fn push(&mut self, item: T, why: Wake) {
        let priority = (self.priority_of)(&item);
        let arrival = self.pushes;
        self.pushes += 1;
        let mut turn = arrival + u64::from(priority) * u64::from(self.patience);
        if why == Wake::Yielded {
            turn = turn.max(self.latest);
        }
        self.latest = self.latest.max(turn);
        self.heap.push(Waiting {
            turn,
            arrival,
            item,
        });
    }

    fn pop(&mut self) -> Option<T> {
        let next = self.heap.pop()?;
        if self.heap.is_empty() {
            self.latest = 0;
        }
        Some(next.item)
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}

impl<T, P> fmt::Debug for Priority<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Priority")
            .field("len", &self.heap.len())
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// The greatest is the next to run: of the earliest turn, the first that arrived.
impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, two) = ((self.turn, self.arrival), (other.turn, other.arrival));
        two.cmp(&one)
    }
}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Waiting<T> {}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::iter;

    use super::*;

    fn order<P: Fn(&u8) -> u8>(ready: &mut Priority<u8, P>) -> Vec<u8> {
        iter::from_fn(|| ready.pop()).collect()
    }

    #[test]
    fn the_urgent_run_first_and_equals_in_the_order_of_arrival() {
        let mut ready = Priority::new(100, |item: &u8| item / 10);
        for item in [20, 10, 0, 21, 11, 1] {
            ready.push(item, Wake::Woken);
        }
        assert_eq!(order(&mut ready), [0, 1, 10, 11, 20, 21]);
    }

    #[test]
    fn an_item_is_bypassed_as_often_as_its_bound_says_and_no_more() {
        let mut ready = Priority::new(5, |item: &u8| *item);
        ready.push(3, Wake::Spawned);
        let mut bypassed = 0;
        loop {
            ready.push(0, Wake::Woken);
            if ready.pop() == Some(3) {
                break;
            }
            bypassed += 1;
        }
        assert_eq!(bypassed, ready.bypass_max(3));
    }

    #[test]
    fn an_urgent_item_that_yields_lets_the_less_urgent_run() {
        let mut ready = Priority::new(1_000, |item: &u8| *item);
        ready.push(9, Wake::Spawned);
        ready.push(0, Wake::Yielded);
        ready.push(1, Wake::Woken);
        assert_eq!(order(&mut ready), [1, 9, 0]);
    }

    #[test]
    fn an_item_that_yields_waits_only_for_what_is_ready() {
        let mut ready = Priority::new(1_000, |item: &u8| *item);
        ready.push(9, Wake::Spawned);
        assert_eq!(ready.pop(), Some(9));
        ready.push(0, Wake::Yielded);
        ready.push(1, Wake::Woken);
        assert_eq!(order(&mut ready), [0, 1]);
    }
}
