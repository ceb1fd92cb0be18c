//! The table of tasks: their entries, by slot and generation.
//!
//! An entry lives until its task has ended and nobody holds a handle to it. Free places are linked; the one
//! freed last is used first, while it is still in the cache.
//!
//! # Invariants
//!
//! - A key names one task: a slot's next tenant has another generation.
//! - Nothing of a user's (waker, future, value) is dropped while the table is borrowed: it is moved out
//!   and handed to the caller.

use std::fmt;
use std::mem;

use bibelot_task::TaskRef;

pub(crate) use crate::entry::{
    AWAITED, DETACHED, EndListener, Ending, Entry, IN_CELL, REPORTED, Returned, TAKEN, Ticket,
};
use crate::tag::Tag;

/// Names a task to its kernel: slot and generation, which is the lower half of the task's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskKey {
    pub slot: u32,
    pub generation: u32,
}

impl TaskKey {
    #[inline]
    pub(crate) fn new(slot: u32, number: u64) -> Self {
        Self {
            slot,
            generation: number as u32,
        }
    }
}

impl fmt::Debug for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

/// No place.
const NIL: u32 = u32::MAX;

/// All tasks of one kernel.
pub(crate) struct Tasks {
    entries: Vec<Entry>,
    /// The first free place.
    vacant: u32,
    live: usize,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            vacant: NIL,
            live: 0,
        }
    }
}

impl Tasks {
    /// The key of the task with this number, if it is the next to be [put in](Self::insert).
    #[inline]
    pub(crate) fn next_key(&self, number: u64) -> TaskKey {
        let slot = match self.vacant {
            NIL => self.entries.len() as u32,
            slot => slot,
        };
        TaskKey::new(slot, number)
    }

    /// Puts in the task for which [`next_key`](Self::next_key) gave the key.
    #[inline(always)]
    pub(crate) fn insert(&mut self, key: TaskKey, task: Option<TaskRef<Tag>>) -> &mut Entry {
        self.live += 1;
        if self.vacant == NIL {
            return self.grow(Entry::new(key.generation, task));
        }
        let place = &mut self.entries[key.slot as usize];
        self.vacant = place.fill(key.generation, task);
        place
    }

    #[inline(never)]
    fn grow(&mut self, entry: Entry) -> &mut Entry {
        let slot = self.entries.len();
        assert!(slot < NIL as usize, "fewer than 2^32 tasks");
        self.entries.push(entry);
        &mut self.entries[slot]
    }

    #[inline]
    pub(crate) fn get(&self, key: TaskKey) -> Option<&Entry> {
        self.entries
            .get(key.slot as usize)
            .filter(|entry| entry.generation() == Some(key.generation))
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: TaskKey) -> Option<&mut Entry> {
        self.entries
            .get_mut(key.slot as usize)
            .filter(|entry| entry.generation() == Some(key.generation))
    }

    /// The entry in a slot that is known to be taken.
    #[inline]
    pub(crate) fn at(&self, slot: u32) -> &Entry {
        &self.entries[slot as usize]
    }

    /// Counts a task that has ended.
    #[inline]
    pub(crate) fn note_end(&mut self) {
        self.live -= 1;
    }

    /// Notes that a task returned which is held and has nothing else to it; whether it is such a one.
    #[inline]
    pub(crate) fn end_plain(&mut self, key: TaskKey) -> bool {
        let entry = self.entries.get_mut(key.slot as usize);
        let has_ended = entry.is_some_and(|entry| entry.end_plain(key.generation));
        self.live -= usize::from(has_ended);
        has_ended
    }

    /// Takes the entry out of a slot that is known to be taken; the caller drops it outside the borrow.
    #[inline]
    pub(crate) fn remove_at(&mut self, slot: u32) -> Entry {
        let vacant = Entry::vacant(self.vacant);
        let entry = mem::replace(&mut self.entries[slot as usize], vacant);
        debug_assert!(entry.next_vacant().is_none(), "slot {slot} is taken");
        self.vacant = slot;
        entry
    }

    /// Takes out the entry of a task that returned, if there is nothing else of it but its cell.
    #[inline]
    pub(crate) fn remove_returned(&mut self, key: TaskKey) -> Returned {
        let Some(place) = self.entries.get_mut(key.slot as usize) else {
            return Returned::Other;
        };
        let found = place.take_returned(key.generation, self.vacant);
        if let Returned::Cell(_) = found {
            self.vacant = key.slot;
        }
        found
    }

    /// Takes an entry out; the caller drops it outside the borrow.
    pub(crate) fn remove(&mut self, key: TaskKey) -> Option<Entry> {
        self.get(key)?;
        let entry = self.remove_at(key.slot);
        self.live -= usize::from(entry.end.is_none());
        Some(entry)
    }

    /// All entries, with their keys.
    fn iter(&self) -> impl Iterator<Item = (TaskKey, &Entry)> {
        let slots = (0..).zip(&self.entries);
        slots.filter_map(|(slot, entry)| {
            let generation = entry.generation()?;
            Some((TaskKey { slot, generation }, entry))
        })
    }

    /// The keys of all entries.
    pub(crate) fn keys(&self) -> Vec<TaskKey> {
        self.iter().map(|(key, _)| key).collect()
    }

    /// How many tasks have not ended.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// The keys of the tasks that have not ended.
    pub(crate) fn live_keys(&self) -> Vec<TaskKey> {
        let live = self.iter().filter(|(_, entry)| entry.end.is_none());
        live.map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// `true` puts a task in, `false` takes one out.
        #[test]
        fn the_table_holds_what_a_map_holds(steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..200)) {
            let mut tasks = Tasks::default();
            let mut model = BTreeMap::new();
            let mut gone = Vec::new();
            for (number, (puts, index)) in (1..).zip(steps) {
                if puts || model.is_empty() {
                    let key = tasks.next_key(number);
                    prop_assert!(!model.contains_key(&key.slot), "slot {} is taken", key.slot);
                    tasks.insert(key, None);
                    model.insert(key.slot, key);
                } else {
                    let slots: Vec<u32> = model.keys().copied().collect();
                    let key = model.remove(index.get(&slots)).expect("it was there");
                    prop_assert!(tasks.remove(key).is_some());
                    prop_assert!(tasks.remove(key).is_none());
                    gone.push(key);
                }
                prop_assert_eq!(tasks.keys(), model.values().copied().collect::<Vec<_>>());
                prop_assert_eq!(tasks.live(), model.len());
                prop_assert!(gone.iter().all(|&key| tasks.get(key).is_none()));
            }
            prop_assert!(tasks.next_key(0).slot <= 200);
        }
    }
}
