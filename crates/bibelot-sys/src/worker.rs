//! The worker: a thread that performs one job after another and leaves when it is not needed, or one
//! that was made for a single job.
//!
//! # Invariants
//!
//! - A job whose operation a worker has taken has exactly one completion, also when it panics.
//! - A worker whose job was let go of is not counted until the job has ended.
//! - After each job it took, done or taken back, a worker wakes the pool's side, which may have more.
//! - The operation and all it owned, except what comes back, is dropped before its completion is sent.

use std::convert::Infallible;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use bibelot_reactor::{Completion, Op, Token};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::census::Census;
use crate::perform::perform;
use crate::raw::block_signals;

/// An operation on its way to a worker, from whom it can be taken back until it begins.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) token: Token,
    /// It has a thread of its own, which is none of the census.
    pub(crate) is_alone: bool,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
enum Stage {
    Waits(Op),
    Runs,
    /// It runs, and its thread was let go of.
    LetGo,
    Over,
}

/// What became of a job that was cancelled.
#[must_use]
pub(crate) enum Cancelled {
    /// It had not begun and never will; this is its operation.
    TakenBack(Op),
    /// It runs on, and its thread's place is free.
    LetGo,
    /// It goes on as before.
    Nothing,
}

impl Job {
    pub(crate) fn new(token: Token, op: Op) -> Arc<Self> {
        let is_alone = matches!(op, Op::Thread(_));
        let stage = Mutex::new(Stage::Waits(op));
        Arc::new(Self {
            token,
            is_alone,
            stage,
        })
    }

    /// Takes the operation, once.
    pub(crate) fn take(&self) -> Option<Op> {
        let mut stage = self.lock();
        match mem::replace(&mut *stage, Stage::Runs) {
            Stage::Waits(op) => Some(op),
            other => {
                *stage = other;
                None
            }
        }
    }

    /// Takes the operation back if it has not begun and would be without effect: a close is always
    /// carried out. Of one that runs, `let_go` says whether its thread is let go of.
    pub(crate) fn cancel(&self, let_go: impl FnOnce() -> bool) -> Cancelled {
        let mut stage = self.lock();
        match mem::replace(&mut *stage, Stage::Over) {
            Stage::Waits(op) if !matches!(op, Op::Close { .. }) => Cancelled::TakenBack(op),
            Stage::Runs if !self.is_alone && let_go() => {
                *stage = Stage::LetGo;
                Cancelled::LetGo
            }
            other => {
                *stage = other;
                Cancelled::Nothing
            }
        }
    }

    /// It has ended, or was taken back. Whether its thread was let go of.
    #[must_use]
    fn end(&self) -> bool {
        matches!(mem::replace(&mut *self.lock(), Stage::Over), Stage::LetGo)
    }

    pub(crate) fn is_taken(&self) -> bool {
        !matches!(*self.lock(), Stage::Waits(_))
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        // Nothing under the lock can leave the stage half-changed.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a worker thread needs.
pub(crate) struct Worker {
    pub(crate) jobs: Receiver<Arc<Job>>,
    pub(crate) ends: Sender<Completion>,
    pub(crate) census: Arc<Census>,
    pub(crate) done: Waker,
    pub(crate) idle: Duration,
    pub(crate) threads_max: usize,
    /// Never used to send: its drop tells the pool that this worker is gone.
    pub(crate) alive: Sender<Infallible>,
}

impl Worker {
    /// Works until the pool is gone or nothing was to be done for the idle time.
    pub(crate) fn run(self) {
        block_signals();
        loop {
            match self.jobs.recv_timeout(self.idle) {
                Ok(job) if self.work(&job) => {}
                Ok(_) => break,
                Err(RecvTimeoutError::Timeout) if self.census.leave() => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        drop(self.alive);
    }

    /// Performs this job and no other, on a thread that the census does not count.
    pub(crate) fn run_only(self, job: &Job) {
        block_signals();
        let end = job.take().map(|op| completion(job.token, op));
        self.tell(end);
        drop(self.alive);
    }

    /// Performs a job. Whether this thread is still one of the pool's.
    #[must_use]
    fn work(&self, job: &Job) -> bool {
        self.census.begin();
        let end = job.take().map(|op| completion(job.token, op));
        // Free before the end is known, so that whoever acts on it finds this thread free.
        let stays = if job.end() {
            self.census.come_back(self.threads_max)
        } else {
            self.census.finish();
            true
        };
        self.tell(end);
        stays
    }

    fn tell(&self, end: Option<Completion>) {
        let Some(end) = end else {
            // It was taken back; there is room now for one that waits on the pool's side.
            self.done.wake_by_ref();
            return;
        };
        match self.ends.send(end) {
            Ok(()) => self.done.wake_by_ref(),
            // The pool is gone; a value that panics when dropped must not take this thread along.
            Err(unsent) => contain(|| drop(unsent)),
        }
    }
}

/// Performs an operation and says how it ended, come what may.
fn completion(token: Token, op: Op) -> Completion {
    let performed = catch_unwind(AssertUnwindSafe(|| perform(op)));
    let (result, buf) = performed.unwrap_or_else(|payload| {
        contain(|| drop(payload));
        let error = io::Error::other("an operation panicked on its worker thread");
        (Err(error), None)
    });
    Completion::end(token, result, buf)
}

/// Runs what drops values of users, and keeps a panic of theirs here.
pub(crate) fn contain(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        // A payload may panic when dropped, too; there is nobody left to tell.
        mem::forget(payload);
    }
}
