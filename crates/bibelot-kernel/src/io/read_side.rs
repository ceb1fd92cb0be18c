//! The read side: what has arrived at an object, and the flow that brings more.
//!
//! The flow belongs to the object. It is submitted when somebody first waits, so that until then
//! everything stays with the operating system; it goes on while the inbox is within its bound, and is
//! cancelled and drained above it. Whoever waits has only left a waker.
//!
//! # Invariants
//!
//! - At most one flow of an object is in flight.
//! - A flow is begun only while somebody waits and the inbox is empty, or to forget what it brings.

use std::io;
use std::net::SocketAddr;
use std::task::Waker;

use bibelot_reactor::{Buf, Completion, Fd, Inbox, Op, Outcome};
use bibelot_timer::Key as TimerKey;

use super::act::{Act, Alarm, Trash};
use super::shared::{Limits, Shared};
use super::table::Key;
use super::{Direction, busy};
use crate::record::Wait;

/// Something that arrived at an object.
#[derive(Debug)]
pub enum Arrival {
    /// Bytes, never none.
    Bytes(Buf),
    /// A connection, with the peer's address where the world gave it along.
    Connection(Fd, Option<SocketAddr>),
}

/// What an object's flow brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Connections; this many may wait in the inbox.
    Connections {
        kept_max: usize,
    },
    Bytes,
}

/// What `EMFILE`, `ENFILE`, `ENOMEM` and `ENOBUFS` are on Linux: a flow pauses on them.
const SHORTAGES: [i32; 4] = [24, 23, 12, 105];

/// How long a flow pauses for want of descriptors or memory, in milliseconds.
const SHORTAGE_MS: u64 = 50;

/// A place for one waiter.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    ticket: u32,
    /// Somebody waits.
    is_taken: bool,
    waker: Option<Waker>,
}

impl Waiter {
    /// Takes the place, or keeps it. Gives the ticket, or `None` if somebody else has the place, and a
    /// waker to drop.
    pub(crate) fn wait(
        &mut self,
        ticket: Option<u32>,
        waker: Waker,
    ) -> (Option<u32>, Option<Waker>) {
        if self.is_taken && ticket != Some(self.ticket) {
            return (None, Some(waker));
        }
        if !self.is_taken {
            self.ticket = self.ticket.wrapping_add(1);
            self.is_taken = true;
        }
        (Some(self.ticket), self.waker.replace(waker))
    }

    /// Gives the place up.
    pub(crate) fn leave(&mut self, ticket: u32) -> Option<Waker> {
        if !self.is_taken || self.ticket != ticket {
            return None;
        }
        self.is_taken = false;
        self.waker.take()
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.is_taken
    }

    /// The waker, to be woken; the place stays taken.
    pub(crate) fn take_waker(&mut self) -> Option<Waker> {
        self.waker.take()
    }
}

/// One object's read side.
#[derive(Debug)]
pub(crate) struct ReadSide {
    flow: Flow,
    pub inbox: Inbox<Arrival>,
    is_armed: bool,
    is_cancelling: bool,
    /// What arrives is forgotten: the object ends.
    discards: bool,
    pub waiter: Waiter,
    /// Set while the flow pauses for want of descriptors or memory.
    pub resume_timer: Option<TimerKey>,
    is_paused: bool,
    /// It is on the list of those that a descriptor that is closed may help, maybe from an earlier pause.
    is_listed: bool,
}

impl ReadSide {
    pub(crate) fn new(flow: Flow) -> Self {
        Self {
            flow,
            inbox: Inbox::new(),
            is_armed: false,
            is_cancelling: false,
            discards: false,
            waiter: Waiter::default(),
            resume_timer: None,
            is_paused: false,
            is_listed: false,
        }
    }

