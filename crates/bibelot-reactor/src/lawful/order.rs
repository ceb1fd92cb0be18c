//! The order: which send took bytes before which, and so for receives.
//!
//! Operations are numbered as they are submitted. One that begins after a later one has already moved
//! bytes was begun out of order; nothing else can be told from outside.
//!
//! # Invariants
//!
//! - There is an entry for a socket exactly while operations on it are in flight.

use std::collections::HashMap;

use crate::{Completion, OpKind, Outcome, WeakFd};

#[derive(Debug, Default)]
pub(crate) struct Order {
    sockets: HashMap<WeakFd, Socket>,
    submitted: u64,
}

#[derive(Debug, Default)]
struct Socket {
    in_flight: usize,
    /// The number of the latest send that took bytes; so for receives.
    sent: u64,
    received: u64,
}

impl Order {
    /// Numbers an operation on `socket`.
    pub(crate) fn open(&mut self, socket: Option<&WeakFd>) -> u64 {
        self.submitted += 1;
        if let Some(socket) = socket {
            self.sockets.entry(socket.clone()).or_default().in_flight += 1;
        }
        self.submitted
    }

    /// An operation has moved its first bytes: whether one that came after it has done so before.
    #[must_use]
    pub(crate) fn is_overtaken(&mut self, socket: &WeakFd, kind: OpKind, number: u64) -> bool {
        let Some(socket) = self.sockets.get_mut(socket) else {
            return false;
        };
        let latest = match kind {
            OpKind::Send => &mut socket.sent,
            OpKind::Receive | OpKind::ReceiveInto => &mut socket.received,
            _ => return false,
        };
        let overtaken = *latest > number;
        *latest = number.max(*latest);
        overtaken
    }

    /// An operation on `socket` has ended.
    pub(crate) fn close(&mut self, socket: &WeakFd) {
        if let Some(known) = self.sockets.get_mut(socket) {
            known.in_flight -= 1;
            if known.in_flight == 0 {
                self.sockets.remove(socket);
            }
        }
    }
}

/// Whether a completion says that bytes were moved.
pub(crate) fn moved_bytes(completion: &Completion) -> bool {
    match &completion.result {
        Ok(Outcome::Count(count)) => *count > 0,
        Ok(Outcome::Received(_)) => true,
        _ => false,
    }
}
