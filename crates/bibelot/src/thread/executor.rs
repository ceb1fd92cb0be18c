//! Jobs for somebody else's threads.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bibelot_kernel::{Leave, Op, Park, Trap, Wait};
use bibelot_sync::{OneshotReceiver, OneshotSender, oneshot};

use super::error::WorkerError;
use super::job::{Job, Left, deal};
use super::run::worked;

/// A job as executors take it: to be called once, on whatever thread, or to be dropped.
pub(super) type Handed = Box<dyn FnOnce() + Send>;

/// Runs `body` wherever `hand_over` has it run: on rayon, on a pool of your own.
///
/// `hand_over` is called at the first poll, unless the wait is asked to stop before; it must not block.
///
/// Curio: `run_in_executor(exc, callable)`.
///
/// # Errors
///
/// [`WorkerError::Panicked`] when `body` panicked; [`WorkerError::NoThread`] when the job was dropped
/// before it was called; [`WorkerError::Cancelled`].
///
/// # Cancellation
///
/// As with [`run_in_thread`](crate::run_in_thread): a job that has not begun is empty from then on, and
/// does nothing when it is called.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let somewhere = |job| drop(std::thread::spawn(job));
/// let sum = bibelot::run_in_executor(somewhere, || (1..=1_000_u64).sum::<u64>()).await?;
/// assert_eq!(sum, 500_500);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn run_in_executor<T: Send + 'static>(
    hand_over: impl FnOnce(Box<dyn FnOnce() + Send>) + Send + 'static,
    body: impl FnOnce() -> T + Send + 'static,
) -> RunInExecutor<T> {
    let (ends, ended) = oneshot();
    let op = ExecutorOp {
        stage: Stage::New(Box::new(hand_over), ends),
        ended,
        job: Job::new(body),
    };
    RunInExecutor(Trap::at(op, Location::caller()))
}

/// The future of [`run_in_executor`] and of [`ReservedThread::run`](crate::ReservedThread::run).
#[must_use = "futures do nothing until polled"]
pub struct RunInExecutor<T: Send + 'static>(Trap<ExecutorOp<T>>);

impl<T: Send + 'static> RunInExecutor<T> {
    /// See [`RunInThread::on_abandon`](crate::RunInThread::on_abandon).
    pub fn on_abandon(self, late: impl FnOnce(T) + Send + 'static) -> Self {
        self.0.op().job.set_late(late);
        self
    }
}

impl<T: Send + 'static> Future for RunInExecutor<T> {
    type Output = Result<T, WorkerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.0).poll(context);
        polled.map(|ended| ended.unwrap_or_else(|told| Err(told.into())))
    }
}

impl<T: Send + 'static> fmt::Debug for RunInExecutor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.0.op().stage {
            Stage::New(..) => "new",
            Stage::HandedOver => "handed over",
            Stage::Over => "over",
        };
        f.debug_tuple("RunInExecutor").field(&stage).finish()
    }
}

/// The end of a job elsewhere.
struct ExecutorOp<T: Send + 'static> {
    stage: Stage,
    /// Tells that the job has ended, or was dropped.
    ended: OneshotReceiver<()>,
    job: Arc<Job<T>>,
}

enum Stage {
    New(Box<dyn FnOnce(Handed) + Send>, OneshotSender<()>),
    HandedOver,
    Over,
}

impl<T: Send + 'static> ExecutorOp<T> {
    fn poll(&mut self, waker: &Waker) -> Option<Result<T, WorkerError>> {
        let Stage::HandedOver = self.stage else {
            return None;
        };
        let context = &mut Context::from_waker(waker);
        let Poll::Ready(_) = Pin::new(&mut self.ended).poll(context) else {
            return None;
        };
        self.stage = Stage::Over;
        if let Some(ended) = self.job.take() {
            return Some(worked(ended));
        }
        let Left::Left = self.job.leave() else {
            unreachable!("whoever had it is done with it, and it has no result");
        };
        let error = io::Error::other("the executor dropped the job");
        Some(Err(WorkerError::NoThread(error)))
    }
}

impl<T: Send + 'static> Op for ExecutorOp<T> {
    type Out = Result<T, WorkerError>;

    fn take(&mut self) -> Option<Self::Out> {
        // Nothing is left behind here: `park` leaves the waker that counts.
        self.poll(Waker::noop())
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        if let Stage::New(..) = self.stage
            && let Stage::New(hand_over, ends) =
                std::mem::replace(&mut self.stage, Stage::HandedOver)
        {
            let job = self.job.clone();
            hand_over(Box::new(move || {
                job.run();
                // Nobody may be waiting any more.
                let _ = ends.send(());
            }));
        }
        match self.poll(waker) {
            Some(ended) => Park::Ended(ended),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.stage = Stage::Over;
        match self.job.leave() {
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

impl<T: Send + 'static> Drop for ExecutorOp<T> {
    fn drop(&mut self) {
        if let Left::Ended(ended, late) = self.job.leave() {
            deal(ended, late);
        }
    }
}
