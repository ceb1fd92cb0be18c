//! Futures for another executor.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bibelot_kernel::{Panic, TaskError, Wait, WaitFuture, wait_future};
use bibelot_sync::{OneshotReceiver, OneshotSender, oneshot};

use super::carried::Carried;
use crate::WorkerError;

/// A future as other executors take it: to be polled to its end there, or to be dropped.
pub type Handed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs `future` on another executor, and waits here for what it gives.
///
/// `hand_over` is called at the first poll, with a future for that executor's `spawn`; it must not block.
///
/// Curio: `AsyncioLoop.run_asyncio` (until 2019), with tokio, async-std or any other in asyncio's place.
///
/// # Errors
///
/// [`WorkerError::Panicked`] when the future panicked; [`WorkerError::NoThread`] when the executor dropped
/// it before its end; [`WorkerError::Cancelled`].
///
/// # Cancellation
///
/// Leaves at once, also when it is dropped. The future is dropped where it runs, as soon as its executor
/// polls it again, for which it is woken; one that has not begun is never polled.
///
/// # Examples
///
/// With tokio, `hand_over` is `move |job| drop(handle.spawn(job))`.
///
/// ```
/// # bibelot::run(async {
/// // The smallest executor there is: a thread for each future.
/// let somewhere = |job| drop(std::thread::spawn(|| bibelot_sync::block_on(job)));
/// let here = std::thread::current().id();
/// let there = bibelot::bridge::run_on(somewhere, async { std::thread::current().id() }).await?;
/// assert_ne!(there, here);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
#[doc(alias = "AsyncioLoop")]
pub fn run_on<F>(hand_over: impl FnOnce(Handed) + Send + 'static, future: F) -> RunOn<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let (sender, ended) = oneshot();
    let begin = Box::new(move || hand_over(Box::pin(watched(future, sender))));
    let begin: Box<dyn FnOnce() + Send> = begin;
    let elsewhere = Elsewhere {
        begin: Some(begin),
        ended,
    };
    RunOn(wait_future(Wait::Foreign, elsewhere))
}

/// Runs `future` until it ends or nobody waits for it any more.
async fn watched<F>(future: F, mut sender: OneshotSender<Carried<F::Output>>)
where
    F: Future<Output: 'static>,
{
    let ended = {
        let mut future = pin!(future);
        let mut gone = pin!(sender.closed());
        poll_fn(|context| {
            if gone.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(value)) => Poll::Ready(Some(Ok(value))),
                Err(payload) => {
                    let panic = Panic::new(payload);
                    Poll::Ready(Some(Err(TaskError::Panicked(panic))))
                }
            }
        })
        .await
    };
    if let Some(ended) = ended {
        // Nobody may be waiting any more.
        drop(sender.send(Carried::new(ended, None)));
    }
}

/// The future of [`run_on`].
#[must_use = "futures do nothing until polled"]
pub struct RunOn<T: 'static>(WaitFuture<Elsewhere<T>>);

impl<T> Future for RunOn<T> {
    type Output = Result<T, WorkerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(Some(carried)) => match carried.arrive() {
                Ok(value) => Ok(value),
                Err(TaskError::Panicked(panic)) => Err(WorkerError::Panicked(panic)),
                Err(other) => Err(WorkerError::NoThread(io::Error::other(other))),
            },
            Ok(None) => {
                let error = io::Error::other("the executor dropped the future");
                Err(WorkerError::NoThread(error))
            }
            Err(told) => Err(told.into()),
        })
    }
}

impl<T> fmt::Debug for RunOn<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOn").finish_non_exhaustive()
    }
}

/// What happens elsewhere, from here: nothing at first.
struct Elsewhere<T: 'static> {
    begin: Option<Box<dyn FnOnce() + Send>>,
    ended: OneshotReceiver<Carried<T>>,
}

impl<T> Future for Elsewhere<T> {
    /// `None` if it was dropped there.
    type Output = Option<Carried<T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(begin) = self.begin.take() {
            begin();
        }
        Pin::new(&mut self.ended).poll(context).map(Result::ok)
    }
}
