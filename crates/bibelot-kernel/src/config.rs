//! The config: a kernel's sizes and spans.

use std::time::Duration;

use crate::io::Limits;

/// What a kernel was built with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub io: Limits,
    /// How long a cancelled operation is waited for before it is left as an orphan.
    pub drain_limit: Duration,
    /// How long a shutdown waits for cancelled tasks before it aborts them.
    pub grace: Duration,
    /// The longest wait in one turn.
    pub park_max: Option<Duration>,
    /// After how long without anything under way a run is a deadlock.
    pub deadlock_after: Option<Duration>,
    pub on_panic: OnPanic,
    /// Every operation that a task parked in is kept, with the scopes around it.
    pub tracebacks: bool,
    /// The crash hook is told of tasks that nobody joined.
    pub orphan_log: bool,
    /// Every operation is a cancel point, ready or not.
    pub checkpoint_everywhere: bool,
}

/// What a kernel does when a task panics, whoever joins it.
///
/// Other than contained, a panic is told to the [crash hook](crate::set_crash_hook) at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// The panic is the joiner's to handle, and the crash hook's if there is none.
    #[default]
    Contain,
    /// The program ends, as if the task had called [`exit(101)`](crate::exit()).
    Shutdown,
    /// The process is aborted, once the panic was reported.
    Abort,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            io: Limits::default(),
            drain_limit: Duration::from_secs(2),
            grace: Duration::from_secs(10),
            park_max: None,
            deadlock_after: None,
            on_panic: OnPanic::default(),
            orphan_log: false,
            tracebacks: false,
            checkpoint_everywhere: false,
        }
    }
}
