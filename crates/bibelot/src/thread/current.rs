//! What a job can ask about itself, from anywhere in its call stack.

use std::cell::RefCell;
use std::sync::Arc;

/// Something that may be left by whoever waited for it.
pub(super) trait Abandonable: Send + Sync {
    fn is_abandoned(&self) -> bool;
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn Abandonable>>> = const { RefCell::new(None) };
}

/// Whether nobody waits any more for the job that runs on this thread: a long one looks from time to
/// time, and ends early.
///
/// It is for jobs of [`run_in_thread`](crate::run_in_thread) and its relatives, and for async threads;
/// elsewhere it is `false`. It takes a lock that is hardly ever contended: look every few microseconds of
/// work, not in the innermost loop.
///
/// # Examples
///
/// ```no_run
/// # fn work_a_little() -> bool { true }
/// # async fn start() -> bibelot::Result<()> {
/// let found = bibelot::run_in_thread(|| {
///     while !bibelot::is_abandoned() {
///         if work_a_little() {
///             return true;
///         }
///     }
///     false
/// })
/// .await?;
/// # assert!(found);
/// # bibelot::Ok(()) }
/// ```
#[must_use]
pub fn is_abandoned() -> bool {
    // At the very end of a thread there is no job any more.
    CURRENT
        .try_with(|current| {
            let current = current.borrow();
            current.as_ref().is_some_and(|job| job.is_abandoned())
        })
        .unwrap_or(false)
}

/// Makes `job` the one of this thread until the guard is dropped.
pub(super) fn enter(job: Arc<dyn Abandonable>) -> Entered {
    Entered(CURRENT.replace(Some(job)))
}

/// A job runs on this thread.
#[must_use]
pub(super) struct Entered(Option<Arc<dyn Abandonable>>);

impl Drop for Entered {
    fn drop(&mut self) {
        let job = CURRENT.replace(self.0.take());
        drop(job);
    }
}
