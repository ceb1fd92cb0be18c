//! The objects: everything a program of this world can hold a descriptor of.
//!
//! A slab with generations. Ids go into events and descriptors and may outlive their object: looking up
//! an id of something gone finds nothing.
//!
//! # Invariants
//!
//! - An id names one object for ever: a slot's generation grows when its object goes.

use crate::disk::OpenFile;
use crate::listener::Listener;
use crate::stream::Stream;

/// Names an object of the world: a slot and the generation of its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    slot: u32,
    generation: u32,
}

impl Id {
    pub(crate) fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }

    /// The id as one number, generation above slot.
    pub(crate) fn bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }
}

/// What a descriptor can stand for.
#[derive(Debug)]
pub(crate) enum Object {
    Listener(Box<Listener>),
    Stream(Box<Stream>),
    File(OpenFile),
}

/// All objects that exist.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    object: Option<Object>,
}

impl Objects {
    pub(crate) fn insert(&mut self, object: Object) -> Id {
        if let Some(slot) = self.free.pop() {
            let place = &mut self.slots[slot as usize];
            place.object = Some(object);
            return Id::new(slot, place.generation);
        }
        let slot = u32::try_from(self.slots.len()).expect("fewer than 2^32 objects");
        self.slots.push(Slot {
            generation: 0,
            object: Some(object),
        });
        Id::new(slot, 0)
    }

    pub(crate) fn remove(&mut self, id: Id) -> Option<Object> {
        let place = self.slots.get_mut(id.slot as usize)?;
        if place.generation != id.generation {
            return None;
        }
        let object = place.object.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(id.slot);
        Some(object)
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn get(&self, id: Id) -> Option<&Object> {
        let place = self.slots.get(id.slot as usize)?;
        place
            .object
            .as_ref()
            .filter(|_| place.generation == id.generation)
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut Object> {
        let place = self.slots.get_mut(id.slot as usize)?;
        place
            .object
            .as_mut()
            .filter(|_| place.generation == id.generation)
    }

    pub(crate) fn stream(&mut self, id: Id) -> Option<&mut Stream> {
        match self.get_mut(id) {
            Some(Object::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    pub(crate) fn listener(&mut self, id: Id) -> Option<&mut Listener> {
        match self.get_mut(id) {
            Some(Object::Listener(listener)) => Some(listener),
            _ => None,
        }
    }

    pub(crate) fn file(&mut self, id: Id) -> Option<&mut OpenFile> {
        match self.get_mut(id) {
            Some(Object::File(file)) => Some(file),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_does_not_find_the_next_tenant_of_its_slot() {
        let mut objects = Objects::default();
        let first = objects.insert(Object::File(OpenFile::default()));
        assert!(objects.remove(first).is_some());
        let second = objects.insert(Object::File(OpenFile::default()));
        assert_ne!(first, second);
        assert!(objects.get(first).is_none());
        assert!(objects.remove(first).is_none());
        assert!(objects.file(second).is_some());
        assert_eq!(objects.len(), 1);
    }
}
