//! The site cell: a place in the source that one thread sets and any thread reads.
//!
//! A location of the compiler's is a constant of the program, but anyone can copy one into memory of
//! his own and leak it. So the pointer is published properly, and the cell is sound whatever `'static`
//! location it is given and whoever sets it.
//!
//! # Invariants
//!
//! - The pointer is null or was made from a `&'static Location<'static>`; only [`SiteCell::set`] stores
//!   into it.

#![allow(unsafe_code, reason = "a reference read from an atomic pointer")]

use std::panic::Location;
use std::ptr;

use super::atomic::{AtomicPtr, Ordering};

/// A place in the source, or none.
pub(super) struct SiteCell(AtomicPtr<Location<'static>>);

impl SiteCell {
    /// A cell without a place.
    #[cfg(any(test, loom))]
    pub(super) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Replaces the place.
    pub(super) fn set(&self, site: Option<&'static Location<'static>>) {
        let pointer = site.map_or(ptr::null_mut(), |site| ptr::from_ref(site).cast_mut());
        // Release pairs with the acquire in `get`: the location's own bytes were written before.
        self.0.store(pointer, Ordering::Release);
    }

    /// The place that was set last, as far as this thread has seen.
    pub(super) fn get(&self) -> Option<&'static Location<'static>> {
        // Acquire pairs with the release in `set`: whoever has the pointer sees what it points at.
        let pointer = self.0.load(Ordering::Acquire);
        // SAFETY: by the invariant the pointer is null or came from a shared reference that is valid
        // for ever, and nothing writes through it. The acquire makes the location visible here.
        unsafe { pointer.cast_const().as_ref() }
    }
}
