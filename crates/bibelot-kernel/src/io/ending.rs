//! The ending: how an object comes to its close, and what it waits for before.
//!
//! First its outbox is sent. Then, if it is a stream that has sent something and whose peer has not ended, it
//! is looked at once: closing a TCP connection while bytes lie in it that nobody has read, or before bytes
//! reach it that nobody will read, resets it, and the operating system drops what it had taken and not yet
//! delivered. If something is undelivered or unread the stream *lingers*: it tells the peer that nothing more
//! comes, reads and forgets what arrives, and is closed when the peer ends too, or when it is found, at a few
//! looks ever further apart, that everything was delivered. All that takes no longer than the kernel's linger
//! time; what was not delivered by then is counted.
//!
//! # Invariants
//!
//! - `stage` only moves forward.
//! - The descriptor is given to a close operation once, and after it neither side is begun again.
//! - A stream whose descriptor others hold, too, is let go of without reading from it or ending it.

use std::io;
use std::time::Duration;

use bibelot_reactor::{Fd, Op, Pending};
use bibelot_timer::{Instant, Key as TimerKey};

use super::Direction;
use super::act::{Act, Alarm};
use super::object::{Ended, Object};
use super::read_side::Flow;
use super::shared::Shared;
use super::table::{Key, Slot, Table};

/// When a stream that lingers is looked at first; each look is twice as long after the one before.
const FIRST_LOOK: Duration = Duration::from_millis(10);

/// How far an object's end has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    #[default]
    Open,
    /// The outbox is being sent.
    Sending,
    /// It is being asked what is undelivered.
    Asking,
    /// The peer takes what was sent, and reads are forgotten.
    Lingering,
    /// The flow is being drained, and the last send.
    Draining,
    /// The descriptor is being closed.
    Closing,
    /// It is closed; a handle is still there.
    Closed,
}

/// How far it has come, and when it goes on.
#[derive(Debug, Default)]
pub(super) struct Ending {
    pub(super) stage: Stage,
    /// Something was sent that a close might lose.
    may_linger: bool,
    /// It takes long, so that what arrives must be read: a peer that cannot write may not read either.
    is_slow: bool,
    until: Instant,
    next_look: Duration,
    pub(super) timer: Option<TimerKey>,
}

impl Ending {
    /// Whether it still takes its time.
    pub(super) fn is_lingering(&self) -> bool {
        matches!(self.stage, Stage::Sending | Stage::Lingering)
    }

    /// Whether what arrives is asked for, to be forgotten.
    pub(super) fn reads_on(&self) -> bool {
        self.stage == Stage::Lingering || (self.stage == Stage::Sending && self.is_slow)
    }

    /// When to look again.
    fn look_at(&mut self, now: Instant) -> Instant {
        let at = now + self.next_look;
        self.next_look = self.next_look.saturating_mul(2);
        at.min(self.until)
    }
}

impl Object {
    /// A handle is gone.
    pub(crate) fn release(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) -> Ended {
        self.handles = self.handles.saturating_sub(1);
        if self.handles > 0 {
            return Ended::Stays;
        }
        match self.ending.stage {
            Stage::Open => self.begin_end(key, shared, acts),
            Stage::Closed => Ended::Gone,
            _ => {
                self.read.forget_bytes();
                Ended::Stays
            }
        }
    }

