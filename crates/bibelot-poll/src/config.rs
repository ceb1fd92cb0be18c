//! The sizes of a polling reactor that can be chosen.

use std::time::Duration;

use bibelot_sys::PoolLimits;

/// How a [`Poll`](crate::Poll) is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollConfig {
    /// How many bytes a receive can bring at once; 0 counts as 1.
    pub receive_len: usize,
    /// How many bytes it can bring where those before filled their buffers; at least `receive_len`.
    pub receive_len_max: usize,
    /// How many unused receive buffers of `receive_len` are kept for later receives, and how much memory
    /// of longer ones.
    pub receive_kept_max: usize,
    /// After so many bytes a poll receives no more and gives out what it has; the rest follows with the
    /// next, without another look. 0 counts as 1.
    pub receive_batch: usize,
    /// How many descriptors one wait can report as ready; 0 counts as 1.
    pub events_max: usize,
    /// For how long it may look for something to come before it sleeps, where that has proved to be worth
    /// it; zero is never.
    pub look_max: Duration,
    /// The threads for operations that block.
    pub workers: PoolLimits,
}

impl Default for PollConfig {
    /// Receives of 16 KiB, or 64 KiB where those are filled, of which 4 MiB are kept; 64 KiB at once, so
    /// that they are warm still when their readers run; 64 events; looks of 50 us; the default workers.
    fn default() -> Self {
        Self {
            receive_len: 16 * 1024,
            receive_len_max: 64 * 1024,
            receive_kept_max: 256,
            receive_batch: 64 * 1024,
            events_max: 64,
            look_max: Duration::from_micros(50),
            workers: PoolLimits::default(),
        }
    }
}
