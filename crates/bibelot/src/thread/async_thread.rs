//! Async threads: threads that await on a kernel, each with a future that stands for it there.
//!
//! The future polls what the thread asks for, one request after another, so that whatever scopes are
//! around the future are around the request. Between two requests it waits behind a shield: a request to
//! stop is the thread's to hear.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{Framed, Task, Trap, shield, spawn};
use bibelot_reactor::{Job as ReactorJob, Op as ReactorOp};

use super::cx::{self, ThreadCx};
use super::error::WorkerError;
use super::job::Job;
use super::line::{Line, Request};
use super::run::RunOp;

/// Starts a thread that can await on this kernel, and a task that stands for it.
///
/// The task is joined, cancelled and looked at like any other; its value is that of `body`. The thread is
/// one of its own, and takes none of the pool's for [`run_in_thread`](crate::run_in_thread). It begins
/// when the task is first polled.
///
/// For a daemon or a name use `TaskBuilder::new().daemon().spawn(async_thread(body))`, for a member of a
/// group spawn [`async_thread`] there.
///
/// Curio: `spawn_thread(func)`.
///
/// # Panics
///
/// Without a kernel on this thread. A panic of `body` is the task's
/// [`Panicked`](crate::TaskError::Panicked), and so is that no thread could be had, as it always is in a
/// simulated world; [`async_thread`] gives both as values.
///
/// # Cancellation
///
/// The thread hears of a cancel in [`ThreadCx::block_on`], and nowhere else: one that computes sees it at
/// its next call. An abort leaves the thread to itself, and every further call there is refused.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{AsCancelled, sleep, spawn_thread};
///
/// # bibelot::run(async {
/// let thread = spawn_thread(|cx| {
///     let told = cx.block_on(sleep(Duration::from_secs(3600))).unwrap_err();
///     // Clean-up may wait.
///     cx.block_on(sleep(Duration::from_millis(1)))?;
///     Err::<(), _>(told)
/// });
/// sleep(Duration::from_millis(5)).await?;
/// thread.cancel().await?;
/// assert!(thread.await?.unwrap_err().is_cancelled());
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn spawn_thread<T: Send + 'static>(
    body: impl FnOnce(&ThreadCx) -> T + Send + 'static,
) -> Task<T> {
    let thread = async_thread(body);
    spawn(async move {
        match thread.await {
            Ok(value) => value,
            Err(WorkerError::Panicked(panic)) => panic.resume(),
            Err(error) => panic!("{error}"),
        }
    })
}

/// Runs `body` on a thread of its own that can await on this kernel.
///
/// What the thread hands to [`ThreadCx::block_on`] is polled by this future, inside the limits and scopes
/// that are around it: a limit here cuts what the thread waits for.
///
/// # Errors
///
/// [`WorkerError::Panicked`] when `body` panicked; [`WorkerError::NoThread`] when no thread could be had,
/// as it always is in a simulated world, whose kernel has no other thread to wait for.
///
/// # Panics
///
/// When polled for the first time without a kernel on this thread.
///
/// # Cancellation
///
/// The thread hears of it in [`ThreadCx::block_on`]; this future waits for the thread's end. Dropped, it
/// leaves the thread to itself: there every further call is refused, and
/// [`is_abandoned`](crate::is_abandoned) says so.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{AsCancelled, async_thread, sleep, timeout_after};
///
/// # bibelot::run(async {
/// let limit = Duration::from_millis(5);
/// let late = timeout_after(limit, async {
///     async_thread(|cx| cx.block_on(sleep(Duration::from_secs(3600)))).await??;
///     bibelot::Ok(())
/// });
/// assert!(late.await.unwrap_err().timed_out());
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn async_thread<T: Send + 'static>(
    body: impl FnOnce(&ThreadCx) -> T + Send + 'static,
) -> AsyncThread<T> {
    let line = Arc::new(Line::default());
    let there = line.clone();
    let job = Job::new(move || cx::run(there, body));
    let does = job.clone();
    let done = ReactorOp::Thread(ReactorJob::new(move || does.run()));
    let end = Trap::at(RunOp::new(done, job), Location::caller());
    AsyncThread {
        request: None,
        between: shield(Between {
            end,
            line: line.clone(),
        }),
        line,
    }
}

/// The future of [`async_thread`].
#[must_use = "futures do nothing until polled"]
pub struct AsyncThread<T: Send + 'static> {
    /// What the thread waits for.
    request: Option<Request>,
    between: Framed<Between<T>>,
    line: Arc<Line>,
}

/// Waits for what the thread does next.
struct Between<T: Send + 'static> {
    end: Trap<RunOp<T>>,
    line: Arc<Line>,
}

enum Next<T> {
    Request(Request),
    Ended(Result<T, WorkerError>),
}

impl<T: Send + 'static> Future for Between<T> {
    type Output = Next<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Next<T>> {
        if let Poll::Ready(request) = self.line.poll_take(context) {
            return Poll::Ready(Next::Request(request));
        }
        let ended = ready!(Pin::new(&mut self.end).poll(context));
        // Behind its shield it is not told to stop.
        Poll::Ready(Next::Ended(ended.unwrap_or_else(|told| Err(told.into()))))
    }
}

impl<T: Send + 'static> Future for AsyncThread<T> {
    type Output = Result<T, WorkerError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            if let Some(request) = &mut this.request {
                ready!(request.as_mut().poll(context));
                this.request = None;
            }
            match ready!(Pin::new(&mut this.between).poll(context)) {
                Next::Request(request) => this.request = Some(request),
                Next::Ended(ended) => return Poll::Ready(ended),
            }
        }
    }
}

impl<T: Send + 'static> Drop for AsyncThread<T> {
    fn drop(&mut self) {
        // First the line, so that the thread, freed by the end of what it waits for, asks for no more.
        self.line.close();
        self.request = None;
    }
}

impl<T: Send + 'static> fmt::Debug for AsyncThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncThread")
            .field("waits", &self.request.is_some())
            .finish_non_exhaustive()
    }
}
