//! The home's handle to a task, whatever its type.

#![allow(
    unsafe_code,
    reason = "is not `Send`, and that is why what it does is sound"
)]

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::task::Waker;

use crate::cell::{Output, Unseen};
use crate::pool::Pool;
use crate::raw::RawTask;
use crate::schedule::Schedule;
use crate::state::{Abort, ENDED, JOINABLE, JOINER, OUTPUT};
use crate::waker::{WakerData, uncounted};

/// The home's handle to a task, whatever its type.
///
/// It stays on the thread where the task was spawned. While one lives, references made and dropped at
/// home cost no atomics. With the last, the home gives up counting: one atomic step, and every later
/// count is atomic; a task that has not ended goes on, detached, and is dropped when nothing can wake
/// it any more. An output that nobody took is dropped with the last one as well.
pub struct TaskRef<S: Schedule>(pub(crate) RawTask<S>, PhantomData<*const ()>);

/// What an abort came to.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aborted {
    /// The future has been dropped.
    Dropped,
    /// The task is being polled further up the stack: its future is dropped when that poll leaves
    /// it pending. Should the poll return a value, the task has returned, not been aborted.
    AfterPoll,
    /// The task had ended before.
    HadEnded,
}

impl<S: Schedule> TaskRef<S> {
    /// Takes over one held reference; called on the home thread.
    pub(crate) fn new(task: RawTask<S>) -> Self {
        Self(task, PhantomData)
    }

    /// The scheduler's part of the task.
    #[must_use]
    pub fn schedule(&self) -> &S {
        &self.0.header().schedule
    }

    /// Wakes the task.
    #[inline]
    pub fn wake(&self) {
        self.0.wake();
    }