    pub(crate) fn wait_reason(&self) -> Wait {
        match self.flow {
            Flow::Connections { .. } => Wait::Accept,
            Flow::Bytes => Wait::Read,
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// It is not on the list of those that pause any more. Whether it pauses.
    pub(crate) fn leave_list(&mut self) -> bool {
        self.is_listed = false;
        self.is_paused
    }

    /// Whether nothing has arrived, and nothing is being asked for.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.is_armed && !self.is_paused && !self.inbox.is_ready()
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.is_armed
    }

    pub(crate) fn brings_bytes(&self) -> bool {
        self.flow == Flow::Bytes
    }

    pub(crate) fn discards(&self) -> bool {
        self.discards
    }

    /// From now on what arrives is forgotten.
    pub(crate) fn discard(&mut self) {
        self.discards = true;
    }

    /// Nobody will ask for the bytes that are here.
    pub(crate) fn forget_bytes(&mut self) {
        if self.flow == Flow::Bytes {
            self.inbox.clear();
        }
    }

    /// Leaves a waker, and has something brought if nothing is there.
    pub(crate) fn wait(
        &mut self,
        key: Key,
        fd: &Fd,
        ticket: Option<u32>,
        waker: Waker,
        acts: &mut Vec<Act>,
    ) -> io::Result<u32> {
        let (ticket, old) = self.waiter.wait(ticket, waker);
        acts.extend(old.map(|waker| Act::Drop(Trash::Waker(waker))));
        let ticket = ticket.ok_or_else(|| busy(Direction::Read))?;
        self.arm(key, fd, acts);
        Ok(ticket)
    }

    /// Begins the flow if it is wanted.
    pub(crate) fn arm(&mut self, key: Key, fd: &Fd, acts: &mut Vec<Act>) {
        let is_wanted = match self.discards {
            true => !self.inbox.has_ended(),
            false => self.waiter.is_taken() && !self.inbox.is_ready(),
        };
        if self.is_armed || self.is_paused || !is_wanted {
            return;
        }
        let op = match self.flow {
            Flow::Connections { kept_max } => Op::Accept {
                listener: fd.clone(),
                many: kept_max > 1,
            },
            Flow::Bytes => Op::Receive { socket: fd.clone() },
        };
        self.is_armed = true;
        acts.push(Act::Submit(key.token(Direction::Read), op));
    }

    /// Ends the flow early; its end is still to come.
    pub(crate) fn cancel(&mut self, key: Key, acts: &mut Vec<Act>) {
        if self.is_armed && !self.is_cancelling {
            self.is_cancelling = true;
            acts.push(Act::Cancel(key.token(Direction::Read)));
        }
    }

    /// The flow may go on after a shortage.
    pub(crate) fn resume(&mut self, key: Key, fd: &Fd, acts: &mut Vec<Act>) {
        acts.extend(self.resume_timer.take().map(Act::Disarm));
        self.is_paused = false;
        self.arm(key, fd, acts);
    }

    /// Takes what the flow brought.
    pub(crate) fn settle(
        &mut self,
        key: Key,
        completion: Completion,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) {
        if !completion.more {
            self.is_armed = false;
            self.is_cancelling = false;
        }
        match completion.result {
            Ok(Outcome::Received(_)) if self.discards => {}
            Ok(Outcome::Received(buf)) => {
                let weight = buf.len();
                self.inbox.push(Arrival::Bytes(buf), weight);
            }
            Ok(Outcome::Accepted { socket, peer }) => {
                self.inbox.push(Arrival::Connection(socket, peer), 1);
            }
            Ok(Outcome::EndOfStream) => self.inbox.end(),
            Ok(_) => {}
            Err(error)
                if error
                    .raw_os_error()
                    .is_some_and(|code| SHORTAGES.contains(&code)) =>
            {
                self.is_paused = true;
                if !self.is_listed {
                    self.is_listed = true;
                    shared.paused.push_back(key);
                }
                let span = std::time::Duration::from_millis(SHORTAGE_MS);
                acts.push(Act::Arm(Alarm::Resume(key), shared.now + span));
            }
            Err(error) if error.raw_os_error() == bibelot_reactor::cancelled().raw_os_error() => {}
            Err(error) => self.inbox.fail(error),
        }
        if self.is_over_bound(&shared.limits) {
            self.cancel(key, acts);
        }
        if self.inbox.is_ready() {
            acts.extend(self.waiter.take_waker().map(Act::Wake));
        }
    }

    fn is_over_bound(&self, limits: &Limits) -> bool {
        match self.flow {
            _ if self.discards => false,
            Flow::Connections { kept_max } => self.inbox.len() >= kept_max,
            Flow::Bytes => {
                self.inbox.len() >= limits.unread_buffers_max
                    || self.inbox.weight() >= limits.unread_bytes_max
            }
        }
    }
}
