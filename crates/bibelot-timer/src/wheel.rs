//! The wheel: timers grouped by how soon they are due.
//!
//! A timer waits in the list of its place: the level is the highest six-bit digit in which its deadline
//! differs from the present, the slot is its digit there (see `place`). Inserting and removing touch
//! that one list, however many timers are waiting. When time moves on, everything in a lower level or
//! an earlier slot is due at once, wherever it is; only the one slot that the present enters is gone
//! through, and what is not due in it moves to a lower level. A timer moves at most ten times in its
//! life, and not at all when the wheel's owner sleeps until it.
//!
//! # Invariants
//!
//! - `elapsed` never moves back, and every timer is at its place as seen from `elapsed`.
//! - Within a list, equal deadlines are in the order in which they were inserted or reset.
//! - The due list is in the order in which [`Wheel::pop`] gives it away.

use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use crate::arena::NIL;
use crate::lists::{Chain, Lists};
use crate::place::{DUE, SLOTS, digit, level_of, place_of};
use crate::{Instant, Key};

/// Timers that each carry a `T`, sorted by when they are due.
///
/// Inserting and removing take constant time. Nothing allocates once the wheel has been as full before:
/// an item takes at most 32 bytes more than its own, and 16 more if it was sorted among others that
/// were due with it. The wheel never reads a clock: it knows the time from the instants it is given.
///
/// ```
/// use bibelot_timer::{Instant, Wheel};
///
/// let mut wheel = Wheel::new(Instant::ZERO);
/// wheel.insert(Instant::from_nanos(300), "supper");
/// let tea = wheel.insert(Instant::from_nanos(200), "tea");
/// wheel.insert(Instant::from_nanos(200), "biscuits");
///
/// assert_eq!(wheel.next_deadline(), Some(Instant::from_nanos(200)));
/// assert_eq!(wheel.pop(Instant::from_nanos(199)), None);
/// assert_eq!(wheel.remove(tea), Some("tea"));
/// let now = Instant::from_nanos(1_000);
/// assert_eq!(wheel.pop(now), Some((Instant::from_nanos(200), "biscuits")));
/// assert_eq!(wheel.pop(now), Some((Instant::from_nanos(300), "supper")));
/// assert_eq!(wheel.pop(now), None);
/// ```
pub struct Wheel<T> {
    lists: Lists<T>,
    elapsed: Instant,
    scratch: Vec<(Instant, u32, u32)>,
}

