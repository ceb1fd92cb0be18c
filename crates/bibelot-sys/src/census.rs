//! The census: how many threads a pool has, how many are free, how many jobs await them.
//!
//! One small lock makes the counts agree, so that a thread never leaves while a job counts on it and a
//! thread is made only when a job would wait otherwise. A thread whose job nobody wants any more is *let
//! go*: it is not counted until the job ends, and another may have its place.
//!
//! # Invariants
//!
//! - `free <= threads`; a thread that is being started counts as free.
//! - While `queued` is above zero there is a thread, or one let go of that will come back.
//! - `let_go` is no more than the most threads that there may be.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Census(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    threads: usize,
    free: usize,
    queued: usize,
    let_go: usize,
}

/// What a job needs besides being queued.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Need {
    /// Nothing: a thread will come for it.
    Nothing,
    /// A new thread, which is counted already.
    Thread,
}

/// What becomes of a job for which no thread could be started.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Without {
    /// Other threads will come for it.
    Waits,
    /// There is no thread at all; the job is not counted any more.
    Fails,
}

impl Census {
    /// A job is about to be queued.
    pub(crate) fn admit(&self, threads_max: usize) -> Need {
        let mut counts = self.lock();
        counts.queued += 1;
        if counts.queued > counts.free && counts.threads < threads_max {
            counts.threads += 1;
            counts.free += 1;
            Need::Thread
        } else {
            Need::Nothing
        }
    }

    /// The thread that [`admit`](Self::admit) asked for cannot be had.
    pub(crate) fn without_thread(&self) -> Without {
        let mut counts = self.lock();
        counts.threads -= 1;
        counts.free -= 1;
        if counts.threads == 0 {
            counts.queued -= 1;
            Without::Fails
        } else {
            Without::Waits
        }
    }

    /// A thread has taken a job.
    pub(crate) fn begin(&self) {
        let mut counts = self.lock();
        counts.queued -= 1;
        counts.free -= 1;
    }

    /// A thread has ended its job.
    pub(crate) fn finish(&self) {
        self.lock().free += 1;
    }

    /// The job of a thread is not wanted any more. Whether the thread is let go of; if not, as many are
    /// as may be, and this one keeps its place.
    #[must_use]
    pub(crate) fn let_go(&self, threads_max: usize) -> bool {
        let mut counts = self.lock();
        if counts.let_go >= threads_max {
            return false;
        }
        counts.let_go += 1;
        counts.threads -= 1;
        true
    }

    /// What the jobs that wait need, now that a place is free.
    pub(crate) fn fill(&self, threads_max: usize) -> Need {
        let mut counts = self.lock();
        if counts.queued > counts.free && counts.threads < threads_max {
            counts.threads += 1;
            counts.free += 1;
            Need::Thread
        } else {
            Need::Nothing
        }
    }

    /// The thread that [`fill`](Self::fill) asked for cannot be had.
    pub(crate) fn not_filled(&self) {
        let mut counts = self.lock();
        counts.threads -= 1;
        counts.free -= 1;
    }

    /// A thread that was let go of has ended its job. Whether it is counted and free again; if not, its
    /// place is taken, and it must leave.
    #[must_use]
    pub(crate) fn come_back(&self, threads_max: usize) -> bool {
        let mut counts = self.lock();
        counts.let_go -= 1;
        let has_place = counts.threads < threads_max;
        if has_place {
            counts.threads += 1;
            counts.free += 1;
        }
        has_place
    }

    /// Whether a free thread that has waited long enough may leave; if so it is not counted any more.
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        let mut counts = self.lock();
        if counts.queued > 0 {
            return false;
        }
        counts.threads -= 1;
        counts.free -= 1;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Counting cannot stop half-way, so a poisoned lock is a good one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_made_only_when_a_job_would_wait() {
        let census = Census::default();
        assert_eq!(census.admit(2), Need::Thread);
        assert_eq!(census.admit(2), Need::Thread);
        assert_eq!(census.admit(2), Need::Nothing);
        census.begin();
        census.begin();
        census.finish();
        census.begin();
        census.finish();
        assert_eq!(census.admit(2), Need::Nothing);
    }

    #[test]
    fn no_thread_leaves_a_job_that_counts_on_it() {
        let census = Census::default();
        assert_eq!(census.admit(1), Need::Thread);
        assert!(!census.leave());
        census.begin();
        census.finish();
        assert!(census.leave());
    }

    #[test]
    fn a_thread_that_is_let_go_makes_place_and_comes_back_if_there_is_any() {
        let census = Census::default();
        for _ in 0..2 {
            assert_eq!(census.admit(1), Need::Thread);
            census.begin();
            assert_eq!(census.admit(1), Need::Nothing);
            assert!(census.let_go(1));
            assert_eq!(census.fill(1), Need::Thread);
            assert_eq!(census.fill(1), Need::Nothing);
            census.begin();
            assert!(!census.let_go(1), "one is gone already");
            assert!(!census.come_back(1), "another has its place");
            census.finish();
            assert!(census.leave());
        }
        assert_eq!(census.admit(1), Need::Thread);
        census.begin();
        assert!(census.let_go(1) && census.come_back(1));
        assert_eq!(census.admit(1), Need::Nothing);
    }

    #[test]
    fn what_waits_for_a_place_that_nobody_fills_gets_the_thread_that_comes_back() {
        let census = Census::default();
        assert_eq!(census.admit(1), Need::Thread);
        census.begin();
        assert_eq!(census.admit(1), Need::Nothing);
        assert!(census.let_go(1));
        assert_eq!(census.fill(1), Need::Thread);
        census.not_filled();
        assert!(census.come_back(1));
        assert!(!census.leave(), "a job counts on it");
    }

    #[test]
    fn a_job_without_any_thread_fails_and_with_one_waits() {
        let census = Census::default();
        assert_eq!(census.admit(2), Need::Thread);
        assert_eq!(census.without_thread(), Without::Fails);
        assert_eq!(census.admit(2), Need::Thread);
        assert_eq!(census.admit(2), Need::Thread);
        assert_eq!(census.without_thread(), Without::Waits);
        assert!(!census.leave());
    }
}
