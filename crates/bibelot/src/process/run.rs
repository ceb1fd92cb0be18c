//! One call of a function in another process, and the wait for it.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::{Drained, Leave, Op, Park, Trap, Wait};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{Answer, Call, Left};
use super::error::ProcessError;
use super::frame::{Frame, Head, Refused, Says, begin, end, put, take, to_panic};
use super::function::{ProcessFn, find};
use super::pool::{ProcessPool, own};

const ARGUMENTS: &str = "the arguments";
const VALUE: &str = "the value";

/// Calls `function`, which is marked with [`process_fn`](crate::process_fn), in a process of its own.
///
/// Arguments are one value: `()` for a function without, the argument itself for one, a tuple for more.
/// The kernel has at most as many processes as the machine has processors, starts them when they are
/// needed, uses them again, and lets idle ones go; calls begin in their order. How much waits says
/// [`process::report`](crate::process::report).
///
/// A process is this program started again: see [the entry](crate::process#the-entry). In a simulated
/// world it is this process.
///
/// Curio: `run_in_process(callable, *args)`.
///
/// # Errors
///
/// [`ProcessError::Panicked`] when the function panicked, with message and backtrace;
/// [`ProcessError::Died`] with how the process ended when it did in the middle of the call;
/// [`ProcessError::NotStarted`] when no process could be had, and there was none to wait for;
/// [`ProcessError::Cancelled`]; and what else [`ProcessError`] names.
///
/// If a process ends before the function has begun (it was idle and somebody killed it), the call goes to
/// another one; a function that has begun is never run twice.
///
/// # Panics
///
/// When polled for the first time without a kernel on this thread.
///
/// # Cancellation
///
/// A call that waits for a process is taken back at once. One that runs is stopped: its process gets a
/// `SIGTERM`, and after the [grace](crate::process::ProcessLimits::grace) a `SIGKILL`; when it has
/// ended, this returns. If a value came by then it is returned, and the request stays due; a function that
/// was killed in the middle leaves an [unknown outcome](crate::Cancellation::outcome_unknown).
/// Dropped, it does the same without waiting. The next call gets a new process.
///
/// # Examples
///
/// ```no_run
/// #[bibelot::process_fn]
/// fn count(text: String, word: String) -> usize {
///     text.split_whitespace().filter(|found| **found == word).count()
/// }
///
/// #[bibelot::main]
/// async fn main() -> bibelot::Result<()> {
///     let text = "as simple as that".to_owned();
///     let count = bibelot::run_in_process(count, (text, "as".to_owned())).await?;
///     assert_eq!(count, 2);
///     Ok(())
/// }
/// ```
#[track_caller]
pub fn run_in_process<F, A, Via>(function: F, arguments: A) -> RunInProcess<F::Out>
where
    F: ProcessFn<A, Via>,
    A: Serialize,
{
    RunInProcess::new(None, function, &arguments, Location::caller())
}

/// The future of [`run_in_process`].
#[must_use = "futures do nothing until polled"]
pub struct RunInProcess<T> {
    trap: Trap<CallOp>,
    value: PhantomData<fn() -> T>,
}

impl<T> RunInProcess<T> {
    /// A call in a process of `pool`, or of the kernel's own.
    pub(super) fn new<F, A, Via>(
        pool: Option<ProcessPool>,
        function: F,
        arguments: &A,
        site: &'static Location<'static>,
    ) -> Self
    where
        F: ProcessFn<A, Via>,
        A: Serialize,
    {
        let _only_its_type_counts = function;
        let stage = match find::<F>() {
            None => Stage::Refused(ProcessError::NotRegistered(type_name::<F>())),
            Some((place, known)) => match put(Vec::new(), arguments) {
                Err(why) => Stage::Refused(unfit(ARGUMENTS, why)),
                Ok(arguments) => Stage::New(Request {
                    pool,
                    place,
                    name: known.name,
                    arguments,
                }),
            },
        };
        Self {
            trap: Trap::at(CallOp { stage }, site),
            value: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Future for RunInProcess<T> {
    type Output = Result<T, ProcessError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.trap).poll(context))?;
        Poll::Ready(match answer {
            Answer::Came(frame) => value_of(&frame),
            Answer::Failed(error) => Err(error),
            // Nobody here asked for that.
            Answer::Stopped { .. } => Err(ProcessError::Closed),
        })
    }
}

impl<T> fmt::Debug for RunInProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunInProcess").finish_non_exhaustive()
    }
}

/// A call that has not been made.
struct Request {
    /// `None` for the kernel's own.
    pool: Option<ProcessPool>,
    place: u32,
    name: &'static str,
    arguments: Vec<u8>,
}

