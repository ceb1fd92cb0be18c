//! What all objects of a kernel share: limits, the memory of outboxes, and the counts.

use std::collections::VecDeque;
use std::time::Duration;

use bibelot_reactor::Spare;
use bibelot_timer::Instant;

use super::table::Key;

/// Sizes and spans.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many bytes an outbox takes.
    pub high_mark: usize,
    /// Down to where a writer that found it full waits.
    pub low_mark: usize,
    /// How many bytes all outboxes take together.
    pub kernel_mark: usize,
    pub unread_bytes_max: usize,
    pub unread_buffers_max: usize,
    /// How long an object that is being closed may still send and deliver.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            high_mark: 64 * 1024,
            low_mark: 16 * 1024,
            kernel_mark: 64 * 1024 * 1024,
            unread_bytes_max: 64 * 1024,
            unread_buffers_max: 4,
            linger: Duration::from_secs(5),
        }
    }
}

/// What all objects share.
pub(crate) struct Shared {
    pub limits: Limits,
    /// The time of the current turn.
    pub now: Instant,
    pub spare: Spare,
    /// Bytes in all outboxes.
    pub buffered: usize,
    /// Bytes that were taken from writers and could not be sent.
    pub unsent_bytes: u64,
    /// Bytes that were sent and not delivered when the time for it was over.
    pub undelivered_bytes: u64,
    /// Objects whose outboxes are to be flushed.
    pub dirty: Vec<Key>,
    /// Objects whose writers wait for the kernel-wide mark, the first of them first.
    pub starved: VecDeque<Key>,
    /// Objects whose flows pause for want of descriptors or memory, the first of them first.
    pub paused: VecDeque<Key>,
    /// How many descriptors were closed since that was looked at.
    pub freed: usize,
    /// How many objects are being closed.
    pub closing: usize,
}

impl Shared {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            now: Instant::ZERO,
            spare: Spare::default(),
            buffered: 0,
            unsent_bytes: 0,
            undelivered_bytes: 0,
            dirty: Vec::new(),
            starved: VecDeque::new(),
            paused: VecDeque::new(),
            freed: 0,
            closing: 0,
        }
    }

    /// The next object whose writer may go on, if there is room in the kernel.
    pub(crate) fn next_starved(&mut self) -> Option<Key> {
        if self.buffered >= self.limits.kernel_mark {
            return None;
        }
        self.starved.pop_front()
    }
}
