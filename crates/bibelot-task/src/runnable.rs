//! The right to poll a task once.

#![allow(unsafe_code, reason = "polls the future in the cell")]

use core::fmt;
use core::task::Context;

use crate::cell::Polled;
use crate::raw::RawTask;
use crate::schedule::Schedule;
use crate::state::{Begin, Park};
use crate::waker::{WakerData, uncounted};

/// The right to poll a task once.
///
/// The first comes from the spawn, each later one from a wake of the task while it was parked, through
/// [`Schedule::push`] or [`push_foreign`](Schedule::push_foreign). It may travel over threads, but runs
/// at home only. One pointer wide, also in an `Option`.
///
/// # Cancellation
///
/// Dropping it at home abandons the task: its future is dropped there and then (or right after the poll
/// under way), and whoever waits for the task learns that it was aborted. Dropped anywhere else it must not
/// touch the future: the task is not run again, and its future stays until a [`TaskRef`](crate::TaskRef)
/// aborts it or ends its home. Without one it is leaked.
#[must_use = "a runnable that is dropped abandons its task"]
pub struct Runnable<S: Schedule>(pub(crate) RawTask<S>);

// SAFETY: what it does away from home is to be dropped, which does not touch the future, and to lend
// the schedule, which is `Sync`. A run asks first whether this is the home.
unsafe impl<S: Schedule> Send for Runnable<S> {}
// SAFETY: as above.
unsafe impl<S: Schedule> Sync for Runnable<S> {}

/// What a run came to.
///
/// Over its life a task gives one of `Returned`, `Panicked` and `Aborted` to one run at most. None, if it
/// was ended from outside of a run: by [`TaskRef::abort`](crate::TaskRef::abort),
/// [`TaskRef::end_home`](crate::TaskRef::end_home), or the drop of a runnable.
#[must_use = "a woken task must be queued again"]
pub enum Ran<S: Schedule> {
    /// The task waits for a wake.
    Parked,
    /// The task was woken while it was being polled: it is to be queued again, behind all that is ready.
    Woken(Runnable<S>),
    /// The future returned its output.
    Returned,
    /// The future panicked; the payload is the output.
    Panicked,
    /// The future was dropped as somebody had asked, before the poll or during it.
    Aborted,
    /// There was nothing to do: the task has ended before, or it was polled by another runnable since the
    /// wake, or this is a run inside its own poll.
    Stale,
}

impl<S: Schedule> Runnable<S> {
    /// Polls the task once, at its home.
    ///
    /// Panics of the future are contained. The waker that the poll is given costs no count.
    ///
    /// # Panics
    ///
    /// Away from home; the runnable is then dropped as anywhere else.
    #[inline]
    #[track_caller]
    pub fn run(self) -> Ran<S> {
        match self.begin() {
            Some(running) => running.run(),
            None => Ran::Stale,
        }
    }

    /// Begins a run, for who has something to set up before it; `None` if there is nothing to run, which
    /// dissolves the runnable. Wakes that come from now on are answered after the run.
    ///
    /// # Panics
    ///
    /// Away from home; the runnable is then dropped as anywhere else.
    #[inline]
    #[track_caller]
    pub fn begin(self) -> Option<Running<S>> {
        assert!(
            self.0.is_home(),
            "a task runs only at its home, and this is not it, or not any more"
        );
        let task = self.0;
        // The reference of this runnable is in our hands from here on.
        core::mem::forget(self);
        match task.header().state.begin() {
            Begin::Poll => Some(Running { task, drops: false }),
            Begin::Drop => Some(Running { task, drops: true }),
            Begin::Nothing => {
                // SAFETY: the runnable's reference, not used again.
                unsafe { task.release_runnable(true) };
                None
            }
        }
    }