    /// Begins to close it, if that was not begun before.
    pub(crate) fn begin_end(
        &mut self,
        key: Key,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> Ended {
        if !self.is_open() {
            return Ended::Stays;
        }
        self.ending = Ending {
            stage: Stage::Sending,
            may_linger: self.may_linger(),
            until: shared.now + shared.limits.linger,
            next_look: FIRST_LOOK,
            ..Ending::default()
        };
        shared.closing += 1;
        if self.handles <= 1 {
            self.read.forget_bytes();
        }
        if self.ending.may_linger {
            self.read.discard();
        } else {
            self.read.cancel(key, acts);
        }
        self.write.want_end(acts);
        self.send_next(key, acts);
        // Whoever still waits learns that it is over.
        acts.extend(self.read.waiter.take_waker().map(Act::Wake));
        acts.extend(self.write.waiter.take_waker().map(Act::Wake));
        if !self.write.outbox.is_empty() {
            let at = match self.ending.may_linger {
                true => self.ending.look_at(shared.now),
                false => self.ending.until,
            };
            acts.push(Act::Arm(Alarm::Linger(key), at));
        }
        self.go_on(key, shared, acts)
    }

    /// Whether something was sent that a close might lose.
    fn may_linger(&self) -> bool {
        let has_written = self.write.counts().0 > 0;
        let is_over = self.write.has_failed() || self.read.inbox.has_ended();
        if !self.read.brings_bytes() || !has_written || is_over {
            return false;
        }
        let own =
            1 + usize::from(self.read.is_armed()) + usize::from(self.write.outbox.is_under_way());
        self.fd.as_ref().is_some_and(|fd| fd.holders() <= own)
    }

    /// Its time is over, or it is time for a look.
    pub(crate) fn look(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) -> Ended {
        let is_late = shared.now >= self.ending.until;
        match (self.ending.stage, &self.fd) {
            (Stage::Sending, _) if is_late => self.give_up(key, shared, acts),
            (Stage::Sending, Some(fd)) => {
                self.ending.is_slow = true;
                self.read.arm(key, fd, acts);
                acts.push(Act::Arm(Alarm::Linger(key), self.ending.until));
                Ended::Stays
            }
            (Stage::Lingering, Some(fd)) => {
                acts.push(Act::Ask(key, fd.clone()));
                Ended::Stays
            }
            _ => Ended::Stays,
        }
    }

    /// Its time to send is over.
    fn give_up(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) -> Ended {
        if self.write.outbox.is_under_way() {
            acts.push(Act::Cancel(key.token(Direction::Write)));
        }
        let late = io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "{} bytes could not be sent within the linger time",
                self.write.outbox.len()
            ),
        );
        self.write.fail(Some(late), shared);
        self.go_on(key, shared, acts)
    }

    /// Learns what a close now would lose.
    pub(crate) fn answered(
        &mut self,
        key: Key,
        pending: Pending,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> Ended {
        let Some(fd) = &self.fd else {
            return Ended::Stays;
        };
        match self.ending.stage {
            Stage::Asking if pending.is_nothing() => self.ending.stage = Stage::Draining,
            Stage::Asking => {
                self.ending.stage = Stage::Lingering;
                self.write.end_at_once(fd, acts);
                self.read.arm(key, fd, acts);
            }
            Stage::Lingering if pending.undelivered == 0 => self.ending.stage = Stage::Draining,
            Stage::Lingering if shared.now >= self.ending.until => {
                self.ending.stage = Stage::Draining;
                // The end of what was sent is not acknowledged either, and counts as a byte.
                let undelivered = pending.undelivered - 1;
                shared.undelivered_bytes += undelivered;
                if undelivered > 0 {
                    self.write.keep_error(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("{undelivered} bytes were not delivered within the linger time"),
                    ));
                }
            }
            _ => {}
        }
        if self.ending.stage == Stage::Lingering {
            let at = self.ending.look_at(shared.now);
            acts.push(Act::Arm(Alarm::Linger(key), at));
        }
        self.go_on(key, shared, acts)
    }

    /// Goes on with the end as far as it can.
    pub(super) fn go_on(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) -> Ended {
        let has_failed = self.write.has_failed();
        if self.ending.stage == Stage::Sending && (self.write.outbox.is_empty() || has_failed) {
            acts.extend(self.ending.timer.take().map(Act::Disarm));
            let is_over = has_failed || self.read.inbox.has_ended();
            match &self.fd {
                Some(fd) if self.ending.may_linger && !is_over => {
                    self.ending.stage = Stage::Asking;
                    acts.push(Act::Ask(key, fd.clone()));
                }
                _ => self.ending.stage = Stage::Draining,
            }
        }
        if self.ending.stage == Stage::Lingering && self.read.inbox.has_ended() {
            self.ending.stage = Stage::Draining;
        }
        if self.ending.stage == Stage::Draining {
            acts.extend(self.ending.timer.take().map(Act::Disarm));
            self.read.cancel(key, acts);
        }
        let is_drained = !self.read.is_armed() && !self.write.outbox.is_under_way();
        if self.ending.stage == Stage::Draining && is_drained {
            acts.extend(self.read.resume_timer.take().map(Act::Disarm));
            let Some(fd) = self.fd.take() else {
                return self.closed(Ok(()), shared, acts);
            };
            self.ending.stage = Stage::Closing;
            acts.push(Act::Submit(key.token(Direction::Write), Op::Close { fd }));
        }
        Ended::Stays
    }

    pub(super) fn closed(
        &mut self,
        result: io::Result<()>,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> Ended {
        self.ending.stage = Stage::Closed;
        shared.closing -= 1;
        shared.freed += 1;
        let failed = self.write.take_error().map_or(Ok(()), Err);
        self.close_result = Some(failed.and(result));
        acts.extend(self.closers.drain().map(Act::Wake));
        if self.handles == 0 {
            Ended::Gone
        } else {
            Ended::Stays
        }
    }
}

impl Table {
    /// Closes a socket that raw sends were made on, which is being closed already, as a stream that has
    /// sent something.
    pub(super) fn close_sent(&mut self, fd: Fd, acts: &mut Vec<Act>) {
        let mut stream = Object::new(fd, Flow::Bytes);
        stream.handles = 0;
        stream.write.note_sent();
        let key = self.insert(Slot::Object(Box::new(stream)));
        if let Some((stream, shared)) = self.object_and_shared(key) {
            shared.closing -= 1;
            let ended = stream.begin_end(key, shared, acts);
            self.after(key, ended, acts);
        }
    }

    /// What closing an object now would lose.
    pub(super) fn answered(&mut self, key: Key, pending: Pending, acts: &mut Vec<Act>) {
        if let Some((object, shared)) = self.object_and_shared(key) {
            let ended = object.answered(key, pending, shared, acts);
            self.after(key, ended, acts);
        }
    }

    /// Whether there is no operation and nothing that is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
