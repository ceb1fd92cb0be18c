//! What happens to a task: the transitions of its state, carried out on its cell.
//!
//! Runnables, references, join handles and wakers are thin owners around this one pointer.

#![allow(
    unsafe_code,
    reason = "acts on the cell behind a pointer that the handles count"
)]

use core::alloc::Layout;
use core::ptr::NonNull;
use core::task::Waker;

use crate::cell::Header;
use crate::count::Drop;
use crate::panic::{Site, contain, drop_contained};
use crate::runnable::Runnable;
use crate::schedule::Schedule;
use crate::state::{ENDED, Wake};

/// A pointer to a cell that lives: whoever has it holds a counted reference, or borrows from one who
/// does.
pub(crate) struct RawTask<S: Schedule>(pub(crate) NonNull<Header<S>>);

impl<S: Schedule> Clone for RawTask<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Schedule> Copy for RawTask<S> {}

impl<S: Schedule> RawTask<S> {
    #[inline(always)]
    pub(crate) fn header(&self) -> &Header<S> {
        // SAFETY: the cell lives (what the type says).
        unsafe { self.0.as_ref() }
    }

    #[inline(always)]
    pub(crate) fn is_home(&self) -> bool {
        self.header().schedule.is_home()
    }

    /// Counts one more reference.
    #[inline]
    pub(crate) fn acquire(self) {
        self.header().state.acquire(self.is_home());
    }

    /// Lets go of a waker or join handle.
    ///
    /// # Safety
    ///
    /// The caller owns one counted reference, and does not use it again.
    #[inline]
    pub(crate) unsafe fn release(self) {
        // SAFETY: the contract is the same.
        unsafe { self.release_from(self.is_home()) };
    }

    /// # Safety
    ///
    /// As for [`release`](Self::release); `home` only on the home thread.
    #[inline(always)]
    unsafe fn release_from(self, home: bool) {
        if home && self.header().state.release_home() {
            return;
        }
        // SAFETY: the contract is the same.
        unsafe { self.release_word(home) };
    }

    /// # Safety
    ///
    /// As for [`release_from`](Self::release_from).
    #[inline(never)]
    unsafe fn release_word(self, home: bool) {
        match self.header().state.release_word() {
            Drop::Nothing => {}
            // SAFETY: it was the last reference, and the task has ended.
            Drop::Free => unsafe { self.free() },
            // SAFETY: this is the home thread, and nobody else has the cell.
            Drop::Orphan if home => unsafe { self.end_orphan() },
            Drop::Orphan => self.send_orphan_home(),
        }
    }

    /// Lets go of a runnable.
    ///
    /// # Safety
    ///
    /// As for [`release`](Self::release).
    #[inline(always)]
    pub(crate) unsafe fn release_runnable(self, home: bool) {
        if home {
            // SAFETY: the contract is the same.
            return unsafe { self.release_from(true) };
        }
        match self.header().state.release_word() {
            Drop::Nothing => {}
            // SAFETY: it was the last reference, and the task has ended.
            Drop::Free => unsafe { self.free() },
            // A future that may not be dropped here, and nobody to carry it home: leaked.
            Drop::Orphan => {}
        }
    }

    /// Wakes the task.
    #[inline]
    pub(crate) fn wake(self) {
        let home = self.is_home();
        let state = &self.header().state;
        let wake = if home {
            state.wake_home()
        } else {
            state.wake_away()
        };
        if let Wake::Push = wake {
            self.push(home);
        }
    }

    /// Wakes the task and lets go of the waker.
    ///
    /// # Safety
    ///
    /// As for [`release`](Self::release).
    #[inline]
    pub(crate) unsafe fn wake_by_value(self) {
        let home = self.is_home();
        let state = &self.header().state;
        let wake = if home {
            state.wake_home()
        } else {
            state.wake_away()
        };
        if let Wake::Push = wake {
            self.push(home);
        }
        // SAFETY: the contract is the same. If the home ended meanwhile, this is still its thread.
        unsafe { self.release_from(home) };
    }

    /// Asks for the end of the task, which the next run brings.
    pub(crate) fn ask_end(self) {
        let home = self.is_home();
        let state = &self.header().state;
        let wake = if home {
            state.ask_home()
        } else {
            state.ask_away()
        };
        if let Wake::Push = wake {
            self.push(home);
        }
    }

    /// Makes the runnable that a wake asked for. The caller's reference keeps the scheduler's part of the
    /// cell alive meanwhile.
    #[inline]
    fn push(self, home: bool) {
        self.header().state.acquire(home);
        let runnable = Runnable(self);
        let schedule = &self.header().schedule;
        let pushed = contain(|| {
            if home {
                schedule.push(runnable);
            } else {
                schedule.push_foreign(runnable);
            }
        });
        if let Err(payload) = pushed {
            self.header().report(Site::Push, Some(payload));
        }
    }

    /// Has the last reference carried home, where the future can be dropped.
    #[cold]
    fn send_orphan_home(self) {
        match self.header().state.ask_away() {
            Wake::Push => {
                self.push(false);
                // SAFETY: the reference that was last is still counted, and ours. Should the runnable
                // have been dropped in here, this leaks, as there is nobody to carry it.
                unsafe { self.release_runnable(false) };
            }
            // The runnable that was to carry it has been dropped away from home.
            Wake::Nothing => {}
        }
    }

    /// Lets go of a `TaskRef`. A cell that is freed with it goes to `keep`.
    ///
    /// # Safety
    ///
    /// This is the home thread; the caller owns a held reference, and does not use it again.
    #[inline]
    pub(crate) unsafe fn unhold(self, keep: impl FnOnce(&S, Layout, NonNull<u8>) -> bool) {
        let state = &self.header().state;
        if !state.unhold() {
            return;
        }
        // The output may have a reference to its own task, or run code that looks for one.
        self.drop_output();
        match state.fold() {
            Drop::Nothing => {}
            // SAFETY: it was the last reference, and the task has ended.
            Drop::Free => unsafe { self.free_to(keep) },
            // SAFETY: this is the home thread, and nobody else has the cell.
            Drop::Orphan => unsafe { self.end_orphan() },
        }
    }

    /// Puts a waker into the joiner slot of the `TaskRef`s, or takes it out. Called on the home thread.
    pub(crate) fn swap_joiner(self, joiner: Option<Waker>) -> Option<Waker> {
        self.header().replace_joiner(joiner)
    }

    /// Drops what was the user's, reporting a panic.
    pub(crate) fn drop_joiner(self, joiner: Option<Waker>) {
        if let Some(joiner) = joiner {
            self.header().report(Site::Joiner, drop_contained(joiner));
        }
    }

    pub(crate) fn is_ended(self) -> bool {
        self.header().state.has(ENDED)
    }
}
