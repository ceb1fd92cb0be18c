//! First in, first out: what production runs.
//!
//! # Invariants
//!
//! - No item is bypassed: the bound is 0.

use alloc::collections::VecDeque;

use crate::{Scheduler, Wake};

/// Runs items in the order of their arrival. Nothing is ever bypassed.
#[derive(Clone, Debug)]
pub struct Fifo<T> {
    items: VecDeque<T>,
}

impl<T> Fifo<T> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            items: VecDeque::new(),
        }
    }

    /// An empty queue with room for `capacity` items.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            items: VecDeque::with_capacity(capacity),
        }
    }
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Scheduler<T> for Fifo<T> {
    fn push(&mut self, item: T, _why: Wake) {
        self.items.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    fn len(&self) -> usize {
        self.items.len()
    }
}
