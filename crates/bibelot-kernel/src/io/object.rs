//! The object: a listener or stream, with what has arrived, what has not left, and how it ends.
//!
//! An object is held by handles. When the last one is gone, or one of them closes it, its outbox is sent,
//! within the kernel's linger time; its flow is cancelled and drained; and its descriptor is closed by
//! the reactor. Only then is its slot free.
//!
//! # Invariants
//!
//! - `stage` only moves forward.
//! - The descriptor is given to a close operation once, and after it neither side is begun again.

use std::io;
use std::task::Waker;

use bibelot_reactor::{Completion, Fd, Op};
use bibelot_timer::Key as TimerKey;

use super::act::{Act, Alarm, Trash};
use super::read_side::{Flow, ReadSide};
use super::shared::Shared;
use super::table::Key;
use super::write_side::WriteSide;
use super::{Direction, closed};

/// Whether a slot is still needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Ended {
    Stays,
    Gone,
}

/// How far an object's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Open,
    /// The outbox is being sent.
    Sending,
    /// The flow is being drained, and the last send.
    Draining,
    /// The descriptor is being closed.
    Closing,
    /// It is closed; a handle is still there.
    Closed,
}

/// A listener or stream.
pub(crate) struct Object {
    /// `None` once it is being closed.
    fd: Option<Fd>,
    pub read: ReadSide,
    pub write: WriteSide,
    pub handles: u32,
    stage: Stage,
    pub linger_timer: Option<TimerKey>,
    /// Whoever waits for the close, each found again by its ticket.
    closers: Vec<(u32, Waker)>,
    last_closer: u32,
    close_result: Option<io::Result<()>>,
}

impl Object {
    pub(crate) fn new(fd: Fd, flow: Flow) -> Self {
        Self {
            fd: Some(fd),
            read: ReadSide::new(flow),
            write: WriteSide::default(),
            handles: 1,
            stage: Stage::Open,
            linger_timer: None,
            closers: Vec::new(),
            last_closer: 0,
            close_result: None,
        }
    }

