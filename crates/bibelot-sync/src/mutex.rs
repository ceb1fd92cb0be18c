//! The shared lock of this crate: the standard library's, or loom's when a model checks it.

#[cfg(loom)]
pub(crate) use loom::sync::Mutex;
#[cfg(not(loom))]
pub(crate) use std::sync::Mutex;
