//! Spare cells: the memory of tasks that have ended, for tasks that begin.
//!
//! A server spawns tasks of a few types over and over. The memory of small cells that are freed at home is
//! kept, by size and up to a limit, and given out again, the last first, while it is still in the cache. What
//! is freed on another thread goes to the allocator.
//!
//! # Invariants
//!
//! - What lies in a class was allocated by the global allocator with the class's layout, and nobody else has it.

#![allow(
    unsafe_code,
    reason = "memory that is freed by hand, with the layout it was allocated with"
)]

use std::alloc::{Layout, dealloc};
use std::cell::RefCell;
use std::ptr::NonNull;

use bibelot_task::Pool;

/// The alignment of the cells that are kept, and the step from one class to the next.
const STEP: usize = 8;
/// Larger cells are not kept.
const LARGEST: usize = 512;
const CLASSES: usize = LARGEST / STEP + 1;
/// How much memory a class keeps.
const BYTES_MAX: usize = 128 << 10;

/// The spare cells of one kernel.
pub(crate) struct Spares(RefCell<[Vec<NonNull<u8>>; CLASSES]>);

impl Spares {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new([const { Vec::new() }; CLASSES]))
    }
}

// SAFETY: what was kept is given out under the layout it was kept under, once, and the rest is freed with that.
unsafe impl Pool for Spares {
    #[inline]
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.borrow_mut()[class(layout)?].pop()
    }

    #[inline]
    unsafe fn keep(&self, layout: Layout, memory: NonNull<u8>) -> bool {
        let Some(class) = class(layout) else {
            return false;
        };
        let kept = &mut self.0.borrow_mut()[class];
        let has_room = kept.len() * layout.size() < BYTES_MAX;
        if has_room {
            kept.push(memory);
        }
        has_room
    }
}

/// The class of the cells with this layout, if they are kept.
#[inline]
fn class(layout: Layout) -> Option<usize> {
    let is_kept = layout.align() == STEP && layout.size() <= LARGEST;
    // The size of a type is a multiple of its alignment.
    is_kept.then_some(layout.size() / STEP)
}

impl Drop for Spares {
    fn drop(&mut self) {
        for (class, kept) in self.0.get_mut().iter_mut().enumerate() {
            let layout = Layout::from_size_align(class * STEP, STEP).expect("it is small");
            for memory in kept.drain(..) {
                // SAFETY: the invariant says all of this.
                unsafe { dealloc(memory.as_ptr(), layout) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::alloc;

    use super::*;

    fn make(layout: Layout) -> NonNull<u8> {
        // SAFETY: no layout here is of size zero.
        NonNull::new(unsafe { alloc(layout) }).expect("there is memory")
    }

    fn keep(spares: &Spares, layout: Layout) -> Option<NonNull<u8>> {
        let memory = make(layout);
        // SAFETY: it was just allocated.
        if unsafe { spares.keep(layout, memory) } {
            return Some(memory);
        }
        // SAFETY: it was just allocated, and not kept.
        unsafe { dealloc(memory.as_ptr(), layout) };
        None
    }

    #[test]
    fn what_is_kept_is_given_out_under_its_layout_the_last_first() {
        let spares = Spares::new();
        let (small, large) = (Layout::new::<[u64; 9]>(), Layout::new::<[u64; 64]>());
        assert!(spares.take(small).is_none());
        let first = keep(&spares, small).expect("there is room");
        let second = keep(&spares, small).expect("there is room");
        assert!(spares.take(large).is_none());
        assert_eq!(spares.take(small), Some(second));
        assert_eq!(spares.take(small), Some(first));
        assert!(spares.take(small).is_none());
        for memory in [first, second] {
            // SAFETY: it was given out, and is nobody else's.
            assert!(unsafe { spares.keep(small, memory) });
        }
    }

    #[test]
    fn a_class_has_an_end_and_so_have_the_sizes() {
        let spares = Spares::new();
        let layout = Layout::new::<[u64; 64]>();
        let kept = (0..1000)
            .filter(|_| keep(&spares, layout).is_some())
            .count();
        assert_eq!(kept, BYTES_MAX / 512);
        assert!(keep(&spares, Layout::new::<[u64; 65]>()).is_none());
        assert!(keep(&spares, Layout::new::<u128>()).is_none());
        assert!(keep(&spares, Layout::new::<u32>()).is_none());
    }
}
