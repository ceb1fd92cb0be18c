//! The bell: the descriptor on which somebody else's loop waits for the ring.
//!
//! An event descriptor that the operating system counts up whenever a completion is made or can be made.
//! The ring's own descriptor would do, but a ring whose completions are deferred does not always wake
//! who polls it. Where nothing can be registered with a ring, its own descriptor has to serve.
//!
//! # Invariants
//!
//! - Once it is handed out, every turn silences it before it looks for completions.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{read, write};

use crate::ring::Ring;

#[derive(Debug, Default)]
pub(crate) enum Bell {
    /// Nobody has asked yet.
    #[default]
    Unasked,
    Event(OwnedFd),
    /// It cannot be had.
    RingItself,
}

impl Bell {
    /// The descriptor that is readable when a turn would bring something.
    pub(crate) fn hang(&mut self, ring: &Ring) -> RawFd {
        if let Self::Unasked = self {
            *self = match eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK) {
                Ok(event) if ring.register_eventfd(event.as_raw_fd()) => Self::Event(event),
                _ => Self::RingItself,
            };
        }
        match self {
            Self::Event(event) => event.as_raw_fd(),
            _ => ring.wait_fd(),
        }
    }

    /// Makes it readable now, for what the operating system has not been told of yet; whether it could.
    pub(crate) fn ring(&self) -> bool {
        match self {
            // It fails only if it is readable for the longest time.
            Self::Event(event) => write(event, &1_u64.to_ne_bytes()).is_ok(),
            _ => false,
        }
    }

    /// Makes it unreadable until something new comes.
    pub(crate) fn silence(&self) {
        if let Self::Event(event) = self {
            // It fails only if nothing has come.
            let _ = read(event, &mut [0; 8]);
        }
    }
}
