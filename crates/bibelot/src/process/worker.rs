//! The worker: the task that looks after one process, and carries one call after another to it.
//!
//! It is a daemon of the kernel. Asked to stop, as all tasks are when the kernel ends, it ends its process
//! and waits for that, within bounded time; so no process is left when `run` returns.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};

use bibelot_kernel::io::operate;
use bibelot_kernel::sleep;
use bibelot_reactor::{Job, Op, Outcome};

use super::call::{Answer, Call};
use super::child::{Child, Ending, Event};
use super::entry::{in_place, program};
use super::error::ProcessError;
use super::frame::{Frame, Says};
use super::line::{Here, Next, Seat};

/// How often a call is carried to a new process because the old one ended before the function began.
const TRIES_MAX: u32 = 3;

/// Looks after one process until there is nothing to do for it any more.
pub(super) async fn work(here: Here) {
    let mut worker = Worker {
        here,
        child: None,
        is_told: false,
    };
    worker.serve().await;
    if let Some(mut child) = worker.child.take() {
        let _however = child.end(Ending::LetGo).await;
    }
}

struct Worker {
    here: Here,
    child: Option<Child>,
    /// It was asked to stop while it was idle, and leaves when nothing is to be done.
    is_told: bool,
}

/// The worker itself was asked to stop.
struct Stopped;

/// How a call went.
enum Went {
    /// It was answered.
    Answered(Frame),
    /// Nobody wants it any more.
    Unwanted,
    /// The worker was asked to stop.
    Stopped,
    /// The process is of no use any more.
    Failed(ProcessError),
    /// The process has ended, or is about to.
    Gone,
}

impl Worker {
    async fn serve(&mut self) {
        let seat = Arc::<Seat>::default();
        loop {
            let went_on = match self.here.0.next(&seat) {
                Next::Call(call) => self.carry(call).await,
                Next::Idle => self.idle(&seat).await,
                Next::Leave => match self.child.take() {
                    // It is looked once more after that, so that nothing comes in while the process ends.
                    Some(mut child) => {
                        let _however = child.end(Ending::LetGo).await;
                        Ok(())
                    }
                    None => return,
                },
            };
            if let Err(Stopped) = went_on {
                return;
            }
        }
    }

    /// Waits for the next call, while there is a process and for so long.
    ///
    /// While the process ends the worker still counts as idle: a call that comes then is carried to a new one.
    async fn idle(&mut self, seat: &Arc<Seat>) -> Result<(), Stopped> {
        let child = match &mut self.child {
            Some(child) if !self.is_told => child,
            _ => return self.leave_unless_called(seat),
        };
        let mut time = pin!(sleep(self.here.0.limits.idle));
        // `Some` says how the process is to be ended.
        let event = poll_fn(|context| {
            if seat.poll_called(context).is_ready() {
                return Poll::Ready(Ok(None));
            }
            match child.poll_event(context) {
                // Nobody asked it anything.
                Poll::Ready(Ok(_)) => return Poll::Ready(Ok(Some(Ending::Stop))),
                Poll::Ready(Err(_told)) => return Poll::Ready(Err(Stopped)),
                Poll::Pending => {}
            }
            let slept = ready!(time.as_mut().poll(context));
            Poll::Ready(match slept {
                Ok(_time) => Ok(Some(Ending::LetGo)),
                Err(_told) => Err(Stopped),
            })
        });
        match event.await {
            Ok(None) => Ok(()),
            Ok(Some(how)) => {
                let _however = child.end(how).await;
                self.child = None;
                self.leave_unless_called(seat)
            }
            Err(Stopped) => {
                self.is_told = true;
                self.leave_unless_called(seat)
            }
        }
    }

    /// Leaves, unless a call counts on this worker.
    fn leave_unless_called(&self, seat: &Arc<Seat>) -> Result<(), Stopped> {
        match self.here.0.leave_idle(seat) {
            true => Ok(()),
            false => Err(Stopped),
        }
    }

    /// Carries a call to the process, and its answer back.
    async fn carry(&mut self, call: Arc<Call>) -> Result<(), Stopped> {
        // Should this be dropped, nobody waits for ever.
        let carried = Carried {
            call: call.clone(),
            is_kept: false,
        };
        let mut request = None;
        for tries_left in (0..TRIES_MAX).rev() {
            let child = match self.child.take() {
                Some(child) => child,
                None => match self.start().await {
                    Ok(Some(child)) => child,
                    Ok(None) => return carry_in_place(&call).await,
                    Err(error) => return self.without_process(carried, error, request.is_none()),
                },
            };
            let child = self.child.insert(child);
            let Some(frame) = request.take().or_else(|| call.take()) else {
                return Ok(());
            };
            let mut has_begun = false;
            let went = converse(child, &call, &frame, &mut has_begun).await;
            if let Went::Answered(answer) = went {
                call.answer(Answer::Came(answer));
                if child.is_sending() {
                    let _however = child.end(Ending::Stop).await;
                    self.child = None;
                }
                return Ok(());
            }
            let ended = child.end(Ending::Stop).await;
            let answer = last_answer(child, &mut has_begun).await;
            self.child = None;
            if let Some(answer) = answer {
                call.answer(Answer::Came(answer));
                return Ok(());
            }
            let was_stopped = matches!(went, Went::Stopped);
            let answer = match went {
                Went::Gone if !has_begun && !call.is_wanted() => Answer::Stopped { has_begun },
                Went::Gone if !has_begun && tries_left > 0 => {
                    request = Some(frame);
                    continue;
                }
                Went::Gone => Answer::Failed(match ended {
                    Ok(status) => ProcessError::Died(status),
                    Err(error) => ProcessError::Lost(error),
                }),
                Went::Failed(error) => Answer::Failed(error),
                Went::Unwanted | Went::Stopped | Went::Answered(_) => Answer::Stopped { has_begun },
            };
            call.answer(answer);
            return if was_stopped { Err(Stopped) } else { Ok(()) };
        }
        unreachable!("the last try does not go on");
    }

