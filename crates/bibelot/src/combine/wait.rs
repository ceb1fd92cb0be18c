//! `wait`: rounds over tasks, some done, others pending.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::{Cancelled, Leave, Op, Park, Task, Trap, Wait, WaitEnd};

/// For what a [`wait`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReturnWhen {
    /// At least one of the tasks to end.
    FirstCompleted,
    /// All tasks to end.
    AllCompleted,
}

/// The future of [`wait`].
#[must_use = "futures do nothing until polled"]
pub struct WaitTasks<T>(Trap<WaitOp<T>>);

/// Waits for tasks to end, and gives those that have and those that have not, each in the order given.
///
/// Without tasks it returns at once. A round costs time in proportion to the number of tasks; for
/// thousands of them a group gives its members as they end. A task of another kernel counts as one that
/// has ended, since its end is not heard of here; joining it says so.
///
/// asyncio: `wait(tasks, return_when=..)`.
///
/// # Errors
///
/// [`WaitError`] with all the tasks, when it was asked to stop.
///
/// # Cancellation
///
/// The tasks go on. Dropped, it drops their handles, which lets them go on by themselves.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{FirstCompleted, sleep, spawn, wait};
///
/// # bibelot::run(async {
/// let sleepy = |n| spawn(async move { sleep(Duration::from_millis(n)).await.map(|_| n) });
/// let mut pending = vec![sleepy(30), sleepy(10), sleepy(20)];
/// let mut rounds = Vec::new();
/// while !pending.is_empty() {
///     let done;
///     (done, pending) = wait(pending, FirstCompleted).await?;
///     for task in done {
///         rounds.push(task.await??);
///     }
/// }
/// assert_eq!(rounds, [10, 20, 30]);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn wait<T: 'static>(
    tasks: impl IntoIterator<Item = Task<T>>,
    until: ReturnWhen,
) -> WaitTasks<T> {
    let tasks = tasks.into_iter().map(|task| (task.wait(), task)).collect();
    WaitTasks(Trap::at(WaitOp { tasks, until }, Location::caller()))
}

struct WaitOp<T> {
    tasks: Vec<(WaitEnd, Task<T>)>,
    until: ReturnWhen,
}

impl<T> WaitOp<T> {
    /// Whether there is nothing to wait for any more: it has ended, or is not of this kernel.
    fn is_over((end, _): &mut (WaitEnd, Task<T>)) -> bool {
        end.op_mut().take().is_some()
    }

    fn take_tasks(&mut self) -> Vec<Task<T>> {
        self.tasks.drain(..).map(|(_, task)| task).collect()
    }
}

/// Nothing of a `T` is inside.
impl<T> Unpin for WaitOp<T> {}

impl<T> Op for WaitOp<T> {
    type Out = (Vec<Task<T>>, Vec<Task<T>>);

    fn take(&mut self) -> Option<Self::Out> {
        let mut tasks = self.tasks.iter_mut();
        let is_over = match self.until {
            ReturnWhen::FirstCompleted => tasks.len() == 0 || tasks.any(|task| Self::is_over(task)),
            ReturnWhen::AllCompleted => tasks.all(|task| Self::is_over(task)),
        };
        is_over.then(|| {
            let (mut done, mut pending) = (Vec::new(), Vec::new());
            for mut waited in self.tasks.drain(..) {
                let is_over = Self::is_over(&mut waited);
                let side = if is_over { &mut done } else { &mut pending };
                side.push(waited.1);
            }
            (done, pending)
        })
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        for waited in &mut self.tasks {
            if !Self::is_over(waited) {
                let _ = waited.0.op_mut().park(waker);
            }
        }
        Park::Waits
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        for (end, _) in &mut self.tasks {
            let _ = end.op_mut().leave();
        }
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Join
    }
}

impl<T> Future for WaitTasks<T> {
    type Output = Result<(Vec<Task<T>>, Vec<Task<T>>), WaitError<T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let waited = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(waited.map_err(|reason| {
            let tasks = self.0.op_mut().take_tasks();
            WaitError { tasks, reason }
        }))
    }
}

impl<T> fmt::Debug for WaitTasks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitTasks")
            .field("tasks", &self.0.op().tasks.len())
            .finish()
    }
}

/// The wait for tasks was asked to stop; the tasks come back and go on.
pub struct WaitError<T> {
    /// All that were waited for, in their order.
    pub tasks: Vec<Task<T>>,
    reason: Cancelled,
}

impl<T> WaitError<T> {
    /// The request.
    pub fn into_cancelled(self) -> Cancelled {
        self.reason
    }
}

impl<T> From<Cancelled> for WaitError<T> {
    /// Without tasks: for limits around code that never got as far as a wait.
    fn from(reason: Cancelled) -> Self {
        Self {
            tasks: Vec::new(),
            reason,
        }
    }
}

impl<T> From<WaitError<T>> for crate::Error {
    fn from(error: WaitError<T>) -> Self {
        Self::Cancelled(error.reason)
    }
}

impl<T> Error for WaitError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.reason)
    }
}

impl<T> fmt::Display for WaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the wait for tasks was cut short: {}", self.reason)
    }
}

impl<T> fmt::Debug for WaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitError")
            .field("tasks", &self.tasks)
            .field("reason", &self.reason)
            .finish()
    }
}
