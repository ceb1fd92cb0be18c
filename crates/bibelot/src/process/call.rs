//! A call between the task that waits for it and the worker that carries it.
//!
//! # Invariants
//!
//! - A call is taken from the line once. Before that, leaving it takes it back; after it, leaving asks
//!   the worker to stop, and the answer still comes.
//! - No waker is woken, cloned or dropped under the lock.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::error::ProcessError;
use super::frame::Frame;

/// A call on its way.
pub(super) struct Call(Mutex<State>);

struct State {
    stage: Stage,
    caller: Option<Waker>,
    worker: Option<Waker>,
}

enum Stage {
    /// In the line: the frame to be sent.
    Waits(Vec<u8>),
    /// With a worker.
    Runs,
    /// With a worker, and nobody wants it any more.
    Unwanted,
    Ended(Answer),
    /// It was left, or its answer was taken.
    Over,
}

/// What became of a call.
#[derive(Debug)]
pub(super) enum Answer {
    /// The worker's last word.
    Came(Frame),
    Failed(ProcessError),
    /// It was stopped.
    Stopped {
        /// Whether the function may have begun to run.
        has_begun: bool,
    },
}

/// What came of leaving a call.
#[derive(Debug)]
#[must_use]
pub(super) enum Left {
    /// It never began, or was over.
    Back,
    /// It had ended.
    Ended(Answer),
    /// A worker was asked to stop it.
    Asked,
}

impl Call {
    pub(super) fn new(frame: Vec<u8>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            stage: Stage::Waits(frame),
            caller: None,
            worker: None,
        })))
    }

    /// Whether it still waits for a worker.
    pub(super) fn waits(&self) -> bool {
        matches!(self.lock().stage, Stage::Waits(_))
    }

    /// Whether somebody waits for it, or did until it ended.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self.lock().stage, Stage::Unwanted | Stage::Over)
    }

    /// Takes the frame, for a worker that is about to send it. `None` if the call was left.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        match mem::replace(&mut state.stage, Stage::Runs) {
            Stage::Waits(frame) => Some(frame),
            other => {
                state.stage = other;
                None
            }
        }
    }

    /// Whether nobody wants it any more; if somebody does, the worker's waker is left behind.
    pub(super) fn poll_unwanted(&self, context: &Context<'_>) -> Poll<()> {
        let newer = context.waker().clone();
        let mut state = self.lock();
        if !matches!(state.stage, Stage::Runs) {
            drop(state);
            return Poll::Ready(());
        }
        let older = state.worker.replace(newer);
        drop(state);
        drop(older);
        Poll::Pending
    }

    /// Gives the answer. Without effect on a call that is over.
    pub(super) fn answer(&self, answer: Answer) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::Ended(_) | Stage::Over) {
            return;
        }
        let stage = mem::replace(&mut state.stage, Stage::Ended(answer));
        let (caller, worker) = (state.caller.take(), state.worker.take());
        drop(state);
        drop((stage, worker));
        if let Some(caller) = caller {
            caller.wake();
        }
    }

    /// The answer, if it is there.
    pub(super) fn take_answer(&self) -> Option<Answer> {
        let mut state = self.lock();
        match mem::replace(&mut state.stage, Stage::Over) {
            Stage::Ended(answer) => Some(answer),
            other => {
                state.stage = other;
                None
            }
        }
    }

    /// Leaves the caller's waker behind.
    pub(super) fn listen(&self, waker: &Waker) {
        let newer = waker.clone();
        let older = self.lock().caller.replace(newer);
        drop(older);
    }

    /// Leaves the call: takes it back, or has it stopped.
    pub(super) fn leave(&self) -> Left {
        let mut state = self.lock();
        match mem::replace(&mut state.stage, Stage::Over) {
            Stage::Waits(frame) => {
                let caller = state.caller.take();
                drop(state);
                drop((frame, caller));
                Left::Back
            }
            Stage::Runs | Stage::Unwanted => {
                state.stage = Stage::Unwanted;
                let worker = state.worker.take();
                drop(state);
                if let Some(worker) = worker {
                    worker.wake();
                }
                Left::Asked
            }
            Stage::Ended(answer) => Left::Ended(answer),
            Stage::Over => Left::Back,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can leave the state half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(has_begun: bool) -> Answer {
        Answer::Stopped { has_begun }
    }

    #[test]
    fn a_call_in_the_line_is_taken_back() {
        let call = Call::new(vec![7]);
        assert!(call.waits());
        assert!(matches!(call.leave(), Left::Back));
        assert!(!call.waits() && call.take().is_none());
        call.answer(stopped(false));
        assert!(call.take_answer().is_none(), "it is over");
    }

    #[test]
    fn a_call_that_runs_is_stopped_and_answers() {
        let call = Call::new(vec![7]);
        assert_eq!(call.take(), Some(vec![7]));
        let context = Context::from_waker(Waker::noop());
        assert!(call.poll_unwanted(&context).is_pending());
        assert!(matches!(call.leave(), Left::Asked));
        assert!(call.poll_unwanted(&context).is_ready());
        call.answer(stopped(true));
        let answer = call.take_answer();
        assert!(matches!(answer, Some(Answer::Stopped { has_begun: true })));
    }

    #[test]
    fn an_answer_that_is_there_wins_over_leaving() {
        let call = Call::new(Vec::new());
        call.take();
        call.answer(stopped(true));
        call.answer(stopped(false));
        let left = call.leave();
        let Left::Ended(Answer::Stopped { has_begun: true }) = left else {
            panic!("the first answer counts: {left:?}");
        };
    }
}
