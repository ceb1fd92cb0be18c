//! The tag: what a task's cell knows of its kernel, and how a wake finds its way back.

#![allow(
    unsafe_code,
    reason = "the schedule contract of bibelot-task is an unsafe trait"
)]

use std::alloc::Layout;
use std::ptr::NonNull;
use std::task::RawWakerVTable;

use bibelot_sched::Wake;
use bibelot_task::{PanicPayload, Pool, Runnable, Schedule, Site, waker_table};

use crate::home::{self, KernelId};
use crate::ready::Item;
use crate::remote;
use crate::unseen;

/// One for all tasks, so that a task that waits for another is known by it.
static WAKERS: RawWakerVTable = waker_table::<Tag>();

/// Names a task to its own cell: its kernel, and its slot in the kernel's table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag {
    pub kernel: KernelId,
    pub slot: u32,
}

// SAFETY: `is_here` compares the kernel's number, which is drawn once and never reused, with the number
// of the kernel that this thread serves. A kernel is `!Send` and a thread's number is set only by
// `home::move_in` on the thread that built the kernel, so at most one thread ever answers `true`, and
// it is the one on which the kernel runs its tasks. The kernel ends every cell's home before its
// number leaves the thread. What `keep` takes
// goes to the spares, which free it with its layout or give it out again.
unsafe impl Schedule for Tag {
    const WAKERS: &'static RawWakerVTable = &WAKERS;

    #[inline]
    fn is_home(&self) -> bool {
        home::is_here(self.kernel)
    }

    #[inline]
    fn push(&self, runnable: Runnable<Self>) {
        let pushed = home::with(|core| {
            core.records.ready(self.slot);
            core.push_ready(Item::Task(runnable), Wake::Woken);
        });
        debug_assert!(pushed.is_some(), "a home wake finds its kernel");
    }

    #[inline]
    unsafe fn keep(&self, layout: Layout, memory: NonNull<u8>) -> bool {
        let kept = home::with_kernel(self.kernel, |core| {
            // SAFETY: the contract is the same.
            unsafe { core.spares.keep(layout, memory) }
        });
        kept.unwrap_or(false)
    }

    fn report(&self, site: Site, payload: PanicPayload) {
        unseen::report_drop(self, site, payload);
    }

    fn push_foreign(&self, runnable: Runnable<Self>) {
        remote::of(self.kernel).wake_task(self.kernel, runnable);
    }
}
