//! The counters: what a kernel has done, each in a cell of its own.

use std::cell::Cell;

/// What a kernel has done, for whoever compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelCounters {
    /// Turns.
    pub turns: u64,
    /// Polls of tasks and main futures.
    pub polls: u64,
    /// Tasks spawned.
    pub spawned: u64,
    /// Timers that fired.
    pub timers_fired: u64,
    /// Parkings that had to look closer whether a request was due.
    pub slow_looks: u64,
    /// Tasks that panicked.
    pub panicked: u64,
}

/// The same while it is being counted.
#[derive(Default)]
pub(crate) struct Counters {
    pub turns: Count,
    pub polls: Count,
    pub spawned: Count,
    pub timers_fired: Count,
    pub slow_looks: Count,
    pub panicked: Count,
}

/// One number.
#[derive(Default)]
pub(crate) struct Count(Cell<u64>);

impl Count {
    #[inline]
    pub(crate) fn add(&self, more: u64) {
        self.0.set(self.0.get() + more);
    }
}

impl Counters {
    /// What has been counted so far.
    pub(crate) fn get(&self) -> KernelCounters {
        KernelCounters {
            turns: self.turns.0.get(),
            polls: self.polls.0.get(),
            spawned: self.spawned.0.get(),
            timers_fired: self.timers_fired.0.get(),
            slow_looks: self.slow_looks.0.get(),
            panicked: self.panicked.0.get(),
        }
    }
}
