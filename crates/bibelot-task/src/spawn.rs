//! The ways to make a task.

#![allow(unsafe_code, reason = "puts the future into the cell")]

use alloc::boxed::Box;
use core::future::Future;
use core::pin::Pin;

use crate::cell::Room;
use crate::join::JoinHandle;
use crate::pool::{NoPool, Pool};
use crate::raw::RawTask;
use crate::runnable::Runnable;
use crate::schedule::Schedule;
use crate::task_ref::TaskRef;

/// Makes a task of `future`, at home: one allocation.
///
/// The runnable is its first run. The future passes the stack once, on its way into the cell; if it may be
/// too large for that, see [`spawn_with`] and [`spawn_boxed`].
///
/// # Panics
///
/// Away from home.
#[inline]
#[track_caller]
pub fn spawn<F, S>(future: F, schedule: S) -> (Runnable<S>, TaskRef<S>)
where
    F: Future + 'static,
    S: Schedule,
{
    spawn_in(future, schedule, &NoPool)
}

/// The same in memory of `pool`, if that has some.
///
/// # Panics
///
/// Away from home.
#[inline]
#[track_caller]
pub fn spawn_in<F, S>(future: F, schedule: S, pool: &impl Pool) -> (Runnable<S>, TaskRef<S>)
where
    F: Future + 'static,
    S: Schedule,
{
    check_home(&schedule);
    let mut room = Room::<F, S>::new(pool);
    // SAFETY: there is room for it.
    unsafe { room.future().write(future) };
    // SAFETY: the future is in its place.
    handles(RawTask(unsafe { room.fill(schedule, false) }))
}

/// Makes a task of the future that `build` returns, at home, built where it stays.
///
/// As long as the compiler optimises, the future does not pass the stack: `build` writes it straight
/// into the cell. Without optimisation (`opt-level = 0`) it does, once; where that matters
/// [`spawn_boxed`] is what never moves it.
///
/// # Panics
///
/// Away from home, and when `build` panics; nothing is left behind.
#[inline]
#[track_caller]
pub fn spawn_with<F, S>(build: impl FnOnce() -> F, schedule: S) -> (Runnable<S>, TaskRef<S>)
where
    F: Future + 'static,
    S: Schedule,
{
    check_home(&schedule);
    let mut room = Room::<F, S>::new(&NoPool);
    // SAFETY: there is room for it.
    unsafe { room.future().write(build()) };
    // SAFETY: the future is in its place.
    handles(RawTask(unsafe { room.fill(schedule, false) }))
}

/// Makes a task of a future that has an allocation of its own, at home: it stays there, and only the
/// pointer moves.
///
/// # Panics
///
/// Away from home.
#[inline]
#[track_caller]
pub fn spawn_boxed<F, S>(future: Pin<Box<F>>, schedule: S) -> (Runnable<S>, TaskRef<S>)
where
    F: Future + ?Sized + 'static,
    S: Schedule,
{
    spawn(future, schedule)
}

/// Makes a task of `future`, at home, with a handle that waits for it from any thread.
///
/// The output belongs to the [`JoinHandle`], not to the [`TaskRef`].
///
/// # Panics
///
/// Away from home.
#[inline]
#[track_caller]
pub fn spawn_joinable<F, S>(
    future: F,
    schedule: S,
) -> (Runnable<S>, TaskRef<S>, JoinHandle<F::Output, S>)
where
    F: Future + 'static,
    S: Schedule,
{
    check_home(&schedule);
    let mut room = Room::<F, S>::new(&NoPool);
    // SAFETY: there is room for it.
    unsafe { room.future().write(future) };
    // SAFETY: the future is in its place.
    let task = RawTask(unsafe { room.fill(schedule, true) });
    let (runnable, task_ref) = handles(task);
    (runnable, task_ref, JoinHandle::new(task))
}

/// The handles that a new cell counts.
#[inline(always)]
fn handles<S: Schedule>(task: RawTask<S>) -> (Runnable<S>, TaskRef<S>) {
    (Runnable(task), TaskRef::new(task))
}

#[inline(always)]
#[track_caller]
fn check_home<S: Schedule>(schedule: &S) {
    assert!(
        schedule.is_home(),
        "a task is spawned at its home, and this is not it"
    );
}
