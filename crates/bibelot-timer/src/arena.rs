//! The arena: where a wheel's items live, each under a key.
//!
//! Entries lie in one vector. A free entry is linked into the free list through `next`; the entry freed
//! last is used first, while it is still in the cache. Freeing an entry raises its generation, so that
//! old keys no longer fit. An entry whose generations are used up is retired rather than reused.
//!
//! # Invariants
//!
//! - A key names at most one item, ever: no two tenants of an entry share a generation.
//! - `item` is `Some` exactly while the entry is live; `live` counts those.

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;
use core::ops::{Index, IndexMut};

use crate::Instant;

/// No entry.
pub(crate) const NIL: u32 = u32::MAX;

/// Names an item of a wheel: the entry it lies in and which tenant of the entry it is.
///
/// A key stays valid until its item leaves the wheel, and never fits a later item. It means nothing to
/// another wheel.
// In this order, so that the value that a generation never has is at the end, and an enum around a key can
// have something else in front of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct Key {
    slot: u32,
    generation: NonZeroU32,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}.{})", self.slot, self.generation)
    }
}

/// One item, or room for one.
pub(crate) struct Entry<T> {
    pub(crate) deadline: Instant,
    pub(crate) prev: u32,
    pub(crate) next: u32,
    generation: NonZeroU32,
    pub(crate) place: u16,
    item: Option<T>,
}

pub(crate) struct Arena<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    live: usize,
}

impl<T> Arena<T> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            entries: Vec::with_capacity(capacity),
            free: NIL,
            live: 0,
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// How many entries there are, live, free and retired.
    pub(crate) fn span(&self) -> u32 {
        self.entries.len() as u32
    }

    /// The entry that the next [`insert`](Self::insert) takes.
    #[inline]
    pub(crate) fn next_index(&self) -> u32 {
        if self.free != NIL {
            return self.free;
        }
        let index = self.entries.len();
        assert!(index < NIL as usize, "a wheel holds at most {NIL} items");
        index as u32
    }

    /// Stores an item at the end of a list, where `prev` was.
    #[inline]
    pub(crate) fn insert(&mut self, deadline: Instant, item: T, place: u16, prev: u32) -> Key {
        self.live += 1;
        let slot = self.free;
        if slot == NIL {
            return self.grow(deadline, item, place, prev);
        }
        let entry = &mut self.entries[slot as usize];
        self.free = entry.next;
        entry.deadline = deadline;
        entry.prev = prev;
        entry.next = NIL;
        entry.place = place;
        // A free entry has nothing to be dropped.
        core::mem::forget(entry.item.replace(item));
        Key {
            slot,
            generation: entry.generation,
        }
    }

    #[inline(never)]
    fn grow(&mut self, deadline: Instant, item: T, place: u16, prev: u32) -> Key {
        let slot = self.entries.len() as u32;
        let generation = NonZeroU32::MIN;
        self.entries.push(Entry {
            deadline,
            prev,
            next: NIL,
            generation,
            place,
            item: Some(item),
        });
        Key { slot, generation }
    }

    /// Takes the item out of a live entry and frees the entry. It must be in no list any more.
    #[inline]
    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        let item = entry.item.take()?;
        self.live -= 1;
        if let Some(generation) = entry.generation.checked_add(1) {
            entry.generation = generation;
            entry.next = self.free;
            self.free = index;
        }
        Some(item)
    }

    /// The live entry that `key` names.
    #[inline]
    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        let entry = self.entries.get(key.slot as usize)?;
        let fits = entry.generation == key.generation && entry.item.is_some();
        fits.then_some(key.slot)
    }

    pub(crate) fn is_live(&self, index: u32) -> bool {
        self[index].item.is_some()
    }

    pub(crate) fn item(&self, index: u32) -> Option<&T> {
        self[index].item.as_ref()
    }

    pub(crate) fn item_mut(&mut self, index: u32) -> Option<&mut T> {
        self[index].item.as_mut()
    }
}

impl<T> Index<u32> for Arena<T> {
    type Output = Entry<T>;

    #[inline]
    fn index(&self, index: u32) -> &Entry<T> {
        &self.entries[index as usize]
    }
}

impl<T> IndexMut<u32> for Arena<T> {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut Entry<T> {
        &mut self.entries[index as usize]
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use core::mem::size_of;

    use super::*;

    #[test]
    fn an_entry_costs_at_most_32_bytes_more_than_its_item() {
        assert!(size_of::<Entry<u8>>() <= 1 + 32);
        assert!(size_of::<Entry<u32>>() <= 4 + 32);
        assert!(size_of::<Entry<u64>>() <= 8 + 32);
        assert!(size_of::<Entry<Box<u8>>>() <= 8 + 32);
        assert!(size_of::<Entry<[u64; 4]>>() <= 32 + 32);
        assert_eq!(size_of::<Entry<Option<[u16; 4]>>>(), 32);
        assert_eq!(size_of::<Key>(), 8);
        assert_eq!(size_of::<Option<Key>>(), 8);
    }

    #[test]
    fn an_old_key_does_not_fit_the_next_tenant() {
        let mut arena = Arena::with_capacity(0);
        let old = arena.insert(Instant::ZERO, 'a', 0, NIL);
        assert_eq!(arena.remove(old.slot), Some('a'));
        assert_eq!(arena.find(old), None);
        assert_eq!(arena.next_index(), old.slot);
        let new = arena.insert(Instant::ZERO, 'b', 0, NIL);
        assert_eq!(new.slot, old.slot);
        assert_eq!(arena.find(old), None);
        assert_eq!(arena.find(new), Some(new.slot));
    }

    #[test]
    fn an_entry_is_retired_when_its_generations_are_used_up() {
        let mut arena = Arena::with_capacity(0);
        let index = arena.insert(Instant::ZERO, 'a', 0, NIL).slot;
        arena.entries[index as usize].generation = NonZeroU32::MAX;
        assert_eq!(arena.remove(index), Some('a'));
        let last = Key {
            slot: index,
            generation: NonZeroU32::MAX,
        };
        assert_eq!(arena.find(last), None);

        let other = arena.insert(Instant::ZERO, 'b', 0, NIL);
        assert_ne!(other.slot, index);
        assert_eq!(arena.live(), 1);
    }
}