impl<T> Wheel<T> {
    /// An empty wheel at the instant `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self::with_capacity(now, 0)
    }

    /// An empty wheel at the instant `now`, with room for `capacity` items.
    #[must_use]
    pub fn with_capacity(now: Instant, capacity: usize) -> Self {
        Self {
            lists: Lists::with_capacity(capacity),
            elapsed: now,
            scratch: Vec::new(),
        }
    }

    /// Adds an item that is due at `at`.
    ///
    /// An item whose deadline has passed is due at once, after everything that is due already. One at
    /// [`Instant::FAR`] is never due; it lies in the wheel until it is removed or reset.
    ///
    /// # Panics
    ///
    /// If the wheel holds `u32::MAX` items.
    #[inline]
    pub fn insert(&mut self, at: Instant, item: T) -> Key {
        self.lists.insert(place_of(self.elapsed, at), at, item)
    }

    /// Takes an item out, due or not. `None` if it has left the wheel before.
    #[inline]
    pub fn remove(&mut self, key: Key) -> Option<T> {
        self.lists.remove(key)
    }

    /// Gives an item a new deadline, as if it were removed and inserted, but under the same key. False if
    /// it has left the wheel.
    pub fn reset(&mut self, key: Key, at: Instant) -> bool {
        let Some(index) = self.lists.arena.find(key) else {
            return false;
        };
        self.lists.unlink(index);
        self.lists.arena[index].deadline = at;
        self.lists.append(place_of(self.elapsed, at), index);
        true
    }

    /// Tells the wheel the time, and takes out the next item that is due: one whose deadline is `now` or
    /// earlier, none before it.
    ///
    /// Call this until it gives `None`. In between, items may be inserted, reset and removed; one
    /// that is removed does not come any more. Items come by deadline, those of equal deadline in the
    /// order of their insertion; those inserted meanwhile with a deadline that has passed come last.
    /// (So a loop that always inserts another such one does not end.)
    ///
    /// A `now` before one seen earlier counts as that earlier one.
    #[inline]
    pub fn pop(&mut self, now: Instant) -> Option<(Instant, T)> {
        if now > self.elapsed {
            self.advance(now);
        }
        self.lists.pop_due()
    }

    /// When [`pop`](Self::pop) should be called next; `None` if there is nothing to wait for.
    ///
    /// It is never later than the soonest deadline, and nearly always that. It may be earlier when the
    /// soonest of more than sixteen items was removed that lie near each other and were not inserted in
    /// the order of their deadlines. Then a `pop` at that time finds nothing and brings them closer: at
    /// most ten such calls come before the next item, however far it is.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.lists.due() {
            Some(index) => Some(self.lists.arena[index].deadline),
            None => self.lists.soonest(),
        }
    }

    /// When an item is due. `None` if it has left the wheel.
    #[must_use]
    #[inline]
    pub fn deadline(&self, key: Key) -> Option<Instant> {
        let index = self.lists.arena.find(key)?;
        Some(self.lists.arena[index].deadline)
    }

    /// An item. `None` if it has left the wheel.
    #[must_use]
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        let index = self.lists.arena.find(key)?;
        self.lists.arena.item(index)
    }

    /// An item, to be changed in place. `None` if it has left the wheel.
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let index = self.lists.arena.find(key)?;
        self.lists.arena.item_mut(index)
    }

    /// The latest instant that the wheel was told.
    #[must_use]
    pub fn elapsed(&self) -> Instant {
        self.elapsed
    }

    /// How many items there are, with those that are due and those that never are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.lists.arena.live()
    }

    /// Whether there are no items.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops all items. Their keys fit nothing any more; the memory is kept for later ones.
    pub fn clear(&mut self) {
        self.drain().for_each(drop);
    }

    /// Takes out all items, due or not, with their deadlines, in no order that means anything. Dropped
    /// early, the iterator leaves the rest in the wheel.
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain {
            wheel: self,
            next: 0,
        }
    }

    /// Moves the present to `now`, which is later, and what is due by then to the due list.
    #[inline(never)]
    fn advance(&mut self, now: Instant) {
        let before = core::mem::replace(&mut self.elapsed, now);
        let top = level_of(before, now);
        let mut levels = self.lists.levels() & ((1 << top) - 1);
        while levels != 0 {
            let level = levels.trailing_zeros() as usize;
            levels &= levels - 1;
            self.fire(level, self.lists.occupied(level));
        }
        let entered = digit(now, top);
        self.fire(top, self.lists.occupied(top) & ((1 << entered) - 1));
        if self.lists.occupied(top) & (1 << entered) != 0 {
            let chain = self.lists.take((top * SLOTS + entered) as u16);
            self.settle(chain);
        }
    }

    /// Moves slots of a level to the due list, the earlier ones first.
    fn fire(&mut self, level: usize, mut slots: u64) {
        while slots != 0 {
            let slot = slots.trailing_zeros() as usize;
            slots &= slots - 1;
            let chain = self.lists.take((level * SLOTS + slot) as u16);
            self.settle(chain);
        }
    }

    /// Puts the entries of a chain where they belong now, what is due by deadline.
    fn settle(&mut self, chain: Chain) {
        let mut index = chain.head;
        while index != NIL {
            let entry = &self.lists.arena[index];
            let (deadline, next) = (entry.deadline, entry.next);
            let place = place_of(self.elapsed, deadline);
            if place == DUE && !chain.sorted {
                let order = self.scratch.len() as u32;
                self.scratch.push((deadline, order, index));
            } else {
                self.lists.append(place, index);
            }
            index = next;
        }
        if !self.scratch.is_empty() {
            self.settle_scratch();
        }
    }

    fn settle_scratch(&mut self) {
        // The order of arrival is part of what is compared, so that equal deadlines keep it.
        self.scratch.sort_unstable();
        for &(_, _, index) in &self.scratch {
            self.lists.append(DUE, index);
        }
        self.scratch.clear();
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("len", &self.len())
            .field("elapsed", &self.elapsed)
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}

/// Takes the items out of a wheel; see [`Wheel::drain`].
pub struct Drain<'a, T> {
    wheel: &'a mut Wheel<T>,
    next: u32,
}

impl<T> Iterator for Drain<'_, T> {
    type Item = (Instant, T);

    fn next(&mut self) -> Option<(Instant, T)> {
        let lists = &mut self.wheel.lists;
        while self.next < lists.arena.span() {
            let index = self.next;
            self.next += 1;
            if lists.arena.is_live(index) {
                lists.unlink(index);
                let deadline = lists.arena[index].deadline;
                return Some((deadline, lists.arena.remove(index)?));
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.wheel.len(), Some(self.wheel.len()))
    }
}

impl<T> ExactSizeIterator for Drain<'_, T> {}
impl<T> FusedIterator for Drain<'_, T> {}

impl<T> fmt::Debug for Drain<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").finish_non_exhaustive()
    }
}
