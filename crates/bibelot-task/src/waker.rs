//! Wakers: the four functions behind them, sound on any thread, at any later time.
//!
//! The data of a waker is the pointer to the cell. One waker is lent to each poll without being
//! counted; its clones count.

#![allow(
    unsafe_code,
    reason = "a waker is a raw pointer with a table of functions"
)]

use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};
use core::task::{RawWaker, RawWakerVTable, Waker};

use crate::cell::Header;
use crate::raw::RawTask;
use crate::schedule::Schedule;

/// Tells a task's own waker from all others, without keeping the task.
///
/// Equal data means: the same task, or one whose cell took the place of a freed one. Compare only while
/// the task lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WakerData {
    data: *const (),
    vtable: *const RawWakerVTable,
}

impl WakerData {
    pub(crate) fn new<S: Schedule>(task: RawTask<S>) -> Self {
        Self {
            data: task.0.as_ptr().cast_const().cast(),
            vtable: task.header().vtable.waker,
        }
    }
}

/// Whether `waker` is the own waker of the task that `data` is from: the one that its polls are given.
///
/// A waker that forwards to it (of a combinator that polls its parts one by one, say) is not. This reads
/// two pointers, and is cheaper than `will_wake` against a clone.
#[must_use]
#[inline]
pub fn is_waker_of(waker: &Waker, data: WakerData) -> bool {
    waker.data() == data.data && ptr::eq(waker.vtable(), data.vtable)
}

/// The functions of the wakers of a scheduler's tasks; see [`Schedule::WAKERS`].
#[must_use]
pub const fn waker_table<S: Schedule>() -> RawWakerVTable {
    RawWakerVTable::new(clone::<S>, wake::<S>, wake_by_ref::<S>, drop::<S>)
}

/// The task's waker, without counting it.
///
/// # Safety
///
/// The cell lives as long as the waker. If the waker is dropped or woken by value, a reference was
/// counted for it.
#[inline(always)]
pub(crate) unsafe fn uncounted<S: Schedule>(task: RawTask<S>) -> ManuallyDrop<Waker> {
    let vtable = task.header().vtable.waker;
    // SAFETY: the functions of the table are sound from any thread, and take this pointer.
    let waker = unsafe { Waker::new(task.0.as_ptr().cast_const().cast(), vtable) };
    ManuallyDrop::new(waker)
}

/// # Safety
///
/// `data` is that of a waker made by [`uncounted`], which is alive.
#[inline(always)]
unsafe fn task<S: Schedule>(data: *const ()) -> RawTask<S> {
    // SAFETY: the data of our wakers is the pointer to a cell, never null.
    RawTask(unsafe { NonNull::new_unchecked(data.cast_mut().cast::<Header<S>>()) })
}

unsafe fn clone<S: Schedule>(data: *const ()) -> RawWaker {
    // SAFETY: the contract of a waker's table.
    let task = unsafe { task::<S>(data) };
    task.acquire();
    RawWaker::new(data, task.header().vtable.waker)
}

unsafe fn wake<S: Schedule>(data: *const ()) {
    // SAFETY: the contract of a waker's table.
    let task = unsafe { task::<S>(data) };
    // SAFETY: the waker's reference goes with it.
    unsafe { task.wake_by_value() };
}

unsafe fn wake_by_ref<S: Schedule>(data: *const ()) {
    // SAFETY: the contract of a waker's table.
    unsafe { task::<S>(data) }.wake();
}

unsafe fn drop<S: Schedule>(data: *const ()) {
    // SAFETY: the contract of a waker's table.
    let task = unsafe { task::<S>(data) };
    // SAFETY: the waker's reference goes with it.
    unsafe { task.release() };
}