    /// A waker of the task, the same that its polls are given.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.0.header().state.acquire(true);
        // SAFETY: a reference has just been counted for it.
        ManuallyDrop::into_inner(unsafe { uncounted(self.0) })
    }

    /// Tells the task's own waker from others, see [`is_waker_of`](crate::is_waker_of).
    #[must_use]
    pub fn waker_data(&self) -> WakerData {
        WakerData::new(self.0)
    }

    /// Whether the future is gone. True already while it is being dropped by an abort.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.is_ended()
    }

    /// Ends the task: its future is dropped before this returns, unless it is being polled.
    ///
    /// A panic of the future's drop is contained and [reported](Schedule::report). A queued runnable of the
    /// task comes to nothing.
    pub fn abort(&self) -> Aborted {
        // SAFETY: this type never leaves the home thread.
        match unsafe { self.0.abort(0) } {
            Abort::Drop => Aborted::Dropped,
            Abort::AfterPoll => Aborted::AfterPoll,
            Abort::HadEnded => Aborted::HadEnded,
        }
    }

    /// Takes what the task came to, if it ended and nobody took it yet.
    ///
    /// `None` also for a task that was aborted, and for one with a
    /// [`JoinHandle`](crate::JoinHandle), which gives the output to that.
    ///
    /// # Panics
    ///
    /// If there is an output, and it is not a `T`. It stays.
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn take_output<T: 'static>(&self) -> Option<Output<T>> {
        self.0.take_output()
    }

    /// Takes what the task came to, as by [`take_output`](Self::take_output), and lets go of the reference, as by
    /// [`drop_in`](Self::drop_in): in one step if this was all that there was of the task.
    ///
    /// # Panics
    ///
    /// As `take_output`.
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn into_output<T: 'static>(self, pool: &impl Pool) -> Option<Output<T>> {
        if !self.0.header().state.is_sole_with_output() {
            let output = self.take_output();
            self.drop_in(pool);
            return output;
        }
        // SAFETY: the state says that there is one, and the cell is not looked at again but to be freed.
        let output = unsafe { self.0.copy_output() };
        let task = ManuallyDrop::new(self);
        let keep = |_: &S, layout: Layout, memory: NonNull<u8>| {
            // SAFETY: the memory is the global allocator's, of this layout, and left by the cell.
            unsafe { pool.keep(layout, memory) }
        };
        // SAFETY: nobody else has the cell, and the task has ended.
        unsafe { task.0.free_to(keep) };
        Some(output)
    }

    /// Whether the task came to something that nobody took yet.
    #[must_use]
    #[inline]
    pub fn has_output(&self) -> bool {
        self.0.header().state.has(OUTPUT)
    }

    /// Lets go of what the task came to, if it ended and nobody took it, and shows it to `look` first,
    /// whatever its type: so that failures are not lost with it. Values without a size are not shown.
    ///
    /// A panic of `look` or of the value's drop is contained and [reported](Schedule::report).
    pub fn see_off(&self, mut look: impl FnMut(Unseen<'_>)) {
        self.0.see_off(&mut look);
    }

    /// Has `waker` woken when the task ends; it takes the place of the one before.
    ///
    /// `false` means that the task has ended, and nothing was kept.
    ///
    /// # Panics
    ///
    /// If the task has a [`JoinHandle`](crate::JoinHandle), to which the one place belongs.
    #[track_caller]
    pub fn set_joiner(&self, waker: &Waker) -> bool {
        let header = self.0.header();
        assert!(
            !header.state.has(JOINABLE),
            "the joiner of this task is its join handle"
        );
        if header.state.has(ENDED) {
            return false;
        }
        if header.state.has(JOINER) && header.has_joiner(waker) {
            return true;
        }
        let waker = waker.clone();
        // The clone was the user's code: it may have ended the task.
        if header.state.has(ENDED) {
            self.0.drop_joiner(Some(waker));
            return false;
        }
        header.state.set(JOINER);
        let before = self.0.swap_joiner(Some(waker));
        self.0.drop_joiner(before);
        true
    }

    /// Takes out the waker that [`set_joiner`](Self::set_joiner) put in, if the task has not ended.
    pub fn take_joiner(&self) -> Option<Waker> {
        let state = &self.0.header().state;
        if !state.has(JOINER) {
            return None;
        }
        state.clear(JOINER);
        self.0.swap_joiner(None)
    }

    /// Lets go of the reference. If the cell is freed with it, `pool` may keep its memory.
    #[inline]
    pub fn drop_in(self, pool: &impl Pool) {
        let task = ManuallyDrop::new(self);
        let keep = |_: &S, layout: Layout, memory: NonNull<u8>| {
            // SAFETY: the memory is the global allocator's, of this layout, and left by the cell.
            unsafe { pool.keep(layout, memory) }
        };
        // SAFETY: this type never leaves the home thread, and one held reference goes with it.
        unsafe { task.0.unhold(keep) };
    }

    /// Ends the home of this task, as far as this reference goes: the future is dropped (as in
    /// [`abort`](Self::abort)), and so is an output that nobody took.
    ///
    /// With the last reference the home gives up counting, and the last waker or handle frees the cell, on
    /// whichever thread. An executor calls this for every task that it has, before it ends. One
    /// that does not leaks what other threads still have wakers for.
    pub fn end_home(self) -> Aborted {
        let aborted = self.abort();
        self.0.drop_output();
        aborted
    }
}

impl<S: Schedule> Clone for TaskRef<S> {
    fn clone(&self) -> Self {
        self.0.header().state.hold();
        Self(self.0, PhantomData)
    }
}

impl<S: Schedule> Drop for TaskRef<S> {
    #[inline]
    fn drop(&mut self) {
        let keep = |schedule: &S, layout: Layout, memory: NonNull<u8>| {
            // SAFETY: the memory is the global allocator's, of this layout, and left by the cell.
            unsafe { schedule.keep(layout, memory) }
        };
        // SAFETY: this type never leaves the home thread, and one held reference goes with it.
        unsafe { self.0.unhold(keep) };
    }
}

impl<S: Schedule> fmt::Debug for TaskRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRef")
            .field("cell", &self.0.0)
            .field("ended", &self.is_ended())
            .finish()
    }
}
