//! Tasks for a kernel, from outside.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bibelot_kernel::{
    KernelHandle, TaskBuilder, TaskError, TaskName, Wait, WaitFuture, shield, wait_future,
};
use bibelot_sync::{OneshotReceiver, OneshotSender, block_on, oneshot};

use super::carried::Carried;

/// Has a task made at a kernel, and waits for it wherever one is: in a task of another kernel, under another
/// executor, or in a plain thread by [`RunAt::wait_blocking`].
///
/// `make` is called there, in the new task; its future need not be [`Send`].
///
/// asyncio: `run_coroutine_threadsafe`. tokio: `Handle::spawn` from outside.
///
/// # Errors
///
/// As a join's: a task's own `Err` is part of its value. [`TaskError::Aborted`] also says that the kernel
/// had ended or ended first, and [`TaskError::Interrupted`] that the waiter was asked to stop.
///
/// # Cancellation
///
/// Leaves at once. Then, as when it is dropped, the task is cancelled, and cleans up on its own; see
/// [`RunAt::detach`]. One that has not begun never begins. What it fails with when nobody waits for it any
/// more is told to the [crash hook](crate::set_crash_hook).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{KernelHandle, bridge::run_at, run_in_thread, sleep};
///
/// # bibelot::run(async {
/// let kernel = KernelHandle::try_current().unwrap();
/// let thread = run_in_thread(move || {
///     // A plain thread has a kernel sleep for it.
///     run_at(&kernel, || async { sleep(Duration::from_millis(1)).await.is_ok() }).wait_blocking()
/// });
/// assert!(thread.await??);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
#[doc(alias = "run_coroutine_threadsafe")]
pub fn run_at<F>(
    kernel: &KernelHandle,
    make: impl FnOnce() -> F + Send + 'static,
) -> RunAt<F::Output>
where
    F: Future<Output: Send + 'static> + 'static,
{
    let (sender, ended) = oneshot();
    let place = Arc::new(Mutex::new(Place::Waits));
    let there = place.clone();
    let site = Location::caller();
    // A kernel that has ended drops it, and with it the sender.
    let _posted = kernel.post(move || begin(&there, make, sender, site));
    RunAt {
        ended: Some(wait_future(Wait::Join, ended)),
        place,
    }
}

/// How far the task is.
enum Place {
    /// The kernel has not come to it.
    Waits,
    /// It is this one.
    Runs(TaskName),
    /// Nobody waits for it any more.
    Left,
}

fn lock(place: &Mutex<Place>) -> MutexGuard<'_, Place> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the task, at its kernel.
fn begin<F>(
    place: &Mutex<Place>,
    make: impl FnOnce() -> F + 'static,
    sender: OneshotSender<Carried<F::Output>>,
    site: &'static Location<'static>,
) where
    F: Future<Output: Send + 'static> + 'static,
{
    if matches!(*lock(place), Place::Left) {
        return;
    }
    let task = TaskBuilder::new()
        .at(site)
        .spawn(async move { make().await });
    let name = task.name_it();
    let was_left = {
        let mut place = lock(place);
        let was_left = matches!(*place, Place::Left);
        if !was_left {
            *place = Place::Runs(name);
        }
        was_left
    };
    if was_left {
        name.cancel_nowait();
    }
    // It only carries the end over, and so waits for it whoever else is asked to stop.
    let carrier = TaskBuilder::new().daemon().spawn(async move {
        let ended = shield(task.join()).await;
        drop(sender.send(Carried::new(ended, Some(name.id()))));
    });
    carrier.detach();
}

/// The future of [`run_at`].
#[must_use = "dropped, it cancels the task"]
pub struct RunAt<T: 'static> {
    ended: Option<WaitFuture<OneshotReceiver<Carried<T>>>>,
    place: Arc<Mutex<Place>>,
}

impl<T> RunAt<T> {
    /// Lets the task go on without anybody who waits for it.
    pub fn detach(mut self) {
        self.ended = None;
    }

    /// Waits for the task in a plain thread. Let no task call it.
    ///
    /// # Errors
    ///
    /// As [`run_at`].
    pub fn wait_blocking(self) -> Result<T, TaskError> {
        block_on(self)
    }

    /// Asks the task to stop, and goes on waiting for it.
    pub fn cancel_nowait(&self) {
        let old = {
            let mut place = lock(&self.place);
            match *place {
                Place::Runs(name) => Some(name),
                Place::Waits => {
                    *place = Place::Left;
                    None
                }
                Place::Left => None,
            }
        };
        if let Some(name) = old {
            name.cancel_nowait();
        }
    }
}

impl<T> Future for RunAt<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(ended) = &mut self.ended else {
            panic!("a wait for a task elsewhere was polled after its end");
        };
        let result = match ready!(Pin::new(ended).poll(context)) {
            Ok(Ok(carried)) => carried.arrive(),
            Ok(Err(_gone)) => Err(TaskError::Aborted),
            Err(told) => {
                self.cancel_nowait();
                Err(told.into())
            }
        };
        self.ended = None;
        Poll::Ready(result)
    }
}

impl<T> Drop for RunAt<T> {
    fn drop(&mut self) {
        if self.ended.is_some() {
            self.cancel_nowait();
        }
    }
}

impl<T> fmt::Debug for RunAt<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunAt")
            .field("is_over", &self.ended.is_none())
            .finish_non_exhaustive()
    }
}
