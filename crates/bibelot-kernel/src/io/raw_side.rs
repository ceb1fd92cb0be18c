//! The raw side: a socket whose sends are operations of their callers, one at a time.
//!
//! A send owns its buffer. Whoever waits for it has a *claim* on the side, so that nobody else begins one
//! beside it. Given up, the send is asked to end early and goes on as an orphan: its count is taken all the
//! same, and whoever has the claim by then begins only after its end.
//!
//! # Invariants
//!
//! - At most one send is in flight; with an orphan in flight none is begun.
//! - `sent` grows by the count of every send that ends, whoever waits for it.
//! - The descriptor is given away once, when no send is in flight: to a close operation, or to the ending of
//!   a stream if something was sent.

use std::io;
use std::task::Waker;

use bibelot_reactor::{Buf, Completion, Fd, Op, Outcome};

use super::act::{Act, Trash};
use super::object::Ended;
use super::shared::Shared;
use super::table::Key;
use super::{Direction, busy, closed};

/// What is known of the send that was begun last.
#[derive(Debug)]
enum Flight {
    None,
    /// Whoever has the claim waits for it.
    Claimed,
    /// Nobody waits for it.
    Orphan,
    /// Its end was not taken yet.
    Ended(Box<Completion>),
}

/// How far the end of the socket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// It is closed once nothing is in flight and nobody has a claim.
    Released,
    /// It is closed once nothing is in flight.
    Ending,
    Closing,
    Closed,
}

/// A socket for raw sends.
#[derive(Debug)]
pub(crate) struct RawSide {
    /// `None` once it is being closed.
    fd: Option<Fd>,
    claim: Option<u32>,
    last_claim: u32,
    waker: Option<Waker>,
    flight: Flight,
    /// Why an orphan failed; told to the next send.
    error: Option<io::Error>,
    sent: u64,
    is_held: bool,
    stage: Stage,
}

impl RawSide {
    pub(crate) fn new(fd: Fd) -> Self {
        Self {
            fd: Some(fd),
            claim: None,
            last_claim: 0,
            waker: None,
            flight: Flight::None,
            error: None,
            sent: 0,
            is_held: true,
            stage: Stage::Open,
        }
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    pub(crate) fn is_claimed(&self) -> bool {
        self.claim.is_some()
    }

    /// Whether a send that was given up is still under way.
    pub(crate) fn has_orphan(&self) -> bool {
        matches!(self.flight, Flight::Orphan)
    }

    /// Whether a send is under way, an orphan too.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.flight, Flight::Claimed | Flight::Orphan)
    }

    /// Takes the claim, or keeps it, and leaves a waker.
    pub(crate) fn claim(
        &mut self,
        held: Option<u32>,
        waker: Waker,
        acts: &mut Vec<Act>,
    ) -> io::Result<u32> {
        let refused = match (held, self.claim) {
            (Some(held), Some(claim)) if held == claim => None,
            _ if self.stage != Stage::Open => Some(closed()),
            (_, Some(_)) => Some(busy(Direction::Write)),
            (_, None) => None,
        };
        if let Some(error) = refused {
            acts.push(Act::Drop(Trash::Waker(waker)));
            return Err(error);
        }
        let claim = *self.claim.get_or_insert_with(|| {
            self.last_claim = self.last_claim.wrapping_add(1);
            self.last_claim
        });
        let old = self.waker.replace(waker);
        acts.extend(old.map(|old| Act::Drop(Trash::Waker(old))));
        Ok(claim)
    }

