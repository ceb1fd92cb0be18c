//! What can be chosen about an io_uring reactor.

use std::time::Duration;

use bibelot_sys::PoolLimits;

use crate::Abilities;

/// How a [`Uring`](crate::Uring) is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UringConfig {
    /// How many entries the submission queue holds; rounded up to a power of two, 0 counts as 2. When
    /// it is full, it is submitted without waiting.
    pub entries: u32,
    /// How many entries the completion queue holds; at least twice `entries` are taken. More
    /// completions than that wait in the operating system, at a price.
    pub completions: u32,
    /// How many bytes a receive can bring at once; 0 counts as 1.
    pub receive_len: usize,
    /// How many receive buffers may lie ready at once; rounded up to a power of two, at most 32768. It
    /// begins with 64 and takes more when they were not enough.
    pub receive_ready_max: u16,
    /// How many receive buffers there may be, those included that readers hold. Beyond that, receives
    /// are served one by one into memory of their own.
    pub receive_buffers_max: usize,
    /// What is not used even where it is offered, to see how one fares without.
    pub hide: Abilities,
    /// Whether wakes of other reactors on io_uring that have this too are sent as messages of the ring, with
    /// the turn's other submissions, instead of being written at once.
    ///
    /// It saves a system call for each reactor that is woken in its sleep, and costs about a fifth more
    /// processor time than that call. What is woken begins when the waker's turn ends, not while a task of it
    /// still computes. A task that blocks its thread until another reactor's thread has done something waits
    /// for ever.
    pub wake_by_message: bool,
    /// For how long it may look for something to come before it sleeps, where that has proved to be worth
    /// it; zero is never.
    pub look_max: Duration,
    /// For how long from its beginning a wait may gather completions while many connections are busy, instead of
    /// ending with the first; zero is never. A wait that is longer than that is not prolonged.
    pub gather_max: Duration,
    /// The threads for operations that block.
    pub workers: PoolLimits,
    /// How long the end of the reactor waits for operations that do not stop.
    pub drain: Duration,
}

impl Default for UringConfig {
    /// 1024 entries and 4096 completions; receives of 16 KiB, at most 1024 ready and 4096 in all; nothing
    /// hidden; wakes are written; looks of 50 us; crowds gather for 20 us; the default workers; 2 s.
    fn default() -> Self {
        Self {
            entries: 1024,
            completions: 4096,
            receive_len: 16 * 1024,
            receive_ready_max: 1024,
            receive_buffers_max: 4096,
            hide: Abilities::NONE,
            wake_by_message: false,
            look_max: Duration::from_micros(50),
            gather_max: Duration::from_micros(20),
            workers: PoolLimits::default(),
            drain: Duration::from_secs(2),
        }
    }
}