    /// Whether the task has ended, so that a run would come to nothing. At home it stays true once it is.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.0.is_ended()
    }

    /// Gives the runnable back if a run would do something; else it is dissolved, and the task stays as it is.
    /// A task that was woken at home and from another thread has two, and one run answers for both.
    ///
    /// # Panics
    ///
    /// Away from home; the runnable is then dropped as anywhere else.
    #[inline]
    #[must_use]
    #[track_caller]
    pub fn if_wanted(self) -> Option<Self> {
        assert!(
            self.0.is_home(),
            "only at its home is it known whether a task is to run"
        );
        if self.0.header().state.is_wanted() {
            return Some(self);
        }
        self.dissolve()
    }

    #[cold]
    fn dissolve(self) -> Option<Self> {
        if !self.0.header().state.dissolve() {
            return Some(self);
        }
        let task = self.0;
        core::mem::forget(self);
        // SAFETY: the runnable's reference, not used again.
        unsafe { task.release_runnable(true) };
        None
    }

    /// The scheduler's part of the task.
    #[must_use]
    pub fn schedule(&self) -> &S {
        &self.0.header().schedule
    }
}

/// A run that has begun: the poll comes next, or the drop of a future whose end was asked for.
///
/// # Cancellation
///
/// Dropping it abandons the task: its future is dropped there and then.
#[must_use = "a task whose run is dropped is abandoned"]
pub struct Running<S: Schedule> {
    task: RawTask<S>,
    /// The future is to be dropped, not polled.
    drops: bool,
}

impl<S: Schedule> Running<S> {
    /// Does what the run is for; see [`Runnable::run`].
    #[inline]
    pub fn run(self) -> Ran<S> {
        let Self { task, drops } = self;
        core::mem::forget(self);
        let ran = if drops {
            // SAFETY: this is the home, where the run began, and the state says so.
            unsafe { task.drop_future(1) };
            Ran::Aborted
        } else {
            match Self::poll(task) {
                Polled::Pending => match task.header().state.park() {
                    Park::Woken => return Ran::Woken(Runnable(task)),
                    Park::Parked => Ran::Parked,
                    Park::Drop => {
                        // SAFETY: this is the home, and the state says so.
                        unsafe { task.drop_future(1) };
                        Ran::Aborted
                    }
                },
                polled => {
                    // SAFETY: this is the home, and the poll has left an output.
                    unsafe { task.end(true, 1) };
                    if polled == Polled::Returned {
                        Ran::Returned
                    } else {
                        Ran::Panicked
                    }
                }
            }
        };
        // SAFETY: the runnable's reference, not used again.
        unsafe { task.release_runnable(true) };
        ran
    }

    #[inline(always)]
    fn poll(task: RawTask<S>) -> Polled {
        // SAFETY: the runnable's reference keeps the cell; the waker is not dropped.
        let waker = unsafe { uncounted(task) };
        // SAFETY: the state says `RUNNING`, which gives us the future until the poll is over.
        unsafe { (task.header().vtable.poll)(task.0, &mut Context::from_waker(&waker)) }
    }

    /// The scheduler's part of the task.
    #[must_use]
    pub fn schedule(&self) -> &S {
        &self.task.header().schedule
    }

    /// Tells the task's own waker from others, see [`is_waker_of`](crate::is_waker_of).
    #[must_use]
    pub fn waker_data(&self) -> WakerData {
        WakerData::new(self.task)
    }
}

impl<S: Schedule> Drop for Running<S> {
    fn drop(&mut self) {
        if !self.drops {
            self.task.header().state.give_up();
        }
        // SAFETY: a run begins and stays at home, and the state says that the future is to be dropped.
        unsafe { self.task.drop_future(1) };
        // SAFETY: the runnable's reference goes with it.
        unsafe { self.task.release_runnable(true) };
    }
}

impl<S: Schedule> Drop for Runnable<S> {
    fn drop(&mut self) {
        let home = self.0.is_home();
        if home {
            // SAFETY: this is the home thread.
            let _ = unsafe { self.0.abort(1) };
        }
        // SAFETY: the runnable's reference goes with it.
        unsafe { self.0.release_runnable(home) };
    }
}

impl<S: Schedule> fmt::Debug for Runnable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runnable").field(&self.0.0).finish()
    }
}

impl<S: Schedule> fmt::Debug for Running<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Running").field(&self.task.0).finish()
    }
}

impl<S: Schedule> fmt::Debug for Ran<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ran::Parked => "Parked",
            Ran::Woken(_) => "Woken",
            Ran::Returned => "Returned",
            Ran::Panicked => "Panicked",
            Ran::Aborted => "Aborted",
            Ran::Stale => "Stale",
        })
    }
}
