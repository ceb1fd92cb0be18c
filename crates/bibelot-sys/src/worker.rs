//! The worker: a thread that performs one job after another and leaves when it is not needed, or one
//! that was made for a single job.
//!
//! # Invariants
//!
//! - A job whose operation a worker has taken has exactly one completion, also when it panics.
//! - After each job it took, done or taken back, a worker wakes the pool's side, which may have more.
//! - The operation and all it owned, except what comes back, is dropped before its completion is sent.

use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
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
    op: Mutex<Option<Op>>,
}

impl Job {
    pub(crate) fn new(token: Token, op: Op) -> Arc<Self> {
        let op = Mutex::new(Some(op));
        Arc::new(Self { token, op })
    }

    /// Takes the operation, once.
    pub(crate) fn take(&self) -> Option<Op> {
        self.lock(Option::take)
    }

    /// Takes the operation back if it has not begun and would be without effect: a close is always
    /// carried out.
    pub(crate) fn withdraw(&self) -> Option<Op> {
        self.lock(|op| op.take_if(|op| !matches!(op, Op::Close { .. })))
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.lock(|op| op.is_none())
    }

    fn lock<T>(&self, look: impl FnOnce(&mut Option<Op>) -> T) -> T {
        look(&mut self.op.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a worker thread needs.
pub(crate) struct Worker {
    pub(crate) jobs: Receiver<Arc<Job>>,
    pub(crate) ends: Sender<Completion>,
    pub(crate) census: Arc<Census>,
    pub(crate) done: Waker,
    pub(crate) idle: Duration,
    /// Never used to send: its drop tells the pool that this worker is gone.
    pub(crate) alive: Sender<Infallible>,
}

impl Worker {
    /// Works until the pool is gone or nothing was to be done for the idle time.
    pub(crate) fn run(self) {
        block_signals();
        loop {
            match self.jobs.recv_timeout(self.idle) {
                Ok(job) => self.work(&job),
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

    fn work(&self, job: &Job) {
        self.census.begin();
        let end = job.take().map(|op| completion(job.token, op));
        // Free before the end is known, so that whoever acts on it finds this thread free.
        self.census.finish();
        self.tell(end);
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
        std::mem::forget(payload);
    }
}