    /// A new process; `None` in a world that has none.
    async fn start(&self) -> Result<Option<Child>, ProcessError> {
        let program = program();
        let has_entry = program.is_some();
        // Without one, a program that nobody can start tells whether there are processes at all.
        match Child::start(program.unwrap_or_default(), self.here.0.limits).await {
            Ok(child) => child.greet().await.map(Some),
            Err(ProcessError::NotStarted(error)) if has_none(&error) => Ok(None),
            Err(ProcessError::NotStarted(_)) if !has_entry => Err(ProcessError::NoEntry),
            Err(error) => Err(error),
        }
    }

    fn without_process(
        &self,
        mut carried: Carried,
        error: ProcessError,
        is_unsent: bool,
    ) -> Result<(), Stopped> {
        if let ProcessError::Cancelled(_) = error {
            return Err(Stopped);
        }
        let others_may_come = matches!(error, ProcessError::NotStarted(_)) && is_unsent;
        if others_may_come && self.here.0.give_back(&carried.call) {
            carried.is_kept = true;
            return Err(Stopped);
        }
        carried.call.answer(Answer::Failed(error));
        Ok(())
    }
}

/// Whether an error says that the world has no processes; an operating system says it by a number.
fn has_none(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported && error.raw_os_error().is_none()
}

/// Carries a call out in this process, as a job.
async fn carry_in_place(call: &Call) -> Result<(), Stopped> {
    let Some(frame) = call.take() else {
        return Ok(());
    };
    let mut job = operate(Op::Job(Job::new(move || in_place(&frame))));
    // `None` says that nobody wants it any more.
    let ended = poll_fn(|context| {
        if call.poll_unwanted(context).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut job).poll(context).map(Some)
    });
    let answer = match ended.await {
        Some(Ok((Ok(Outcome::Finished(Ok(value))), _))) => match value.downcast() {
            Ok(answer) => match *answer {
                Ok(frame) => Answer::Came(frame),
                Err(error) => Answer::Failed(error),
            },
            Err(_) => unreachable!("the value is the job's"),
        },
        Some(Ok((result, _))) => {
            let error = result.err();
            let error = error.unwrap_or_else(|| io::Error::other("the job was not run"));
            Answer::Failed(ProcessError::NotStarted(error))
        }
        // It may have been under way.
        stopped @ (None | Some(Err(_))) => {
            call.answer(Answer::Stopped { has_begun: true });
            return if stopped.is_some() {
                Err(Stopped)
            } else {
                Ok(())
            };
        }
    };
    call.answer(answer);
    Ok(())
}

/// A call that a worker has; its drop answers it, unless it was left to others.
struct Carried {
    call: Arc<Call>,
    is_kept: bool,
}

impl Drop for Carried {
    fn drop(&mut self) {
        if !self.is_kept {
            self.call.answer(Answer::Failed(ProcessError::Closed));
        }
    }
}

/// Sends a call, and waits for its answer or anything else that ends it.
async fn converse(child: &mut Child, call: &Call, frame: &[u8], has_begun: &mut bool) -> Went {
    // It may have to be sent again, to another process.
    child.send(frame.to_vec());
    let mut answer = None;
    poll_fn(|context| {
        if call.poll_unwanted(context).is_ready() {
            let went = answer.take().map_or(Went::Unwanted, Went::Answered);
            return Poll::Ready(went);
        }
        loop {
            // That it was sent may be heard of after the answer; the next call must not come in between.
            let sent = child.poll_sent(context);
            if let Poll::Ready(Err(_told)) = sent {
                return Poll::Ready(Went::Stopped);
            }
            if sent.is_ready()
                && let Some(answer) = answer.take()
            {
                return Poll::Ready(Went::Answered(answer));
            }
            let event = ready!(child.poll_event(context));
            if let Ok(Event::Gone) = event
                && let Some(answer) = answer.take()
            {
                return Poll::Ready(Went::Answered(answer));
            }
            return Poll::Ready(match event {
                Err(_told) => Went::Stopped,
                Ok(Event::Gone) => Went::Gone,
                Ok(Event::Failed(error)) => Went::Failed(error),
                Ok(Event::Said(said)) => match said.says {
                    Says::Begun => {
                        *has_begun = true;
                        continue;
                    }
                    Says::Value | Says::Panicked | Says::Refused if answer.is_none() => {
                        answer = Some(said);
                        continue;
                    }
                    _ => Went::Failed(ProcessError::Broken("it speaks out of turn")),
                },
            });
        }
    })
    .await
}

/// The answer of a process that has ended, if it gave one.
async fn last_answer(child: &mut Child, has_begun: &mut bool) -> Option<Frame> {
    for word in child.last_words().await {
        let Event::Said(said) = word else { break };
        match said.says {
            Says::Begun => *has_begun = true,
            Says::Value | Says::Panicked | Says::Refused => return Some(said),
            Says::Call | Says::Hello => break,
        }
    }
    None
}
