//! The scheduler's side: where a task's runnables go, and which thread is its home.

#![allow(
    unsafe_code,
    reason = "which thread is home is the executor's word, and all relies on it"
)]

use core::alloc::Layout;
use core::ptr::NonNull;
use core::task::RawWakerVTable;

use crate::panic::{PanicPayload, Site, discard};
use crate::runnable::Runnable;
use crate::waker::waker_table;

/// Decides where a woken task goes. Each task holds one in its cell.
///
/// Typically a few numbers: which executor, which task. An executor whose identity is a number drawn
/// from a process-wide counter and never used again makes [`is_home`](Self::is_home) a comparison
/// against a thread-local.
///
/// # Safety
///
/// - [`is_home`](Self::is_home) may answer `true` on one thread only over the whole life of this value,
///   the one on which the task was spawned, and only while the home on that thread lasts. `false` is
///   always right, and only costs speed.
/// - [`WAKERS`](Self::WAKERS) refers to a table made by [`waker_table`] for this type.
/// - [`is_home`](Self::is_home) does not panic, nor does [`keep`](Self::keep).
/// - What [`keep`](Self::keep) answers `true` to is freed with that layout if it is not given out again.
pub unsafe trait Schedule: Send + Sync + Sized + 'static {
    /// The table of the tasks' wakers.
    ///
    /// A task that waits for another one of the same scheduler is told by its table, and takes a word of the
    /// other's cell; any other waker takes a box. The default is as many tables as the compiler makes of it: who
    /// wants one refers to a `static` that holds it.
    const WAKERS: &'static RawWakerVTable = &waker_table::<Self>();

    /// Whether this thread is the task's home.
    fn is_home(&self) -> bool;

    /// Takes a task that was woken at home. It is not called while the task is being polled: such a wake
    /// comes out of [`Runnable::run`] instead.
    ///
    /// Dropping the runnable abandons the task. A panic is contained and reported.
    fn push(&self, runnable: Runnable<Self>);

    /// Takes a task that was woken away from home, to be carried there.
    ///
    /// This may also be called after the home has ended; the runnable is then dropped. A panic is
    /// contained and reported.
    fn push_foreign(&self, runnable: Runnable<Self>);

    /// Takes the memory of a cell that was freed, on whichever thread that was, to give it to a later task
    /// from a [`Pool`](crate::Pool); whether it does. What is not taken is freed.
    ///
    /// By default nothing is taken.
    ///
    /// # Safety
    ///
    /// As for [`Pool::keep`](crate::Pool::keep).
    unsafe fn keep(&self, layout: Layout, memory: NonNull<u8>) -> bool {
        let _ = (layout, memory);
        false
    }

    /// Hears of a panic that was contained and is no task's result, on the thread where it happened.
    ///
    /// By default nothing is done: the panic hook has already printed it. A panic in here is
    /// swallowed.
    fn report(&self, site: Site, payload: PanicPayload) {
        let _ = site;
        discard(Some(payload));
    }
}
