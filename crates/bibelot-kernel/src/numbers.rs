//! The numbers that tasks are shown by: growing, and never used twice in a process.
//!
//! A kernel takes them in blocks, so that a spawn touches no atomic.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

const BLOCK: u64 = 1024;

static NEXT_BLOCK: AtomicU64 = AtomicU64::new(0);

/// One kernel's supply of numbers.
pub(crate) struct Numbers {
    next: Cell<u64>,
    end: Cell<u64>,
}

impl Numbers {
    pub(crate) const fn new() -> Self {
        Self {
            next: Cell::new(0),
            end: Cell::new(0),
        }
    }

    /// The next number; at least 1.
    #[inline]
    pub(crate) fn draw(&self) -> u64 {
        if self.next.get() == self.end.get() {
            self.take_block();
        }
        let number = self.next.get();
        self.next.set(number + 1);
        number
    }

    #[cold]
    fn take_block(&self) {
        // Relaxed: only the difference of the numbers counts.
        let block = NEXT_BLOCK.fetch_add(1, Ordering::Relaxed);
        self.next.set(block * BLOCK + 1);
        self.end.set((block + 1) * BLOCK + 1);
    }
}
