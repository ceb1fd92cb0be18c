//! The home: which kernel this thread serves, and how code reaches it.
//!
//! A thread has at most one kernel. Its number is drawn from a process-wide counter and never used
//! again, so a name that carries it can be checked from any thread at any later time. The number also
//! says where the kernel's [`Remote`] is, so that other threads find it without a search.
//!
//! # Invariants
//!
//! - `HERE` is null or a counted reference to a core, as `Rc::into_raw` gave it.
//! - `NUMBER` is the number of the kernel at `HERE`, and 0 when there is none or it is hidden.
//! - While `INSIDE` is not 0, code runs that was lent what is at `HERE`: it is neither replaced nor let go of.

#![allow(
    unsafe_code,
    reason = "every operation comes through here, and a plain pointer is followed in place"
)]

use std::cell::Cell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr;
use std::rc::Rc;

use crate::core::Core;
use crate::remote;

thread_local! {
    static NUMBER: Cell<u64> = const { Cell::new(0) };
    /// Let go of by `move_out` and not by the thread's end, so that it can be reached to the last.
    static HERE: Cell<*const Core> = const { Cell::new(ptr::null()) };
    /// How many calls of `inside` are under way.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
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
    Some(inside(body))
}

/// Runs `body` with the kernel `id` if this thread serves it.
#[inline]
pub(crate) fn with_kernel<R>(id: KernelId, body: impl FnOnce(&Rc<Core>) -> R) -> Option<R> {
    if is_here(id) {
        Some(inside(body))
    } else {
        None
    }
}

/// Runs `body` with what is at `HERE`; not to be called while `NUMBER` is 0.
#[inline(always)]
fn inside<R>(body: impl FnOnce(&Rc<Core>) -> R) -> R {
    let _inside = Inside::begin();
    // SAFETY: `NUMBER` is not 0, so it is a counted reference, and it stays one while somebody is inside.
    let core = ManuallyDrop::new(unsafe { Rc::from_raw(HERE.get()) });
    body(&core)
}

/// Somebody is inside.
struct Inside;

impl Inside {
    #[inline(always)]
    fn begin() -> Self {
        INSIDE.set(INSIDE.get() + 1);
        Self
    }
}

impl Drop for Inside {
    #[inline(always)]
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
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
#[inline]
pub(crate) fn hide() -> Hidden {
    let number = NUMBER.get();
    NUMBER.set(0);
    Hidden(number)
}

/// The kernel of this thread is hidden.
#[must_use]
pub(crate) struct Hidden(u64);

impl Drop for Hidden {
    #[inline]
    fn drop(&mut self) {
        NUMBER.set(self.0);
    }
}

/// Whether this thread has a kernel, hidden or not, or runs code of one.
pub(crate) fn is_taken() -> bool {
    if INSIDE.get() > 0 {
        return true;
    }
    let here = HERE.get();
    // SAFETY: it is null or a counted reference, and nothing is called that could let go of it.
    let core = unsafe { here.as_ref() };
    core.is_some_and(|core| !core.is_over.get() || is_here(core.id))
}

/// Makes `core` the kernel of this thread. The caller has seen that there is none.
pub(crate) fn move_in(core: &Rc<Core>) {
    assert_eq!(INSIDE.get(), 0, "code of another kernel is running");
    let over = HERE.replace(Rc::into_raw(core.clone()));
    NUMBER.set(core.id.0);
    let_go(over);
}

/// Ends this thread's service for the kernel `id`.
pub(crate) fn move_out(id: KernelId) {
    if is_here(id) {
        NUMBER.set(0);
        // A kernel that ends inside a call of its own, because a task of it owned it, stays where it is
        // until the next one moves in.
        if INSIDE.get() == 0 {
            let_go(HERE.replace(ptr::null()));
        }
    }
}

/// Lets go of what was at `HERE`, where it is not any more.
fn let_go(over: *const Core) {
    if !over.is_null() {
        // SAFETY: it is a counted reference; it was taken out, so nobody else lets go of it; and nobody is
        // inside.
        drop(unsafe { Rc::from_raw(over) });
    }
}
