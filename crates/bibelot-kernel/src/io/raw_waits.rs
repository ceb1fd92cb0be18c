//! The waits at a raw sender: for a send's end, and for the end of one that was dropped.

use std::fmt;
use std::io;
use std::task::Waker;

use bibelot_reactor::{Buf, Completion, Outcome};
use bibelot_timer::{Instant, Key as TimerKey};

use super::raw_sender::RawId;
use super::{busy, closed, wrong_kernel};
use crate::home;
use crate::io::Direction;
use crate::record::Wait;
use crate::timers::disarm_from_anywhere;
use crate::trap::{Drained, Leave, Op, Park};

/// Sends a buffer, by one operation or by as many as it takes.
pub(super) struct RawSendOp {
    id: RawId,
    /// Here while no operation has it.
    buf: Option<Buf>,
    /// Whether all of it is to be sent.
    is_whole: bool,
    /// How much of it was sent.
    sent: usize,
    claim: Option<u32>,
    drain: Option<Drain>,
}

/// An early end was asked for.
struct Drain {
    until: Instant,
    timer: Option<TimerKey>,
}

/// What was heard of the operation under way.
enum Heard {
    /// That was the last.
    Last(io::Result<()>),
    /// It sent a part of what is to be sent.
    Part,
    /// It was ended early and sent nothing.
    NoEffect,
}

impl RawSendOp {
    pub(super) fn new(id: RawId, buf: Buf, is_whole: bool) -> Self {
        Self {
            id,
            buf: Some(buf),
            is_whole,
            sent: 0,
            claim: None,
            drain: None,
        }
    }

    /// How much was sent, and the rest if it is here.
    pub(super) fn take_rest(&mut self) -> (usize, Option<Buf>) {
        (self.sent, self.buf.take())
    }

    /// Takes what became of the operation under way, if it has ended. The claim stays, but for the last.
    fn hear(&mut self) -> Option<Heard> {
        let claim = self.claim?;
        let heard = match self.id.with(|raw| raw.take_end(claim)) {
            Ok(end) => self.count(end?),
            // Elsewhere nothing of its end is ever heard; with the kernel gone there is none.
            Err(error) => Heard::Last(Err(error)),
        };
        if let Heard::Last(_) = heard {
            self.give_up();
        }
        Some(heard)
    }

    fn count(&mut self, end: Completion) -> Heard {
        if end.is_cancelled() {
            self.buf = end.buf;
            return Heard::NoEffect;
        }
        let mut buf = end.buf.unwrap_or_default();
        let heard = match end.result {
            Ok(Outcome::Count(count)) => {
                let had_some = !buf.is_empty();
                buf.consume(count);
                self.sent += count;
                if !self.is_whole || buf.is_empty() {
                    Heard::Last(Ok(()))
                } else if count == 0 && had_some {
                    Heard::Last(Err(io::ErrorKind::WriteZero.into()))
                } else {
                    Heard::Part
                }
            }
            Ok(_) => Heard::Last(Err(io::Error::other("not a send's end"))),
            Err(error) => Heard::Last(Err(error)),
        };
        self.buf = Some(buf);
        heard
    }

    /// Gives the claim up; what is under way goes on without it.
    fn give_up(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.id.leave(claim);
        }
        if let Some(timer) = self.drain.as_mut().and_then(|drain| drain.timer.take()) {
            disarm_from_anywhere(self.id.kernel, timer);
        }
    }

    /// Takes or keeps the claim, and begins the next operation if none is in flight.
    fn go_on(&mut self, waker: &Waker) -> io::Result<()> {
        let RawId { kernel, key } = self.id;
        // Cloned, and dropped if nobody takes it, outside the borrow: both may be code of users.
        let mut own = Some(waker.clone());
        let gone_on = home::with_kernel(kernel, |core| {
            core.with_io(|io, acts| {
                let raw = io.raw(key).ok_or_else(closed)?;
                let own = own.take().expect("it is taken once");
                self.claim = Some(raw.claim(self.claim, own, acts)?);
                if self.drain.is_none() {
                    raw.begin(key, &mut self.buf, acts)?;
                }
                Ok(())
            })
        });
        gone_on.unwrap_or_else(|| Err(wrong_kernel()))
    }
}

impl Op for RawSendOp {
    type Out = io::Result<()>;

    fn take(&mut self) -> Option<io::Result<()>> {
        match self.hear()? {
            Heard::Last(ended) => Some(ended),
            Heard::Part => None,
            Heard::NoEffect => {
                // Nobody here asked for that: its kernel ends.
                self.give_up();
                Some(Err(closed()))
            }
        }
    }

