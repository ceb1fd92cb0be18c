//! One job at a time for each key.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::{Leave, Op, Park, Trap, Wait};
use bibelot_sync::OneshotReceiver;

use super::error::WorkerError;
use super::gate::{Came, Key, Pass, come};
use super::job::{Body, Job};
use super::run::RunInThread;

/// Runs `body` on a thread of the kernel's pool when no other job with this `key` runs.
///
/// However many tasks of however many kernels call a thing that blocks, at most one thread of the
/// process is held up by it; the others wait in order, and hold none. For whatever can be done once at a
/// time only, or is so slow that it would use up all threads.
///
/// Curio: `block_in_thread(callable)`, where the callable is the key.
///
/// # Errors
///
/// Those of [`run_in_thread`](crate::run_in_thread), and [`WorkerError::SelfWait`] on a kernel that is
/// run by a job which has the key.
///
/// # Panics
///
/// When polled without a kernel on this thread.
///
/// # Cancellation
///
/// As with [`run_in_thread`](crate::run_in_thread). A job that goes on by itself keeps its key until it
/// ends.
///
/// # Examples
///
/// ```
/// use bibelot::block_in_thread;
///
/// # bibelot::run(async {
/// let answer = block_in_thread("ask the user", || "yes").await?;
/// assert_eq!(answer, "yes");
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn block_in_thread<T: Send + 'static>(
    key: impl Into<Key>,
    body: impl FnOnce() -> T + Send + 'static,
) -> BlockInThread<T> {
    let site = Location::caller();
    let comes = PassOp::Comes(key.into());
    BlockInThread {
        stage: Stage::Waits(Trap::at(comes, site), Box::new(body)),
        site,
    }
}

/// The future of [`block_in_thread`].
#[must_use = "futures do nothing until polled"]
pub struct BlockInThread<T: Send + 'static> {
    stage: Stage<T>,
    site: &'static Location<'static>,
}

enum Stage<T: Send + 'static> {
    Waits(Trap<PassOp>, Body<T>),
    Runs(RunInThread<T>),
    Over,
}

impl<T: Send + 'static> Future for BlockInThread<T> {
    type Output = Result<T, WorkerError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.stage {
                Stage::Waits(waits, _) => {
                    let came = ready!(Pin::new(waits).poll(context));
                    let Stage::Waits(_, body) = mem::replace(&mut self.stage, Stage::Over) else {
                        unreachable!("it has just been polled");
                    };
                    let pass = came??;
                    let job = Job::new(move || pass.run(body));
                    self.stage = Stage::Runs(RunInThread::at(job, self.site));
                }
                Stage::Runs(runs) => {
                    let ended = ready!(Pin::new(runs).poll(context));
                    self.stage = Stage::Over;
                    return Poll::Ready(ended);
                }
                Stage::Over => panic!("a future that has returned was polled again"),
            }
        }
    }
}

impl<T: Send + 'static> fmt::Debug for BlockInThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Waits(..) => "waits for the key",
            Stage::Runs(_) => "runs",
            Stage::Over => "over",
        };
        f.debug_tuple("BlockInThread").field(&stage).finish()
    }
}

/// The pass of a key.
enum PassOp {
    /// Nobody has looked at the gate yet.
    Comes(Key),
    Waits(OneshotReceiver<Pass>),
    Left,
}

impl PassOp {
    fn poll(&mut self, waker: &Waker) -> Option<Result<Pass, WorkerError>> {
        if let Self::Comes(key) = self {
            *self = match come(key) {
                Came::In(pass) => {
                    *self = Self::Left;
                    return Some(Ok(pass));
                }
                Came::HasIt => {
                    *self = Self::Left;
                    return Some(Err(WorkerError::SelfWait));
                }
                Came::Waits(receiver) => Self::Waits(receiver),
            };
        }
        let Self::Waits(receiver) = self else {
            return None;
        };
        let context = &mut Context::from_waker(waker);
        let Poll::Ready(sent) = Pin::new(receiver).poll(context) else {
            return None;
        };
        *self = Self::Left;
        let pass = sent.expect("a sender is dropped when it has sent, or when nobody waits");
        Some(Ok(pass))
    }
}

impl Op for PassOp {
    type Out = Result<Pass, WorkerError>;

    fn take(&mut self) -> Option<Self::Out> {
        // Nothing is left behind here: `park` leaves the waker that counts.
        self.poll(Waker::noop())
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        match self.poll(waker) {
            Some(came) => Park::Ended(came),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        *self = Self::Left;
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Thread
    }
}
