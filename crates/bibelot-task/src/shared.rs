//! The cells and atomics of this crate: those of `core`, or loom's when a model checks them.
//!
//! Loom's `Cell` and `UnsafeCell` notice when two threads touch one without order between them, so a
//! model run also proves that what is plain is touched at home only.

#[cfg(loom)]
pub(crate) use loom::cell::{Cell, UnsafeCell};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering, fence};

#[cfg(not(loom))]
pub(crate) use core::cell::Cell;
#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicUsize, Ordering, fence};

/// `core`'s cell with the access methods of loom's.
#[cfg(not(loom))]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    /// Gives a pointer for reading.
    #[inline(always)]
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Gives a pointer for writing.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
