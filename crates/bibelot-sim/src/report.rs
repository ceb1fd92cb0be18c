//! The report: what a simulated run came to, readable when it is over and from any thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bibelot_timer::Instant;

/// What a simulated run has come to so far.
///
/// It is a handle: [`Sim::report`](crate::Sim::report) gives it before the run, and it shows what the
/// run's last poll left.
#[derive(Clone, Debug, Default)]
pub struct Report(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    chain: AtomicU64,
    choices: AtomicU64,
    completions: AtomicU64,
    now_ns: AtomicU64,
}

impl Report {
    /// A hash of everything that was chosen and completed, in order, with its time: two runs with the
    /// same chain went the same way.
    #[must_use]
    pub fn chain(&self) -> u64 {
        self.0.chain.load(Ordering::Relaxed)
    }

    /// How many choices were asked for.
    #[must_use]
    pub fn choices(&self) -> u64 {
        self.0.choices.load(Ordering::Relaxed)
    }

    /// How many completions were given out.
    #[must_use]
    pub fn completions(&self) -> u64 {
        self.0.completions.load(Ordering::Relaxed)
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_nanos(self.0.now_ns.load(Ordering::Relaxed))
    }

    pub(crate) fn publish(&self, trace: &crate::trace::Trace, now_ns: u64) {
        // Relaxed: each number stands for itself, and who needs all of them reads after the run.
        self.0.chain.store(trace.chain(), Ordering::Relaxed);
        self.0.choices.store(trace.choices(), Ordering::Relaxed);
        self.0
            .completions
            .store(trace.completions(), Ordering::Relaxed);
        self.0.now_ns.store(now_ns, Ordering::Relaxed);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "chain {:016x}, {} choices, {} completions, ended at {}",
            self.chain(),
            self.choices(),
            self.completions(),
            self.now()
        )
    }
}