    pub(crate) fn fd(&self) -> Option<&Fd> {
        self.fd.as_ref()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether anything may arrive: also while its flow is drained before it is closed.
    pub(crate) fn may_bring_more(&self) -> bool {
        self.is_open() || self.read.is_armed()
    }

    /// Takes as many of `bytes` from a writer as there is room for.
    pub(crate) fn push(
        &mut self,
        key: Key,
        bytes: &[u8],
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> io::Result<usize> {
        match &self.fd {
            Some(fd) if self.stage == Stage::Open => self.write.push(key, fd, bytes, shared, acts),
            _ => Err(self.write.take_error().unwrap_or_else(closed)),
        }
    }

    /// Takes all of `bytes` from a writer, or none.
    pub(crate) fn push_whole(
        &mut self,
        key: Key,
        bytes: &[u8],
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> io::Result<bool> {
        self.write.check()?;
        if bytes.len() > self.write.room(shared) {
            return Ok(false);
        }
        self.push(key, bytes, shared, acts).map(|_| true)
    }

    /// Has `waker` woken when something has arrived.
    pub(crate) fn wait_read(
        &mut self,
        key: Key,
        ticket: Option<u32>,
        waker: Waker,
        acts: &mut Vec<Act>,
    ) -> io::Result<u32> {
        match &self.fd {
            Some(fd) if self.may_bring_more() => self.read.wait(key, fd, ticket, waker, acts),
            _ => {
                acts.push(Act::Drop(Trash::Waker(waker)));
                Err(closed())
            }
        }
    }

    /// Whether it is still given time to send.
    pub(crate) fn is_lingering(&self) -> bool {
        self.stage == Stage::Sending
    }

    /// Begins to send what gathered.
    pub(crate) fn send_next(&mut self, key: Key, acts: &mut Vec<Act>) {
        if let Some(fd) = &self.fd {
            self.write.send_next(key, fd, acts);
        }
    }

    /// Takes nothing more from writers, and tells the peer when everything was sent.
    pub(crate) fn finish(&mut self, key: Key, acts: &mut Vec<Act>) {
        if let Some(fd) = &self.fd {
            self.write.finish(key, fd, acts);
        }
    }

    /// The flow may go on after a shortage.
    pub(crate) fn resume(&mut self, key: Key, acts: &mut Vec<Act>) {
        if let Some(fd) = &self.fd
            && self.stage == Stage::Open
        {
            self.read.resume(key, fd, acts);
        }
    }

    pub(crate) fn settle_read(
        &mut self,
        key: Key,
        completion: Completion,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> Ended {
        self.read.settle(key, completion, shared, acts);
        if self.stage == Stage::Open {
            if let Some(fd) = &self.fd {
                self.read.arm(key, fd, acts);
            }
            return Ended::Stays;
        }
        if !self.read.is_armed() {
            // Whoever still waits learns that it is over.
            acts.extend(self.read.waiter.take_waker().map(Act::Wake));
        }
        self.go_on(key, shared, acts)
    }

    pub(crate) fn settle_write(
        &mut self,
        key: Key,
        completion: Completion,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> Ended {
        if self.stage == Stage::Closing {
            return self.closed(completion.result.map(drop), shared, acts);
        }
        if let Some(fd) = &self.fd {
            self.write.settle(key, fd, completion, shared, acts);
        }
        if self.stage == Stage::Open {
            Ended::Stays
        } else {
            self.go_on(key, shared, acts)
        }
    }

    /// A handle is gone.
    pub(crate) fn release(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) -> Ended {
        self.handles = self.handles.saturating_sub(1);
        if self.handles > 0 {
            return Ended::Stays;
        }
        match self.stage {
            Stage::Open => self.begin_end(key, shared, acts),
            Stage::Closed => Ended::Gone,
            _ => Ended::Stays,
        }
    }

    /// Begins to close it, if that was not begun before.
    pub(crate) fn begin_end(
        &mut self,
        key: Key,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> Ended {
        if self.stage != Stage::Open {
            return Ended::Stays;
        }
        self.stage = Stage::Sending;
        shared.closing += 1;
        self.read.cancel(key, acts);
        self.send_next(key, acts);
        // Whoever still waits learns that it is over.
        acts.extend(self.read.waiter.take_waker().map(Act::Wake));
        acts.extend(self.write.waiter.take_waker().map(Act::Wake));
        if !self.write.outbox.is_empty() {
            acts.push(Act::Arm(
                Alarm::Linger(key),
                shared.now + shared.limits.linger,
            ));
        }
        self.go_on(key, shared, acts)
    }

    /// Its time to send is over.
    pub(crate) fn give_up(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) -> Ended {
        if self.stage != Stage::Sending {
            return Ended::Stays;
        }
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

    /// Goes on with the end as far as it can.
    fn go_on(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) -> Ended {
        if self.stage == Stage::Sending && (self.write.outbox.is_empty() || self.write.has_failed())
        {
            self.stage = Stage::Draining;
            acts.extend(self.linger_timer.take().map(Act::Disarm));
        }
        let is_drained = !self.read.is_armed() && !self.write.outbox.is_under_way();
        if self.stage == Stage::Draining && is_drained {
            acts.extend(self.read.resume_timer.take().map(Act::Disarm));
            let Some(fd) = self.fd.take() else {
                return self.closed(Ok(()), shared, acts);
            };
            self.stage = Stage::Closing;
            acts.push(Act::Submit(key.token(Direction::Write), Op::Close { fd }));
        }
        Ended::Stays
    }

    fn closed(
        &mut self,
        result: io::Result<()>,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> Ended {
        self.stage = Stage::Closed;
        shared.closing -= 1;
        shared.freed += 1;
        let failed = self.write.take_error().map_or(Ok(()), Err);
        self.close_result = Some(failed.and(result));
        let closers = std::mem::take(&mut self.closers);
        acts.extend(closers.into_iter().map(|(_, waker)| Act::Wake(waker)));
        if self.handles == 0 {
            Ended::Gone
        } else {
            Ended::Stays
        }
    }

    /// How the close went, once it is over; told once, and then as a success.
    pub(crate) fn take_closed(&mut self) -> Option<io::Result<()>> {
        (self.stage == Stage::Closed).then(|| self.close_result.take().unwrap_or(Ok(())))
    }

    /// Has `waker` woken when it is closed.
    pub(crate) fn wait_closed(
        &mut self,
        ticket: Option<u32>,
        waker: Waker,
        acts: &mut Vec<Act>,
    ) -> u32 {
        let found = self
            .closers
            .iter_mut()
            .find(|(held, _)| Some(*held) == ticket);
        if let Some((ticket, old)) = found {
            let old = std::mem::replace(old, waker);
            acts.push(Act::Drop(Trash::Waker(old)));
            return *ticket;
        }
        self.last_closer = self.last_closer.wrapping_add(1);
        self.closers.push((self.last_closer, waker));
        self.last_closer
    }

    pub(crate) fn leave_close(&mut self, ticket: u32) -> Option<Waker> {
        let index = self.closers.iter().position(|(held, _)| *held == ticket)?;
        Some(self.closers.remove(index).1)
    }
}
