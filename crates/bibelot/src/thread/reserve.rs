//! Reserved threads: several jobs on one thread, for what must not change threads.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bibelot_kernel::{Leave, Op, Park, Trap, Wait};
use bibelot_reactor::{Job as ReactorJob, Op as ReactorOp};
use bibelot_sync::{OneshotReceiver, Queue, oneshot};

use super::error::WorkerError;
use super::executor::{Handed, RunInExecutor, run_in_executor};
use super::job::Job;
use super::run::RunOp;

/// Gets a thread of its own for jobs that belong on one thread: a handle that must not change threads, a
/// library with state per thread.
///
/// The thread takes none of the pool's. It goes when the [`ReservedThread`] is dropped.
///
/// Curio: `WorkerPool.reserve()`.
///
/// # Errors
///
/// [`WorkerError::NoThread`] when no thread could be had, as it always is in a simulated world;
/// [`WorkerError::Cancelled`].
///
/// # Panics
///
/// When polled for the first time without a kernel on this thread.
///
/// # Cancellation
///
/// Leaves at once; a thread that comes late goes again.
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// # bibelot::run(async {
/// let thread = bibelot::reserve_thread().await?;
/// let first = thread.run(|| thread::current().id()).await?;
/// let second = thread.run(|| thread::current().id()).await?;
/// assert_eq!(first, second);
/// thread.release().await?;
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn reserve_thread() -> ReserveThread {
    let jobs = Queue::unbounded();
    let (begins, began) = oneshot();
    let job = Job::new({
        let jobs = jobs.clone();
        move || {
            // Whoever reserved it may have left; then the jobs are at their end.
            let _ = begins.send(());
            serve(&jobs);
        }
    });
    let does = job.clone();
    let done = ReactorOp::Thread(ReactorJob::new(move || does.run()));
    let op = ReserveOp {
        began,
        thread: Some(ReservedThread {
            jobs: Jobs(jobs),
            end: RunOp::new(done, job),
        }),
    };
    ReserveThread(Trap::at(op, Location::caller()))
}

/// Does one job after another until there will be no more.
fn serve(jobs: &Queue<Handed>) {
    while let Ok(job) = jobs.get_blocking() {
        // It contains the panics of its body.
        job();
    }
}

/// The future of [`reserve_thread`].
#[must_use = "futures do nothing until polled"]
pub struct ReserveThread(Trap<ReserveOp>);

impl Future for ReserveThread {
    type Output = Result<ReservedThread, WorkerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.0).poll(context);
        polled.map(|came| came.unwrap_or_else(|told| Err(told.into())))
    }
}

impl fmt::Debug for ReserveThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReserveThread").finish_non_exhaustive()
    }
}

/// A thread that does the jobs of one owner, in the order in which they came.
///
/// Dropped, it lets the thread end after the jobs that it was given.
pub struct ReservedThread {
    jobs: Jobs,
    end: RunOp<()>,
}

/// What a thread is to do, till its owner is gone.
struct Jobs(Queue<Handed>);

impl Drop for Jobs {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl ReservedThread {
    /// Runs `body` on this thread, after what came before.
    ///
    /// Curio: `Worker.apply(callable)`.
    ///
    /// # Errors
    ///
    /// [`WorkerError::Panicked`] when `body` panicked, which the thread survives;
    /// [`WorkerError::NoThread`] when it was dropped before its first poll;
    /// [`WorkerError::Cancelled`].
    ///
    /// # Cancellation
    ///
    /// As with [`run_in_thread`](crate::run_in_thread). A job that goes on by itself keeps the thread
    /// until it ends, and what comes next waits for it.
    #[track_caller]
    pub fn run<T: Send + 'static>(
        &self,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> RunInExecutor<T> {
        let jobs = self.jobs.0.clone();
        // A job refused is a job dropped, which says so to whoever waits for it.
        run_in_executor(move |job| drop(jobs.try_put(job)), body)
    }

    /// Lets the thread go, and waits until it has ended.
    ///
    /// Curio: `Worker.release()`.
    ///
    /// # Errors
    ///
    /// [`WorkerError::Cancelled`].
    ///
    /// # Cancellation
    ///
    /// Leaves at once. The thread ends after its jobs all the same.
    #[track_caller]
    pub fn release(self) -> ReleaseThread {
        drop(self.jobs);
        ReleaseThread(Trap::at(self.end, Location::caller()))
    }
}

impl fmt::Debug for ReservedThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReservedThread")
            .field("waiting", &self.jobs.0.len())
            .finish_non_exhaustive()
    }
}

/// The future of [`ReservedThread::release`].
#[must_use = "futures do nothing until polled"]
pub struct ReleaseThread(Trap<RunOp<()>>);

impl Future for ReleaseThread {
    type Output = Result<(), WorkerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.0).poll(context);
        polled.map(|ended| ended.unwrap_or_else(|told| Err(told.into())))
    }
}

impl fmt::Debug for ReleaseThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReleaseThread").finish_non_exhaustive()
    }
}

/// The beginning of a thread.
struct ReserveOp {
    began: OneshotReceiver<()>,
    /// `None` once it was given out or is not wanted any more.
    thread: Option<ReservedThread>,
}

impl ReserveOp {
    fn began(&mut self, waker: &Waker) -> Option<Result<ReservedThread, WorkerError>> {
        let context = &mut Context::from_waker(waker);
        match Pin::new(&mut self.began).poll(context) {
            Poll::Ready(Ok(())) => self.thread.take().map(Ok),
            // It will not begin: the end of its operation says why.
            Poll::Ready(Err(_)) | Poll::Pending => None,
        }
    }

    fn failed(&mut self, ended: Result<(), WorkerError>) -> Result<ReservedThread, WorkerError> {
        match (ended, self.thread.take()) {
            (Err(error), _) => Err(error),
            // It has begun and ended: its jobs are at their end, which they say.
            (Ok(()), Some(thread)) => Ok(thread),
            (Ok(()), None) => unreachable!("a trap returns once"),
        }
    }
}

impl Op for ReserveOp {
    type Out = Result<ReservedThread, WorkerError>;

    fn take(&mut self) -> Option<Self::Out> {
        if let Some(began) = self.began(Waker::noop()) {
            return Some(began);
        }
        let ended = self.thread.as_mut()?.end.take()?;
        Some(self.failed(ended))
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        let Some(thread) = &mut self.thread else {
            return Park::Waits;
        };
        if let Park::Ended(ended) = thread.end.park(waker) {
            return Park::Ended(self.failed(ended));
        }
        match self.began(waker) {
            Some(began) => Park::Ended(began),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.thread = None;
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Thread
    }
}
