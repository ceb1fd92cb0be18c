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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// Stores an item; gives its entry and key. The links and the place are the caller's to set.
    pub(crate) fn insert(&mut self, deadline: Instant, item: T) -> (u32, Key) {
        self.live += 1;
        let index = self.free;
        if index != NIL {
            let entry = &mut self.entries[index as usize];
            self.free = entry.next;
            entry.deadline = deadline;
            entry.item = Some(item);
            let generation = entry.generation;
            return (
                index,
                Key {
                    slot: index,
                    generation,
                },
            );
        }
        let index = self.grow(deadline, item);
        let generation = NonZeroU32::MIN;
        (
            index,
            Key {
                slot: index,
                generation,
            },
        )
    }

    #[cold]
    fn grow(&mut self, deadline: Instant, item: T) -> u32 {
        let index = self.entries.len();
        assert!(index < NIL as usize, "a wheel holds at most {NIL} items");
        self.entries.push(Entry {
            deadline,
            prev: NIL,
            next: NIL,
            generation: NonZeroU32::MIN,
            place: 0,
            item: Some(item),
        });
        index as u32
    }

    /// Takes the item out of a live entry and frees the entry. It must be in no list any more.
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

    fn index(&self, index: u32) -> &Entry<T> {
        &self.entries[index as usize]
    }
}

impl<T> IndexMut<u32> for Arena<T> {
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
        assert_eq!(size_of::<Key>(), 8);
        assert_eq!(size_of::<Option<Key>>(), 8);
    }

    #[test]
    fn an_old_key_does_not_fit_the_next_tenant() {
        let mut arena = Arena::with_capacity(0);
        let (index, old) = arena.insert(Instant::ZERO, 'a');
        assert_eq!(arena.remove(index), Some('a'));
        assert_eq!(arena.find(old), None);
        let (again, new) = arena.insert(Instant::ZERO, 'b');
        assert_eq!(again, index);
        assert_eq!(arena.find(old), None);
        assert_eq!(arena.find(new), Some(index));
    }

    #[test]
    fn an_entry_is_retired_when_its_generations_are_used_up() {
        let mut arena = Arena::with_capacity(0);
        let (index, _) = arena.insert(Instant::ZERO, 'a');
        arena.entries[index as usize].generation = NonZeroU32::MAX;
        assert_eq!(arena.remove(index), Some('a'));
        let last = Key {
            slot: index,
            generation: NonZeroU32::MAX,
        };
        assert_eq!(arena.find(last), None);

        let (other, _) = arena.insert(Instant::ZERO, 'b');
        assert_ne!(other, index);
        assert_eq!(arena.live(), 1);
    }
}
