//! The sizes of a polling reactor that can be chosen.

use bibelot_sys::PoolLimits;

/// How a [`Poll`](crate::Poll) is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollConfig {
    /// How many bytes a receive can bring at once; 0 counts as 1.
    pub receive_len: usize,
    /// How many unused receive buffers are kept for later receives.
    pub receive_kept_max: usize,
    /// How many descriptors one wait can report as ready; 0 counts as 1.
    pub events_max: usize,
    /// The threads for operations that block.
    pub workers: PoolLimits,
}

impl Default for PollConfig {
    /// Receives of 16 KiB, of which 256 are kept; 64 events, so that the buffers of one look are warm
    /// still when their readers run; the default workers.
    fn default() -> Self {
        Self {
            receive_len: 16 * 1024,
            receive_kept_max: 256,
            events_max: 64,
            workers: PoolLimits::default(),
        }
    }
}