    /// Begins to send `buf` for whoever has the claim, unless a send is in flight.
    pub(crate) fn begin(
        &mut self,
        key: Key,
        buf: &mut Option<Buf>,
        acts: &mut Vec<Act>,
    ) -> io::Result<()> {
        if !matches!(self.flight, Flight::None) {
            return Ok(());
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let fd = match &self.fd {
            Some(fd) if matches!(self.stage, Stage::Open | Stage::Released) => fd,
            _ => return Err(closed()),
        };
        if let Some(buf) = buf.take() {
            let socket = fd.clone();
            let op = Op::Send { socket, buf };
            acts.push(Act::Submit(key.token(Direction::Write), op));
            self.flight = Flight::Claimed;
        }
        Ok(())
    }

    /// Asks the send of this claim to end early. Whether it is under way.
    pub(crate) fn cancel(&mut self, key: Key, claim: u32, acts: &mut Vec<Act>) -> bool {
        let is_its = self.claim == Some(claim) && matches!(self.flight, Flight::Claimed);
        if is_its {
            acts.push(Act::Cancel(key.token(Direction::Write)));
        }
        is_its
    }

    /// Takes the end of the send of this claim.
    pub(crate) fn take_end(&mut self, claim: u32) -> Option<Completion> {
        if self.claim != Some(claim) {
            return None;
        }
        match std::mem::replace(&mut self.flight, Flight::None) {
            Flight::Ended(end) => Some(*end),
            other => {
                self.flight = other;
                None
            }
        }
    }

    /// Gives the claim up; a send that is under way becomes an orphan.
    pub(crate) fn leave(&mut self, key: Key, claim: u32, acts: &mut Vec<Act>) -> Ended {
        if self.claim != Some(claim) {
            return Ended::Stays;
        }
        self.claim = None;
        let waker = self.waker.take();
        acts.extend(waker.map(|waker| Act::Drop(Trash::Waker(waker))));
        match std::mem::replace(&mut self.flight, Flight::None) {
            Flight::Claimed => {
                self.flight = Flight::Orphan;
                acts.push(Act::Cancel(key.token(Direction::Write)));
            }
            Flight::Ended(end) => self.end_unheard(end, acts),
            other => self.flight = other,
        }
        self.go_on(key, acts)
    }

    /// Takes what became of a send, or of the close.
    pub(crate) fn settle(
        &mut self,
        key: Key,
        completion: Completion,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> Ended {
        let completion = Box::new(completion);
        if self.stage == Stage::Closing {
            self.stage = Stage::Closed;
            shared.closing -= 1;
            shared.freed += 1;
            acts.push(Act::Drop(Trash::Completion(completion)));
            return self.go_on(key, acts);
        }
        if let Ok(Outcome::Count(count)) = completion.result {
            self.sent += count as u64;
        }
        match self.flight {
            Flight::Claimed => self.flight = Flight::Ended(completion),
            _ => {
                self.flight = Flight::None;
                self.end_unheard(completion, acts);
            }
        }
        acts.extend(self.waker.take().map(Act::Wake));
        self.go_on(key, acts)
    }

    /// A send ended that nobody waits for: its count was taken, and its failure is kept.
    fn end_unheard(&mut self, mut end: Box<Completion>, acts: &mut Vec<Act>) {
        if !end.is_cancelled() {
            let result = std::mem::replace(&mut end.result, Ok(Outcome::Done));
            self.error = result.err().or_else(|| self.error.take());
        }
        acts.push(Act::Drop(Trash::Completion(end)));
    }

    /// Its handle is gone: it is closed when what is under way has ended.
    pub(crate) fn release(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) -> Ended {
        self.is_held = false;
        if self.stage == Stage::Open {
            self.stage = Stage::Released;
            shared.closing += 1;
        }
        self.go_on(key, acts)
    }

    /// The kernel ends: what is under way is asked to end early, and then it is closed.
    pub(crate) fn end(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) -> Ended {
        match self.stage {
            Stage::Open => shared.closing += 1,
            Stage::Released => {}
            Stage::Ending | Stage::Closing | Stage::Closed => return Ended::Stays,
        }
        self.stage = Stage::Ending;
        if self.is_under_way() {
            acts.push(Act::Cancel(key.token(Direction::Write)));
        }
        acts.extend(self.waker.take().map(Act::Wake));
        self.go_on(key, acts)
    }

    /// Goes on with the end as far as it can.
    fn go_on(&mut self, key: Key, acts: &mut Vec<Act>) -> Ended {
        let may_close = match self.stage {
            Stage::Released => self.claim.is_none(),
            Stage::Ending => true,
            Stage::Open | Stage::Closing | Stage::Closed => false,
        };
        if may_close
            && !self.is_under_way()
            && let Some(fd) = self.fd.take()
        {
            if self.sent > 0 {
                self.stage = Stage::Closed;
                acts.push(Act::CloseSent(fd));
            } else {
                self.stage = Stage::Closing;
                acts.push(Act::Submit(key.token(Direction::Write), Op::Close { fd }));
            }
        }
        if self.stage == Stage::Closed && !self.is_held && self.claim.is_none() {
            Ended::Gone
        } else {
            Ended::Stays
        }
    }
}
