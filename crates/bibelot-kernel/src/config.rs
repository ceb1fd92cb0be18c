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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            io: Limits::default(),
            drain_limit: Duration::from_secs(2),
            grace: Duration::from_secs(10),
            park_max: None,
        }
    }
}
