//! The lists: the entries of one place, in the order in which they came to it.
//!
//! Lists are doubly linked through the arena by index, so an entry leaves its list without a search.
//! Each list remembers the soonest deadline in it; while deadlines come in rising order, as equal
//! timeouts do, that is the head's and stays exact whatever is removed.
//!
//! # Invariants
//!
//! - An entry is in exactly one list, the one its `place` names, or in none if that is
//!   [`NOWHERE`].
//! - A level's bit is set in `levels` if and only if one of its slots is occupied; a slot's bit in
//!   `occupied` if and only if its list is not empty. The list of what is due counts as the one slot of
//!   a level above all others.
//! - A list without its bit in `unsorted` has its deadlines in rising order.
//! - `soonest` is never later than the soonest deadline in its list. It is that, except in an unsorted
//!   list whose soonest entry was removed while there were more than [`SCAN_MAX`].

use alloc::boxed::Box;

use crate::arena::{Arena, NIL};
use crate::place::{DUE, LEVELS, LISTS, NOWHERE, SLOTS};
use crate::{Instant, Key};

/// How many entries are looked at to find the next soonest one of an unsorted list.
const SCAN_MAX: usize = 16;

#[derive(Clone, Copy)]
struct List {
    head: u32,
    tail: u32,
    soonest: Instant,
}

const EMPTY: List = List {
    head: NIL,
    tail: NIL,
    soonest: Instant::FAR,
};

/// What was taken out of a slot: a chain of entries, to be followed by their `next`.
pub(crate) struct Chain {
    pub(crate) head: u32,
    pub(crate) sorted: bool,
}

pub(crate) struct Lists<T> {
    pub(crate) arena: Arena<T>,
    lists: Box<[List; LISTS]>,
    occupied: [u64; LEVELS + 1],
    unsorted: [u64; LEVELS + 1],
    levels: u16,
}

impl<T> Lists<T> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            arena: Arena::with_capacity(capacity),
            lists: Box::new([EMPTY; LISTS]),
            occupied: [0; LEVELS + 1],
            unsorted: [0; LEVELS + 1],
            levels: 0,
        }
    }

    /// Stores an item, at the end of the list of `place`.
    #[inline]
    pub(crate) fn insert(&mut self, place: u16, deadline: Instant, item: T) -> Key {
        let index = self.arena.next_index();
        let tail = self.link(place, index, deadline);
        self.arena.insert(deadline, item, place, tail)
    }

    /// Puts an entry at the end of the list of `place`.
    #[inline]
    pub(crate) fn append(&mut self, place: u16, index: u32) {
        let tail = self.link(place, index, self.arena[index].deadline);
        let entry = &mut self.arena[index];
        entry.place = place;
        entry.prev = tail;
        entry.next = NIL;
    }

    /// Makes an entry that is in no list the last of one, and gives the one before it.
    #[inline]
    fn link(&mut self, place: u16, index: u32, deadline: Instant) -> u32 {
        if place == NOWHERE {
            return NIL;
        }
        let (level, bit) = mark(place);
        let list = &mut self.lists[usize::from(place)];
        let tail = core::mem::replace(&mut list.tail, index);
        if tail == NIL {
            list.head = index;
            list.soonest = deadline;
            self.levels |= 1 << level;
            self.occupied[level] |= bit;
            self.unsorted[level] &= !bit;
            return NIL;
        }
        let last = &mut self.arena[tail];
        last.next = index;
        if deadline < last.deadline {
            list.soonest = list.soonest.min(deadline);
            self.unsorted[level] |= bit;
        }
        tail
    }

    /// Takes an item out, if it is there.
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let index = self.arena.find(key)?;
        self.unlink(index);
        self.arena.remove(index)
    }

    /// Takes an entry out of its list.
    #[inline]
    pub(crate) fn unlink(&mut self, index: u32) {
        let entry = &self.arena[index];
        let (deadline, prev, next, place) = (entry.deadline, entry.prev, entry.next, entry.place);
        if place == NOWHERE {
            return;
        }
        let list = &mut self.lists[usize::from(place)];
        match next {
            NIL => list.tail = prev,
            next => self.arena[next].prev = prev,
        }
        match prev {
            NIL => list.head = next,
            prev => self.arena[prev].next = next,
        }
        if list.head == NIL {
            self.vacate(place);
        } else if list.soonest == deadline && place != DUE {
            self.find_soonest(place);
        }
    }

    /// Takes out the item that became due first.
    #[inline]
    pub(crate) fn pop_due(&mut self) -> Option<(Instant, T)> {
        let list = &mut self.lists[usize::from(DUE)];
        let index = list.head;
        if index == NIL {
            return None;
        }
        let entry = &self.arena[index];
        let (deadline, next) = (entry.deadline, entry.next);
        list.head = next;
        if next == NIL {
            list.tail = NIL;
            self.vacate(DUE);
        } else {
            self.arena[next].prev = NIL;
        }
        let item = self.arena.remove(index)?;
        Some((deadline, item))
    }

    #[inline]
    fn vacate(&mut self, place: u16) {
        let (level, bit) = mark(place);
        self.occupied[level] &= !bit;
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// Sets `soonest` anew, unless that would mean to look at too many entries.
    fn find_soonest(&mut self, place: u16) {
        let (level, bit) = mark(place);
        let list = &mut self.lists[usize::from(place)];
        let first = &self.arena[list.head];
        let mut soonest = first.deadline;
        if self.unsorted[level] & bit != 0 {
            let mut next = first.next;
            for _ in 1..SCAN_MAX {
                if next == NIL {
                    break;
                }
                let entry = &self.arena[next];
                soonest = soonest.min(entry.deadline);
                next = entry.next;
            }
            if next != NIL {
                return;
            }
        }
        list.soonest = soonest;
    }

    /// Empties the list of a slot; the entries keep their links and have no place until they are
    /// appended again.
    pub(crate) fn take(&mut self, place: u16) -> Chain {
        let (level, bit) = mark(place);
        let head = core::mem::replace(&mut self.lists[usize::from(place)], EMPTY).head;
        self.vacate(place);
        Chain {
            head,
            sorted: self.unsorted[level] & bit == 0,
        }
    }

    /// The entry that became due first.
    pub(crate) fn due(&self) -> Option<u32> {
        let head = self.lists[usize::from(DUE)].head;
        (head != NIL).then_some(head)
    }

    /// The levels that hold entries, as bits.
    pub(crate) fn levels(&self) -> u16 {
        self.levels
    }

    /// The slots of a level that hold entries, as bits.
    pub(crate) fn occupied(&self, level: usize) -> u64 {
        self.occupied[level]
    }

    /// The soonest deadline among the slots, or one before it.
    pub(crate) fn soonest(&self) -> Option<Instant> {
        let levels = self.levels & !(1 << LEVELS);
        if levels == 0 {
            return None;
        }
        let level = levels.trailing_zeros() as usize;
        let slot = self.occupied[level].trailing_zeros() as usize;
        Some(self.lists[level * SLOTS + slot].soonest)
    }
}

/// A slot's level, and its bit there.
#[inline]
fn mark(place: u16) -> (usize, u64) {
    let place = usize::from(place);
    (place / SLOTS, 1 << (place % SLOTS))
}
