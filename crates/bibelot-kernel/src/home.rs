//! The home: which kernel this thread serves, and how code reaches it.
//!
//! A thread has at most one kernel. Its number is drawn from a process-wide counter and never used
//! again, so a name that carries it can be checked from any thread at any later time. The number also
//! says where the kernel's [`Remote`] is, so that other threads find it without a search.
//!
//! # Invariants
//!
//! - `NUMBER` is the number of the kernel in `CORE`, and 0 when there is none or it is hidden.
//! - Code runs under a shared borrow of `CORE`; it is replaced only when no kernel code runs.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use crate::core::Core;
use crate::remote;

thread_local! {
    static NUMBER: Cell<u64> = const { Cell::new(0) };
    /// Taken out by `move_out` and not by the thread's end, so that it can be reached to the last.
    static CORE: RefCell<Option<ManuallyDrop<Rc<Core>>>> = const { RefCell::new(None) };
}

/// Names one kernel of this process; never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelId(pub(crate) u64);

impl fmt::Debug for KernelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KernelId({self})")
    }
}

impl fmt::Display for KernelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (life, place) = remote::parts(*self);
        write!(f, "{life}.{place}")
    }
}

/// Whether `kernel` is the one that this thread serves.
#[inline]
pub(crate) fn is_here(kernel: KernelId) -> bool {
    kernel.0 != 0 && NUMBER.get() == kernel.0
}

/// Runs `body` with this thread's kernel, if it has one.
#[inline]
pub(crate) fn with<R>(body: impl FnOnce(&Rc<Core>) -> R) -> Option<R> {
    if NUMBER.get() == 0 {
        return None;
    }
    CORE.with_borrow(|core| core.as_deref().map(body))
}

/// Runs `body` with the kernel `id` if this thread serves it.
#[inline]
pub(crate) fn with_kernel<R>(id: KernelId, body: impl FnOnce(&Rc<Core>) -> R) -> Option<R> {
    if is_here(id) {
        CORE.with_borrow(|core| core.as_deref().map(body))
    } else {
        None
    }
}

/// Runs `body` with this thread's kernel.
///
/// # Panics
///
/// If the thread has none; `what` names what needs it.
#[inline]
#[track_caller]
pub(crate) fn expect<R>(what: &str, body: impl FnOnce(&Rc<Core>) -> R) -> R {
    match with(body) {
        Some(value) => value,
        None => panic!("{what} needs a bibelot kernel on this thread, and there is none"),
    }
}

/// Hides this thread's kernel from what runs while the guard lives, as if it ran on another thread.
pub(crate) fn hide() -> Hidden {
    Hidden(NUMBER.replace(0))
}

/// The kernel of this thread is hidden.
#[must_use]
pub(crate) struct Hidden(u64);

impl Drop for Hidden {
    fn drop(&mut self) {
        NUMBER.set(self.0);
    }
}

/// Whether this thread has a kernel, hidden or not, or runs code of one.
pub(crate) fn is_taken() -> bool {
    CORE.with(|slot| match slot.try_borrow_mut() {
        Ok(slot) => slot
            .as_deref()
            .is_some_and(|core| !core.is_over.get() || is_here(core.id)),
        Err(_) => true,
    })
}

/// Makes `core` the kernel of this thread. The caller has seen that there is none.
pub(crate) fn move_in(core: &Rc<Core>) {
    let core_here = ManuallyDrop::new(core.clone());
    let over = CORE.with_borrow_mut(|slot| slot.replace(core_here));
    NUMBER.set(core.id.0);
    drop(over.map(ManuallyDrop::into_inner));
}

/// Ends this thread's service for the kernel `id`.
pub(crate) fn move_out(id: KernelId) {
    if is_here(id) {
        NUMBER.set(0);
        // A kernel that ends inside a call of its own, because a task of it owned it, stays where it is
        // until the next one moves in.
        let core = CORE.with(|slot| slot.try_borrow_mut().ok().and_then(|mut slot| slot.take()));
        drop(core.map(ManuallyDrop::into_inner));
    }
}
