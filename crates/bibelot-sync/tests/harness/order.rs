//! The orders of queues, by rules: what comes out first, and what makes way.

use bibelot_sync::generic::{self, Store};

/// The order of the model's items, and how the queue has them.
pub trait Order: Store + 'static {
    fn take(items: &mut Vec<u32>) -> u32;
    fn give_back(items: &mut Vec<u32>, item: u32);
    fn make_way(items: &mut Vec<u32>) -> u32;
    fn item(id: u32) -> Self::Item;
    fn id(item: Self::Item) -> u32;
}

impl Order for generic::Fifo<u32> {
    fn take(items: &mut Vec<u32>) -> u32 {
        items.remove(0)
    }

    fn give_back(items: &mut Vec<u32>, item: u32) {
        items.insert(0, item);
    }

    fn make_way(items: &mut Vec<u32>) -> u32 {
        items.remove(0)
    }

    fn item(id: u32) -> u32 {
        id
    }

    fn id(item: u32) -> u32 {
        item
    }
}

impl Order for generic::Lifo<u32> {
    fn take(items: &mut Vec<u32>) -> u32 {
        items.pop().unwrap()
    }

    fn give_back(items: &mut Vec<u32>, item: u32) {
        items.push(item);
    }

    fn make_way(items: &mut Vec<u32>) -> u32 {
        items.remove(0)
    }

    fn item(id: u32) -> u32 {
        id
    }

    fn id(item: u32) -> u32 {
        item
    }
}

fn rank(id: u32) -> u32 {
    id % 3
}

impl Order for generic::Priority<u32, u32> {
    fn take(items: &mut Vec<u32>) -> u32 {
        let first = (0..items.len()).min_by_key(|at| rank(items[*at])).unwrap();
        items.remove(first)
    }

    fn give_back(items: &mut Vec<u32>, item: u32) {
        items.insert(0, item);
    }

    fn make_way(items: &mut Vec<u32>) -> u32 {
        let last = (0..items.len()).max_by_key(|at| rank(items[*at])).unwrap();
        items.remove(last)
    }

    fn item(id: u32) -> (u32, u32) {
        (rank(id), id)
    }

    fn id((_, id): (u32, u32)) -> u32 {
        id
    }
}
