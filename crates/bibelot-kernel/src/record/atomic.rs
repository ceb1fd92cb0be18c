//! The atomics of the records: those of the standard library, or loom's when a model checks them.
//!
//! A model gets small blocks too: each of its atomics costs it time.

#[cfg(loom)]
mod chosen {
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
    pub(crate) use loom::sync::atomic::{Ordering, fence};
    pub(crate) use loom::thread::yield_now;

    /// Records in the first block; a power of two.
    pub(crate) const FIRST_BLOCK: usize = 1;
}

#[cfg(not(loom))]
mod chosen {
    pub(crate) use std::hint::spin_loop;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
    pub(crate) use std::sync::atomic::{Ordering, fence};
    pub(crate) use std::thread::yield_now;

    /// Records in the first block; a power of two.
    pub(crate) const FIRST_BLOCK: usize = 64;
}

pub(super) use chosen::*;
