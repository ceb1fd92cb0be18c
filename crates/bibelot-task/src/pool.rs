//! The pool: the memory of cells that were freed, for tasks that begin.

#![allow(
    unsafe_code,
    reason = "memory that one task leaves and another one is made in"
)]

use core::alloc::Layout;
use core::ptr::NonNull;

/// Keeps the memory of cells at a task's home; see [`spawn_in`](crate::spawn_in) and
/// [`TaskRef::drop_in`](crate::TaskRef::drop_in).
///
/// # Safety
///
/// - What [`take`](Self::take) gives was allocated by the global allocator with the layout asked for, and
///   nobody else has it: it was kept by [`keep`](Self::keep) under the same layout, say.
/// - What [`keep`](Self::keep) answers `true` to is freed with that layout if it is not given out again.
/// - Neither panics.
pub unsafe trait Pool {
    /// Gives memory for the cell of a task that is being spawned, if there is some to spare. Where there is
    /// none, the global allocator is asked.
    fn take(&self, layout: Layout) -> Option<NonNull<u8>>;

    /// Takes the memory of a cell that was freed; whether it does. What is not taken is freed.
    ///
    /// # Safety
    ///
    /// The memory was allocated by the global allocator with this layout, and the caller gives it away if the
    /// answer is `true`.
    unsafe fn keep(&self, layout: Layout, memory: NonNull<u8>) -> bool;
}

/// The pool of those who have none.
pub(crate) struct NoPool;

// SAFETY: it gives nothing and keeps nothing.
unsafe impl Pool for NoPool {
    #[inline]
    fn take(&self, _: Layout) -> Option<NonNull<u8>> {
        None
    }

    #[inline]
    unsafe fn keep(&self, _: Layout, _: NonNull<u8>) -> bool {
        false
    }
}
