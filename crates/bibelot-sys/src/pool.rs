//! The pool: threads for the operations that block.
//!
//! Jobs begin in the order of their submission. A bounded channel holds the next few, so that workers
//! go from one to the next by themselves; the rest wait on this side, where cancelling them is cheap.
//! Threads are made when a job would wait otherwise, up to a limit, and leave when idle. One whose job
//! was cancelled goes on, and does not count while as many others do. Ends come back
//! through a channel, after which the pool's waker is woken. An [`Op::Thread`] takes no part in this but
//! its end: a thread is made for it, beside the limit, and goes with it.
//!
//! # Invariants
//!
//! - A submitted token ends exactly once: in `submit`, or in a later `collect`.
//! - `in_flight` holds the jobs whose end was not given out and does not lie in `ready`.
//! - The channel to the workers never holds more than `threads_max` jobs, cancelled ones included.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bibelot_reactor::{Completion, Op, Token};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::census::{Census, Need, Without};
use crate::worker::{Cancelled, Job, Worker, contain};

/// How large a pool may be and how long its parts wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// How many threads it may have at once; 0 counts as 1. As many again may be at operations that were
    /// cancelled after they had begun.
    pub threads_max: usize,
    /// How long a thread waits for another job before it leaves.
    pub idle: Duration,
    /// How long the end of the pool waits for what is running.
    pub drain: Duration,
}

impl Default for PoolLimits {
    /// 32 threads, idle for 10 s, drained for 2 s.
    fn default() -> Self {
        Self {
            threads_max: 32,
            idle: Duration::from_secs(10),
            drain: Duration::from_secs(2),
        }
    }
}

/// No worker thread could be started, and there was none to wait for.
#[derive(Debug, thiserror::Error)]
#[error("no worker thread can be had for a blocking operation: {source}")]
pub struct NoThread {
    source: io::Error,
}

/// How a pool ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolReport {
    /// How many operations had not begun and were dropped.
    pub cancelled: usize,
    /// Operations that did not end in time. Each keeps its thread and what it owns until it does.
    pub left_running: Vec<Token>,
}

/// A bounded number of threads that [`perform`](crate::perform) operations.
///
/// Dropping it is [`close`](Self::close) without the report.
pub struct Pool {
    limits: PoolLimits,
    done: Waker,
    census: Arc<Census>,
    /// What does not fit into the channel yet, in order.
    waiting: VecDeque<Arc<Job>>,
    in_flight: HashMap<Token, Arc<Job>>,
    ready: Vec<Completion>,
    /// To the workers; `None` once the pool is closed.
    jobs: Option<Sender<Arc<Job>>>,
    jobs_end: Receiver<Arc<Job>>,
    ends: Receiver<Completion>,
    ends_start: Sender<Completion>,
    /// Disconnected when the last worker is gone; nothing is ever sent.
    alive: Option<Sender<Infallible>>,
    alive_end: Receiver<Infallible>,
    threads: Vec<JoinHandle<()>>,
    /// At how many handles those of threads that have ended are dropped.
    threads_kept_max: usize,
    threads_made: u64,
}

impl Pool {
    /// A pool without threads yet; `done` is woken from a worker when there is something to collect.
    #[must_use]
    pub fn new(limits: PoolLimits, done: Waker) -> Self {
        let threads_max = limits.threads_max.max(1);
        let limits = PoolLimits {
            threads_max,
            ..limits
        };
        let (jobs, jobs_end) = bounded(threads_max);
        let (ends_start, ends) = unbounded();
        let (alive, alive_end) = bounded(0);
        Self {
            limits,
            done,
            census: Arc::default(),
            waiting: VecDeque::new(),
            in_flight: HashMap::new(),
            ready: Vec::new(),
            jobs: Some(jobs),
            jobs_end,
            ends,
            ends_start,
            alive: Some(alive),
            alive_end,
            threads: Vec::new(),
            threads_kept_max: 0,
            threads_made: 0,
        }
    }

    /// Gives `op` to a worker, or an [`Op::Thread`] to a thread of its own. `Some` is its end when no
    /// thread can be had for it: an error that holds [`NoThread`], with the buffer of the operation.
    pub fn submit(&mut self, token: Token, op: Op) -> Option<Completion> {
        let job = Job::new(token, op);
        // What is ready already is of other operations, and may be much.
        let before = self.ready.len();
        self.in_flight.insert(token, job.clone());
        if job.is_alone {
            if let Err(error) = self.start_alone(job.clone()) {
                self.fail(&job, error);
            }
        } else {
            self.waiting.push_back(job);
            self.feed();
        }
        let newer = &self.ready[before..];
        let at_once = newer.iter().position(|end| end.token == token)?;
        Some(self.ready.swap_remove(before + at_once))
    }

    /// Takes the operation `token` back if no worker has begun it; its end, without effect, is
    /// collected next. One that has begun runs to its end, and its thread's place is another's meanwhile,
    /// within [reason](PoolLimits::threads_max). A close is always carried out, and an unknown token is
    /// ignored.
    pub fn cancel(&mut self, token: Token) {
        let Some(job) = self.in_flight.get(&token) else {
            return;
        };
        match job.cancel(|| self.census.let_go(self.limits.threads_max)) {
            Cancelled::TakenBack(op) => {
                self.in_flight.remove(&token);
                let buf = op.into_buf();
                self.ready.push(Completion::cancelled(token, buf));
                self.forget_withdrawn();
            }
            Cancelled::LetGo => self.fill_place(),
            Cancelled::Nothing => {}
        }
    }

