//! One job on a thread, and the wait for it.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bibelot_kernel::io::{Operation, operate};
use bibelot_kernel::{Leave, Op, Panic, Park, Trap, Wait};
use bibelot_reactor::{Job as ReactorJob, Op as ReactorOp, Outcome};

use super::error::WorkerError;
use super::job::{Ended, Job, Left, deal};

/// Runs `body`, which may block, on a thread of the kernel's pool.
///
/// The pool has as many threads as are needed, up to a limit, begins jobs in the order in which they
/// came, and lets idle threads go. In a simulated world a job runs on the kernel's own thread, and takes
/// no time but what the world draws for it: there it must not wait for anything that a task does.
///
/// Awaiting gives the job's value. [`on_abandon`](RunInThread::on_abandon) says what becomes of a value
/// for which nobody waits any more.
///
/// Curio: `run_in_thread(callable)`, and `call_on_cancel` for `on_abandon`.
///
/// # Errors
///
/// [`WorkerError::Panicked`] when `body` panicked; [`WorkerError::NoThread`] when no thread could be
/// had, and there was none to wait for; [`WorkerError::Cancelled`].
///
/// # Panics
///
/// When polled for the first time without a kernel on this thread.
///
/// # Cancellation
///
/// Leaves at once, whatever the job does, and so does a drop. A job that has not begun is taken back and
/// never begins. One that runs goes on by itself and can ask [`is_abandoned`](crate::is_abandoned); its
/// thread does not count for the limit meanwhile, unless as many others do not. A job that has ended
/// gives its value, and the request stays due.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let sum = bibelot::run_in_thread(|| (1..=1_000_u64).sum::<u64>()).await?;
/// assert_eq!(sum, 500_500);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
#[doc(alias = "spawn_blocking")]
#[doc(alias = "to_thread")]
pub fn run_in_thread<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
) -> RunInThread<T> {
    RunInThread::at(Job::new(body), Location::caller())
}

/// The future of [`run_in_thread`].
#[must_use = "futures do nothing until polled"]
pub struct RunInThread<T: Send + 'static>(Trap<RunOp<T>>);

impl<T: Send + 'static> RunInThread<T> {
    pub(super) fn at(job: Arc<Job<T>>, site: &'static Location<'static>) -> Self {
        let does = job.clone();
        let done = ReactorOp::Job(ReactorJob::new(move || does.run()));
        Self(Trap::at(RunOp::new(done, job), site))
    }

    /// Has `late` called with the job's value if nobody waits for it any more, in place of dropping it:
    /// to put back what the job took.
    ///
    /// It is called on the job's thread, after the job; if this future is dropped between the job's end
    /// and the look at it, where it is dropped. It is not called for a job that never began or that
    /// panicked.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::fs::File;
    /// # async fn start() -> bibelot::Result<()> {
    /// let made = bibelot::run_in_thread(|| File::create_new("lock"))
    ///     .on_abandon(|made| {
    ///         if made.is_ok() {
    ///             let _ = std::fs::remove_file("lock");
    ///         }
    ///     })
    ///     .await?;
    /// # drop(made);
    /// # bibelot::Ok(()) }
    /// ```
    pub fn on_abandon(self, late: impl FnOnce(T) + Send + 'static) -> Self {
        self.0.op().job.set_late(late);
        self
    }
}

impl<T: Send + 'static> Future for RunInThread<T> {
    type Output = Result<T, WorkerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.0).poll(context);
        polled.map(|ended| ended.unwrap_or_else(|told| Err(told.into())))
    }
}

impl<T: Send + 'static> fmt::Debug for RunInThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunInThread")
            .field(&self.0.op().operation)
            .finish()
    }
}

/// The end of a job.
pub(super) struct RunOp<T: Send + 'static> {
    /// `None` once it has ended or was left.
    operation: Option<Operation>,
    job: Arc<Job<T>>,
}

impl<T: Send + 'static> RunOp<T> {
    /// `done` runs `job`.
    pub(super) fn new(done: ReactorOp, job: Arc<Job<T>>) -> Self {
        let operation = Some(operate(done));
        Self { operation, job }
    }

    fn end(&mut self, result: io::Result<Outcome>) -> Result<T, WorkerError> {
        self.operation = None;
        if let Some(ended) = self.job.take() {
            return worked(ended);
        }
        let error = result.err().unwrap_or_else(|| {
            // The world says that it has run what it has not.
            io::Error::other("the job was not run")
        });
        let Left::Left = self.job.leave() else {
            unreachable!("it has no result, and its operation is over");
        };
        Err(WorkerError::NoThread(error))
    }
}

pub(super) fn worked<T>(ended: Ended<T>) -> Result<T, WorkerError> {
    ended.map_err(|payload| WorkerError::Panicked(Panic::new(payload)))
}

impl<T: Send + 'static> Op for RunOp<T> {
    type Out = Result<T, WorkerError>;

    fn take(&mut self) -> Option<Self::Out> {
        let (result, _) = self.operation.as_mut()?.op_mut().take()?;
        Some(self.end(result))
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        let Some(operation) = &mut self.operation else {
            return Park::Waits;
        };
        match operation.op_mut().park(waker) {
            Park::Waits => Park::Waits,
            Park::Ended((result, _)) => Park::Ended(self.end(result)),
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        // The job first: the operation, dropped, may still reach a thread, and finds nothing to do.
        let left = self.job.leave();
        self.operation = None;
        match left {
            Left::Ended(ended, late) => {
                drop(late);
                Leave::Won(worked(ended))
            }
            Left::Left => Leave::Left,
        }
    }

    fn wait(&self) -> Wait {
        Wait::Thread
    }
}

impl<T: Send + 'static> Drop for RunOp<T> {
    fn drop(&mut self) {
        if self.operation.take().is_some()
            && let Left::Ended(ended, late) = self.job.leave()
        {
            deal(ended, late);
        }
    }
}
