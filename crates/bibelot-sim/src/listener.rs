//! The listener: who knocks, who waits to be accepted, who accepts.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bibelot_reactor::{Interest, Token};

use crate::object::Id;
use crate::spot::Spot;

/// A socket that listens.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    pub(crate) backlog_max: usize,
    /// Whether a shutdown made it deaf.
    pub(crate) closed: bool,
    /// Connections that are established and not accepted, by the stream of this side.
    pub(crate) backlog: VecDeque<Id>,
    /// Callers that found the backlog full, by the stream of their side, and which request of it that is.
    pub(crate) waiting: VecDeque<(Id, u32)>,
    /// Accepts under way, in order.
    pub(crate) accepts: VecDeque<Token>,
    /// Who waits until a connection can be accepted.
    pub(crate) watchers: Vec<(Token, Interest)>,
    /// How many connections came about here, so that those who share an address take turns.
    pub(crate) connections: u32,
    pub(crate) no_delay: bool,
    pub(crate) spot: Spot,
}

impl Listener {
    /// Linux takes at most so many, whatever a program asks for.
    const BACKLOG_MAX: u32 = 4096;

    /// The `nth` listener at its port.
    pub(crate) fn new(address: SocketAddr, backlog: u32, nth: u32) -> Self {
        Self {
            address,
            // One more than asked for, as on Linux.
            backlog_max: backlog.min(Self::BACKLOG_MAX) as usize + 1,
            closed: false,
            backlog: VecDeque::new(),
            waiting: VecDeque::new(),
            accepts: VecDeque::new(),
            watchers: Vec::new(),
            connections: 0,
            no_delay: false,
            spot: Spot::listener(address.port(), nth),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.backlog.len() >= self.backlog_max
    }

    /// Whether an accept would have its answer at once.
    pub(crate) fn is_readable(&self) -> bool {
        self.closed || !self.backlog.is_empty()
    }
}
