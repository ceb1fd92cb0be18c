//! The order by rank: the smallest first, and of equal ones the one that came first.
//!
//! A heap compares its items while the queue's state is borrowed or locked, where no code of users runs.
//! So it does not compare the items but ranks that are put beside them, and a [`Rank`] is a type of the
//! standard library, whose comparison calls nobody.
//!
//! # Invariants
//!
//! - Of equal ranks, numbers tell which came first: they grow for those that are put, and run downwards
//!   for those that are given back, which so get before all others of their rank.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt;
use std::mem;
use std::time::{Duration, Instant, SystemTime};

use super::store::Store;
use super::store::sealed::Sealed;

/// By rank, smallest first: the order of a priority queue, whose items are put as `(rank, item)`.
///
/// Items of the same rank come out in the order in which they were put. Wrap the rank into
/// [`Reverse`] to have the greatest first, and use a tuple to order by one thing and then another.
pub struct Priority<K, T> {
    heap: BinaryHeap<Entry<K, T>>,
    /// The number of the next item that is put.
    next: i64,
    /// The number of the item that was given back last.
    front: i64,
}

/// What items are ordered by: numbers, times and texts of the standard library, and tuples, arrays,
/// options and [`Reverse`] of them.
///
/// It is sealed, since ranks are compared while the queue is borrowed or locked, where no code of users
/// may run. Turn what your own `Ord` compares into a rank when you put the item.
pub trait Rank: Ord + ranked::Ranked {}

impl<K: Ord + ranked::Ranked> Rank for K {}

struct Entry<K, T> {
    rank: K,
    number: i64,
    item: T,
}

impl<K: Rank, T> Priority<K, T> {
    fn insert(&mut self, number: i64, (rank, item): (K, T)) {
        self.heap.push(Entry { rank, number, item });
    }
}

impl<K: Rank, T> Store for Priority<K, T> {
    type Item = (K, T);

    fn count(&self) -> usize {
        self.heap.len()
    }

    fn push(&mut self, item: (K, T)) {
        self.next += 1;
        self.insert(self.next, item);
    }

    fn pop(&mut self) -> Option<(K, T)> {
        let entry = self.heap.pop()?;
        Some((entry.rank, entry.item))
    }

    fn unpop(&mut self, item: (K, T)) {
        self.front -= 1;
        self.insert(self.front, item);
    }

    /// Looks at all of them, since a heap knows only its first.
    fn shed(&mut self) -> Option<(K, T)> {
        let mut entries = mem::take(&mut self.heap).into_vec();
        let last = (0..entries.len()).min_by(|a, b| entries[*a].cmp(&entries[*b]));
        let shed = last.map(|at| entries.swap_remove(at));
        self.heap = BinaryHeap::from(entries);
        shed.map(|entry| (entry.rank, entry.item))
    }
}

/// Greater is what comes out earlier, as the heap has it.
impl<K: Rank, T> Ord for Entry<K, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let earlier = other.rank.cmp(&self.rank);
        earlier.then(other.number.cmp(&self.number))
    }
}

impl<K: Rank, T> PartialOrd for Entry<K, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Rank, T> PartialEq for Entry<K, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K: Rank, T> Eq for Entry<K, T> {}

impl<K: Rank, T> Default for Priority<K, T> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            next: 0,
            front: 0,
        }
    }
}

impl<K, T> Sealed for Priority<K, T> {}

impl<K, T> fmt::Debug for Priority<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Priority({})", self.heap.len())
    }
}

mod ranked {
    use super::{Duration, Instant, Reverse, SystemTime};

    pub trait Ranked {}

    macro_rules! ranked {
        ($($rank:ty),*) => { $(impl Ranked for $rank {})* };
    }

    ranked!(
        u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize
    );
    ranked!(
        (),
        bool,
        char,
        String,
        &'static str,
        Duration,
        Instant,
        SystemTime
    );

    impl<K: Ranked> Ranked for Reverse<K> {}
    impl<K: Ranked> Ranked for Option<K> {}
    impl<K: Ranked, const N: usize> Ranked for [K; N] {}
    impl<A: Ranked, B: Ranked> Ranked for (A, B) {}
    impl<A: Ranked, B: Ranked, C: Ranked> Ranked for (A, B, C) {}
    impl<A: Ranked, B: Ranked, C: Ranked, D: Ranked> Ranked for (A, B, C, D) {}
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_comes_out_is_the_smallest_and_oldest(steps in prop::collection::vec(any::<(u8, u8)>(), 0..200)) {
            let mut store = Priority::<u8, usize>::default();
            // In the order in which equal ranks come out.
            let mut list: Vec<(u8, usize)> = Vec::new();
            let mut taken = None;
            for (number, (what, rank)) in steps.into_iter().enumerate() {
                match what % 8 {
                    0..4 => {
                        store.push((rank % 4, number));
                        list.push((rank % 4, number));
                    }
                    4..6 => {
                        let first = (0..list.len()).min_by_key(|at| list[*at].0);
                        taken = first.map(|at| list.remove(at));
                        prop_assert_eq!(store.pop(), taken);
                    }
                    6 => {
                        if let Some(item) = taken.take() {
                            store.unpop(item);
                            list.insert(0, item);
                        }
                    }
                    _ => {
                        let last = (0..list.len()).max_by_key(|at| list[*at].0);
                        let shed = last.map(|at| list.remove(at));
                        prop_assert_eq!(store.shed(), shed);
                    }
                }
                prop_assert_eq!(store.count(), list.len());
            }
        }
    }
}