    /// Makes a thread for what waits, now that a place is free.
    fn fill_place(&mut self) {
        if self.census.fill(self.limits.threads_max) == Need::Thread
            && self.start_thread("bibelot-worker", Worker::run).is_err()
        {
            // What waits goes on waiting, for the thread that was let go of if there is no other.
            self.census.not_filled();
        }
    }

    /// Moves all ends that have come into `ends`.
    pub fn collect(&mut self, ends: &mut Vec<Completion>) {
        self.feed();
        ends.append(&mut self.ready);
        for end in self.ends.try_iter() {
            self.in_flight.remove(&end.token);
            ends.push(end);
        }
        self.feed();
    }

    /// Whether [`collect`](Self::collect) has anything to do: to bring ends, or to pass on a job that
    /// waited for room.
    #[must_use]
    pub fn has_ends(&self) -> bool {
        let has_room = self.jobs.as_ref().is_none_or(|jobs| !jobs.is_full());
        let can_feed = has_room && !self.waiting.is_empty();
        !self.ready.is_empty() || !self.ends.is_empty() || can_feed
    }

    /// How many operations were submitted whose ends are still to be collected.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len() + self.ready.len()
    }

    /// Whether nothing is in flight.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.in_flight() == 0
    }

    /// Ends the pool: drops what has not begun, waits for what runs, at most for the limit's `drain`,
    /// and joins the threads. Ends that nobody collected are dropped. What is submitted later fails.
    pub fn close(&mut self) -> PoolReport {
        let mut report = PoolReport::default();
        self.waiting.clear();
        for job in self.in_flight.values() {
            if let Some(op) = job.take() {
                report.cancelled += 1;
                contain(|| drop(op));
            }
        }
        self.jobs = None;
        self.alive = None;
        let gone = self.alive_end.recv_timeout(self.limits.drain);
        let all_gone = gone == Err(RecvTimeoutError::Disconnected);
        for end in self.ends.try_iter() {
            self.in_flight.remove(&end.token);
            contain(|| drop(end));
        }
        self.ready.drain(..).for_each(|end| contain(|| drop(end)));
        for thread in self.threads.drain(..) {
            if all_gone || thread.is_finished() {
                // A worker contains every panic, so there is nothing to learn from its result.
                let _ = thread.join();
            }
        }
        if !all_gone {
            report.left_running = self.in_flight.keys().copied().collect();
            report.left_running.sort_unstable();
        }
        self.in_flight.clear();
        report
    }

    /// Moves waiting jobs to the workers while there is room.
    fn feed(&mut self) {
        while self.jobs.as_ref().is_none_or(|jobs| !jobs.is_full()) {
            let Some(job) = self.waiting.pop_front() else {
                return;
            };
            if job.is_taken() {
                continue;
            }
            if let Err(error) = self.hand_over(job.clone()) {
                self.fail(&job, error);
            }
        }
    }

    fn start_alone(&mut self, job: Arc<Job>) -> io::Result<()> {
        self.check_open()?;
        self.start_thread("bibelot-thread", move |worker| worker.run_only(&job))
            .map_err(|source| io::Error::other(NoThread { source }))
    }

    fn check_open(&self) -> io::Result<()> {
        match self.jobs {
            Some(_) => Ok(()),
            None => Err(io::Error::other("the worker pool is closed")),
        }
    }

    fn hand_over(&mut self, job: Arc<Job>) -> io::Result<()> {
        self.check_open()?;
        if self.census.admit(self.limits.threads_max) == Need::Thread
            && let Err(source) = self.start_thread("bibelot-worker", Worker::run)
            && self.census.without_thread() == Without::Fails
        {
            return Err(io::Error::other(NoThread { source }));
        }
        let jobs = self.jobs.as_ref().expect("looked at above");
        jobs.try_send(job)
            .expect("there is room, and the receiving end is held here");
        Ok(())
    }

    fn fail(&mut self, job: &Job, error: io::Error) {
        self.in_flight.remove(&job.token);
        let buf = job.take().and_then(Op::into_buf);
        self.ready.push(Completion::end(job.token, Err(error), buf));
    }

    fn start_thread(
        &mut self,
        name: &str,
        run: impl FnOnce(Worker) + Send + 'static,
    ) -> io::Result<()> {
        if self.threads.len() >= self.threads_kept_max {
            self.threads.retain(|thread| !thread.is_finished());
            self.threads_kept_max = 2 * self.threads.len() + 8;
        }
        let alive = self.alive.as_ref().expect("it is there until the end");
        let worker = Worker {
            jobs: self.jobs_end.clone(),
            ends: self.ends_start.clone(),
            census: self.census.clone(),
            done: self.done.clone(),
            idle: self.limits.idle,
            threads_max: self.limits.threads_max,
            alive: alive.clone(),
        };
        let name = format!("{name}-{}", self.threads_made);
        let thread = thread::Builder::new()
            .name(name)
            .spawn(move || run(worker))?;
        self.threads.push(thread);
        self.threads_made += 1;
        Ok(())
    }

    /// Drops withdrawn jobs from the queue once they are the larger part of it.
    fn forget_withdrawn(&mut self) {
        let live = self.in_flight.len();
        if self.waiting.len() > 2 * live + 64 {
            self.waiting.retain(|job| !job.is_taken());
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("in_flight", &self.in_flight())
            .field("waiting", &self.waiting.len())
            .field("threads_max", &self.limits.threads_max)
            .finish_non_exhaustive()
    }
}
