//! A ring: the usual ready queue, first in, first out.
//!
//! Its room is a power of two, so that a place is found by a mask.
//!
//! # Invariants
//!
//! - The room is 0 or a power of two.
//! - Free places hold default values, which cost nothing to drop.

/// Items in the order in which they came.
pub(crate) struct Ring<T> {
    places: Vec<T>,
    head: usize,
    len: usize,
}

impl<T: Default> Ring<T> {
    /// No items, and no room yet.
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            head: 0,
            len: 0,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// For how many there is room.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        self.places.len()
    }

    /// Where the item at `index`, counted from the front, lies.
    #[inline]
    fn place(&self, index: usize) -> usize {
        self.head.wrapping_add(index) & self.places.len().wrapping_sub(1)
    }

    #[inline]
    pub(crate) fn push(&mut self, item: T) {
        if self.len == self.places.len() {
            self.set_room((self.len * 2).max(16));
        }
        let place = self.place(self.len);
        if let Some(free) = self.places.get_mut(place) {
            *free = item;
            self.len += 1;
        }
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        let item = std::mem::take(self.places.get_mut(self.head)?);
        self.head = self.place(1);
        self.len -= 1;
        Some(item)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len).map(|index| &self.places[self.place(index)])
    }

    /// Takes the item at `index`, counted from the front; the others keep their order.
    pub(crate) fn remove(&mut self, index: usize) -> Option<T> {
        if index >= self.len {
            return None;
        }
        for index in (0..index).rev() {
            let (here, next) = (self.place(index), self.place(index + 1));
            self.places.swap(here, next);
        }
        self.pop()
    }

    /// Gives it room for `room` items, a power of two that is enough.
    #[cold]
    #[inline(never)]
    pub(crate) fn set_room(&mut self, room: usize) {
        debug_assert!(room.is_power_of_two() && room >= self.len);
        let mut places = Vec::with_capacity(room);
        while let Some(item) = self.pop() {
            places.push(item);
        }
        *self = Self {
            head: 0,
            len: places.len(),
            places,
        };
        self.places.resize_with(room, T::default);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u8),
        Pop,
        Remove(usize),
        Trim,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => any::<u8>().prop_map(Step::Push),
            3 => Just(Step::Pop),
            1 => (0_usize..20).prop_map(Step::Remove),
            1 => Just(Step::Trim),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_queue_that_can_be_picked_from(steps in proptest::collection::vec(step(), 0..400)) {
            let mut ring = Ring::new();
            let mut model = VecDeque::new();
            for step in steps {
                match step {
                    Step::Push(item) => {
                        ring.push(item);
                        model.push_back(item);
                    }
                    Step::Pop => prop_assert_eq!(ring.pop(), model.pop_front()),
                    Step::Remove(index) => prop_assert_eq!(ring.remove(index), model.remove(index)),
                    Step::Trim => ring.set_room(model.len().next_power_of_two()),
                }
                prop_assert_eq!(ring.len(), model.len());
                prop_assert!(ring.iter().eq(&model));
                prop_assert!(ring.room() == 0 || ring.room().is_power_of_two());
            }
        }
    }
}