    fn park(&mut self, waker: &Waker) -> Park<io::Result<()>> {
        loop {
            if let Err(error) = self.go_on(waker) {
                self.give_up();
                return Park::Ended(Err(error));
            }
            if let Some(drain) = &mut self.drain {
                home::with_kernel(self.id.kernel, |core| {
                    drain.timer = Some(core.arm(drain.timer, drain.until, waker));
                });
                return Park::Waits;
            }
            // It may have ended on the spot, and then the next part goes at once.
            match self.hear() {
                None => return Park::Waits,
                Some(Heard::Part) => {}
                Some(Heard::Last(ended)) => return Park::Ended(ended),
                Some(Heard::NoEffect) => {
                    self.give_up();
                    return Park::Ended(Err(closed()));
                }
            }
        }
    }

    fn leave(&mut self) -> Leave<io::Result<()>> {
        let Some(claim) = self.claim else {
            return Leave::Left;
        };
        match self.hear() {
            Some(Heard::Last(ended)) => return Leave::Won(ended),
            Some(Heard::Part | Heard::NoEffect) => {
                self.give_up();
                return Leave::Left;
            }
            None => {}
        }
        let RawId { kernel, key } = self.id;
        let is_under_way = home::with_kernel(kernel, |core| {
            let is_under_way = core
                .with_io(|io, acts| io.raw(key).is_some_and(|raw| raw.cancel(key, claim, acts)));
            let until = core.now() + core.config.drain_limit;
            self.drain = is_under_way.then_some(Drain { until, timer: None });
            is_under_way
        });
        if is_under_way == Some(true) {
            return Leave::Draining;
        }
        // It has waited for one that was dropped before it, and never began.
        self.give_up();
        Leave::Left
    }

    fn drained(&mut self) -> Drained<io::Result<()>> {
        match self.hear() {
            Some(Heard::Last(ended)) => return Drained::Done(ended),
            Some(Heard::Part | Heard::NoEffect) => {
                self.give_up();
                return Drained::NoEffect;
            }
            None => {}
        }
        let until = self.drain.as_ref().map(|drain| drain.until);
        let has_time = home::with_kernel(self.id.kernel, |core| {
            until.is_some_and(|until| core.now() < until)
        });
        if has_time == Some(true) {
            return Drained::Running;
        }
        self.give_up();
        Drained::Unknown
    }

    fn wait(&self) -> Wait {
        Wait::Write
    }
}

impl Drop for RawSendOp {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for RawSendOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSend")
            .field("slot", &self.id.key.slot)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

/// Waits for the end of a send that was dropped.
pub struct SettledOp {
    id: RawId,
    claim: Option<u32>,
}

impl SettledOp {
    pub(super) fn new(id: RawId) -> Self {
        Self { id, claim: None }
    }

    fn give_up(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.id.leave(claim);
        }
    }
}

impl Op for SettledOp {
    type Out = io::Result<u64>;

    fn take(&mut self) -> Option<io::Result<u64>> {
        let is_ours = self.claim.is_some();
        let looked = self.id.with(|raw| {
            if raw.is_claimed() && !is_ours {
                Some(Err(busy(Direction::Write)))
            } else {
                (!raw.has_orphan()).then(|| Ok(raw.sent()))
            }
        });
        let settled = looked.unwrap_or_else(|error| Some(Err(error)))?;
        self.give_up();
        Some(settled)
    }

    fn park(&mut self, waker: &Waker) -> Park<io::Result<u64>> {
        let RawId { kernel, key } = self.id;
        let mut own = Some(waker.clone());
        let claimed = home::with_kernel(kernel, |core| {
            core.with_io(|io, acts| {
                let raw = io.raw(key).ok_or_else(closed)?;
                let own = own.take().expect("it is taken once");
                raw.claim(self.claim, own, acts)
            })
        });
        match claimed.unwrap_or_else(|| Err(wrong_kernel())) {
            Ok(claim) => self.claim = Some(claim),
            Err(error) => {
                self.give_up();
                return Park::Ended(Err(error));
            }
        }
        match self.take() {
            Some(settled) => Park::Ended(settled),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<io::Result<u64>> {
        self.give_up();
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Drain
    }
}

impl Drop for SettledOp {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for SettledOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settled")
            .field("slot", &self.id.key.slot)
            .finish_non_exhaustive()
    }
}