impl Request {
    /// Puts the call into the line of its pool.
    fn submit(self) -> Result<Stage, ProcessError> {
        let pool = self.pool.unwrap_or_else(own);
        let max = pool.limits().frame_max;
        let head: Head = (self.place, self.name.into(), max as u64);
        let mut frame = put(begin(Says::Call), &head).map_err(|why| unfit(ARGUMENTS, why))?;
        let len = self.arguments.len();
        if len > max {
            let what = ARGUMENTS;
            return Err(ProcessError::TooLarge { what, len, max });
        }
        frame.extend_from_slice(&self.arguments);
        let frame = end(frame, usize::MAX).map_err(|len| ProcessError::TooLarge {
            what: ARGUMENTS,
            len,
            max: u32::MAX as usize,
        })?;
        let call = Call::new(frame);
        pool.submit(call.clone())?;
        Ok(Stage::Submitted { call, _pool: pool })
    }
}

/// The end of a call.
struct CallOp {
    stage: Stage,
}

enum Stage {
    New(Request),
    /// It will not be made.
    Refused(ProcessError),
    Submitted {
        call: Arc<Call>,
        /// A pool is not closed under a call.
        _pool: ProcessPool,
    },
    Over,
}

impl CallOp {
    fn take_answer(&mut self) -> Option<Answer> {
        let Stage::Submitted { call, .. } = &self.stage else {
            return None;
        };
        let answer = call.take_answer()?;
        self.stage = Stage::Over;
        Some(answer)
    }
}

impl Op for CallOp {
    type Out = Answer;

    fn take(&mut self) -> Option<Answer> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Refused(error) => Some(Answer::Failed(error)),
            other => {
                self.stage = other;
                self.take_answer()
            }
        }
    }

    fn park(&mut self, waker: &Waker) -> Park<Answer> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::New(request) => match request.submit() {
                Ok(submitted) => self.stage = submitted,
                Err(error) => return Park::Ended(Answer::Failed(error)),
            },
            other => self.stage = other,
        }
        if let Stage::Submitted { call, .. } = &self.stage {
            call.listen(waker);
        }
        // It may have come from another thread's kernel meanwhile.
        match self.take_answer() {
            Some(answer) => Park::Ended(answer),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Answer> {
        let Stage::Submitted { call, .. } = &self.stage else {
            self.stage = Stage::Over;
            return Leave::Left;
        };
        match call.leave() {
            Left::Asked => Leave::Draining,
            Left::Back => {
                self.stage = Stage::Over;
                Leave::Left
            }
            Left::Ended(answer) => {
                self.stage = Stage::Over;
                Leave::Won(answer)
            }
        }
    }

    fn drained(&mut self) -> Drained<Answer> {
        match self.take_answer() {
            None => Drained::Running,
            Some(Answer::Stopped { has_begun: false }) => Drained::NoEffect,
            Some(Answer::Stopped { has_begun: true }) => Drained::Unknown,
            Some(answer) => Drained::Done(answer),
        }
    }

    fn wait(&self) -> Wait {
        Wait::Process
    }
}

impl Drop for CallOp {
    fn drop(&mut self) {
        if let Stage::Submitted { call, .. } = &self.stage {
            // What it would have brought is not wanted; a worker that runs it stops it.
            let left = call.leave();
            drop(left);
        }
    }
}

/// The value in a worker's last word.
fn value_of<T: DeserializeOwned>(frame: &Frame) -> Result<T, ProcessError> {
    match frame.says {
        Says::Value => take(&frame.body).map_err(|why| unfit(VALUE, why)),
        Says::Panicked => Err(match to_panic(&frame.body) {
            Ok(panic) => ProcessError::Panicked(panic),
            Err(why) => unfit("the panic", why),
        }),
        Says::Refused => Err(match take::<Refused>(&frame.body) {
            Ok((of_value, why, len)) => refused(if of_value { VALUE } else { ARGUMENTS }, why, len),
            Err(why) => unfit("the refusal", why),
        }),
        Says::Call | Says::Hello | Says::Begun => {
            Err(ProcessError::Broken("it ended a call without an answer"))
        }
    }
}

fn refused(what: &'static str, why: String, len: Option<(u64, u64)>) -> ProcessError {
    let Some((len, max)) = len else {
        return unfit(what, why);
    };
    let [len, max] = [len, max].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    ProcessError::TooLarge { what, len, max }
}

fn unfit(what: &'static str, why: String) -> ProcessError {
    ProcessError::Unfit { what, why }
}
