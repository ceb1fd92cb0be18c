//! The limits of a pool: how many processes, how long, how much.

use std::time::Duration;

/// How many processes a pool has, and what they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessLimits {
    /// The most processes; `None` is one for each processor.
    pub processes_max: Option<usize>,
    /// How long a process may be idle before it is let go of; 60 s without a word.
    pub idle: Duration,
    /// How long a process may take to end after a `SIGTERM` before it gets a `SIGKILL`; 1 s without a
    /// word.
    pub grace: Duration,
    /// How long a process may take to come up; 30 s without a word.
    pub start: Duration,
    /// The most bytes of a call's arguments or of its value, as they travel; 64 MiB without a word.
    pub frame_max: usize,
}

impl Default for ProcessLimits {
    fn default() -> Self {
        Self {
            processes_max: None,
            idle: Duration::from_secs(60),
            grace: Duration::from_secs(1),
            start: Duration::from_secs(30),
            frame_max: 64 * 1024 * 1024,
        }
    }
}

impl ProcessLimits {
    /// The limits without a word.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`processes_max`](Self::processes_max), which is at least 1.
    #[must_use]
    pub fn processes_max(mut self, count: usize) -> Self {
        self.processes_max = Some(count.max(1));
        self
    }

    /// Sets [`idle`](Self::idle).
    #[must_use]
    pub fn idle(mut self, span: Duration) -> Self {
        self.idle = span;
        self
    }

    /// Sets [`grace`](Self::grace).
    #[must_use]
    pub fn grace(mut self, span: Duration) -> Self {
        self.grace = span;
        self
    }

    /// Sets [`start`](Self::start).
    #[must_use]
    pub fn start(mut self, span: Duration) -> Self {
        self.start = span;
        self
    }

    /// Sets [`frame_max`](Self::frame_max).
    #[must_use]
    pub fn frame_max(mut self, bytes: usize) -> Self {
        self.frame_max = bytes;
        self
    }
}
