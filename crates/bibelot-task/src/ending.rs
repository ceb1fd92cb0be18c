//! The end of a task: its future dropped, its output kept, taken or dropped, its cell freed.
//!
//! What may be done is said by a transition of `state` or `count`; here it is done.

#![allow(
    unsafe_code,
    reason = "acts on the stage behind a pointer that the handles count"
)]

use alloc::alloc::dealloc;
use core::alloc::Layout;
use core::any::{TypeId, type_name};
use core::mem::{MaybeUninit, needs_drop};
use core::ptr::NonNull;

use crate::cell::{Output, Unseen};
use crate::panic::{Site, contain, discard, drop_contained};
use crate::raw::RawTask;
use crate::schedule::Schedule;
use crate::state::{Abort, OUTPUT};

impl<S: Schedule> RawTask<S> {
    /// Aborts the task. `own` counts the references of the caller.
    ///
    /// # Safety
    ///
    /// This is the home thread.
    pub(crate) unsafe fn abort(self, own: usize) -> Abort {
        let abort = self.header().state.abort();
        if let Abort::Drop = abort {
            // SAFETY: the state says that the future is ours to drop.
            unsafe { self.drop_future(own) };
        }
        abort
    }

    /// Drops the future and ends the task. `own` as in [`abort`](Self::abort).
    ///
    /// # Safety
    ///
    /// This is the home thread, and a transition has just said so.
    pub(crate) unsafe fn drop_future(self, own: usize) {
        let header = self.header();
        // SAFETY: the stage holds the future (contract), and this thread may drop it.
        let payload = unsafe { (header.vtable.drop_future)(self.0) };
        header.report(Site::FutureDrop, payload);
        // SAFETY: the future is gone, and this is its thread.
        unsafe { self.end(false, own) };
    }

    /// Ends the task, whose future is gone.
    ///
    /// # Safety
    ///
    /// This is the home thread; there is an output in the stage if `has_output`.
    #[inline]
    pub(crate) unsafe fn end(self, has_output: bool, own: usize) {
        let header = self.header();
        let end = header.state.end(has_output, own);
        if end.drop_output {
            // SAFETY: there is an output, and the state says that it is ours.
            let payload = unsafe { (header.vtable.drop_output)(self.0) };
            header.report(Site::OutputDrop, payload);
        }
        if end.wake_joiner
            && let Some(joiner) = header.replace_joiner(None)
        {
            header.report(Site::Joiner, contain(|| joiner.wake()).err());
        }
    }

    /// Ends a task that nothing can wake any more, and frees it.
    ///
    /// # Safety
    ///
    /// This is the home thread, and nobody else has the cell.
    #[cold]
    pub(crate) unsafe fn end_orphan(self) {
        // SAFETY: this is the home thread.
        let _ = unsafe { self.abort(1) };
        // SAFETY: nobody else has the cell, and its task has ended.
        unsafe { self.free() };
    }

    /// Frees the cell.
    ///
    /// # Safety
    ///
    /// Nobody has a reference, and the task has ended.
    pub(crate) unsafe fn free(self) {
        let keep = |schedule: &S, layout: Layout, memory: NonNull<u8>| {
            // SAFETY: the memory is the global allocator's, of this layout, and left by the cell.
            unsafe { schedule.keep(layout, memory) }
        };
        // SAFETY: the contract is the same.
        unsafe { self.free_to(keep) };
    }

    /// Frees the cell, unless `keep` takes its memory: the global allocator's, of this layout, and nobody's.
    ///
    /// # Safety
    ///
    /// As for [`free`](Self::free).
    #[inline]
    pub(crate) unsafe fn free_to(self, keep: impl FnOnce(&S, Layout, NonNull<u8>) -> bool) {
        let header = self.header();
        if cfg!(any(loom, debug_assertions)) {
            assert!(
                header.replace_joiner(None).is_none(),
                "a joiner that nobody will wake"
            );
        }
        let layout = header.vtable.layout;
        // SAFETY: nobody else has the cell, and the schedule in it is not used again. Nothing else in it needs
        // a drop: the stage is empty, and so is the joiner slot.
        let schedule = unsafe { (&raw const header.schedule).read() };
        let memory = self.0.cast::<u8>();
        if !keep(&schedule, layout, memory) {
            // SAFETY: it is the global allocator's, of this layout, and was not kept.
            unsafe { dealloc(memory.as_ptr(), layout) };
        }
        if needs_drop::<S>() {
            discard(drop_contained(schedule));
        }
    }

    /// Drops the output, if there is one that belongs to the `TaskRef`s. Called on the home thread.
    pub(crate) fn drop_output(self) {
        let header = self.header();
        if header.state.has(OUTPUT) {
            header.state.clear(OUTPUT);
            // SAFETY: the state said that there was one, and from now on says that there is not.
            let payload = unsafe { (header.vtable.drop_output)(self.0) };
            header.report(Site::OutputDrop, payload);
        }
    }

    /// Shows the output, if there is one that belongs to the `TaskRef`s, and drops it. Called on the home
    /// thread, by who holds a reference.
    pub(crate) fn see_off(self, look: &mut dyn FnMut(Unseen<'_>)) {
        let header = self.header();
        if header.state.has(OUTPUT) {
            header.state.clear(OUTPUT);
            // SAFETY: the state said that there was one, and from now on says that there is not: what runs
            // in here finds nothing to take, and the caller's reference keeps the cell.
            let payload = unsafe { (header.vtable.see_off)(self.0, look) };
            header.report(Site::OutputDrop, payload);
        }
    }

    /// Takes the output, if there is one that belongs to the `TaskRef`s. Called on the home thread.
    #[track_caller]
    #[inline]
    pub(crate) fn take_output<T: 'static>(self) -> Option<Output<T>> {
        let header = self.header();
        if !header.state.has(OUTPUT) {
            return None;
        }
        // SAFETY: the state said that there was one, and says that there is not as soon as it is moved.
        let output = unsafe { self.copy_output() };
        header.state.clear(OUTPUT);
        Some(output)
    }

    /// Moves the output out, without a word to the state; it stays where it is not a `T`.
    ///
    /// # Safety
    ///
    /// It is there, and belongs to the caller.
    #[track_caller]
    #[inline]
    pub(crate) unsafe fn copy_output<T: 'static>(self) -> Output<T> {
        let mut output = MaybeUninit::<Output<T>>::uninit();
        let target = output.as_mut_ptr().cast();
        // SAFETY: there is one (contract), and room for one of the type named.
        let moved =
            unsafe { (self.header().vtable.take_output)(self.0, TypeId::of::<T>(), target) };
        if let Err(found) = moved {
            is_another(found, type_name::<T>());
        }
        // SAFETY: the call above has written it.
        unsafe { output.assume_init() }
    }

    /// Moves the output out.
    ///
    /// # Safety
    ///
    /// It is there, is a `T`, and belongs to the caller.
    #[inline]
    pub(crate) unsafe fn read_output<T>(self) -> Output<T> {
        let mut output = MaybeUninit::<Output<T>>::uninit();
        let target = output.as_mut_ptr().cast();
        // SAFETY: there is an output of this type (contract), and room for it.
        unsafe { (self.header().vtable.move_output)(self.0, target) };
        // SAFETY: the call above has written it.
        unsafe { output.assume_init() }
    }
}

#[cold]
#[track_caller]
fn is_another(found: &str, wanted: &str) -> ! {
    panic!("the output of this task is a {found}, not a {wanted}");
}
