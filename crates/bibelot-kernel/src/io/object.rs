//! The object: a listener or stream, with what has arrived, what has not left, and how it ends.
//!
//! An object is held by handles. When the last one is gone, or one of them closes it, it ends, which is in
//! a file of its own, `ending`. Only then is its slot free.

use std::io;
use std::task::Waker;

use bibelot_reactor::{Buf, Completion, Fd};
use slab::Slab;

use super::act::{Act, Trash};
use super::closed;
use super::ending::{Ending, Stage};
use super::read_side::{Flow, ReadSide};
use super::shared::Shared;
use super::table::Key;
use super::write_side::WriteSide;

/// Whether a slot is still needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Ended {
    Stays,
    Gone,
}

/// A listener or stream.
pub(crate) struct Object {
    /// `None` once it is being closed.
    pub(super) fd: Option<Fd>,
    pub read: ReadSide,
    pub write: WriteSide,
    pub handles: u32,
    pub(super) ending: Ending,
    /// Whoever waits for the close, each found again by its ticket.
    pub(super) closers: Slab<Waker>,
    pub(super) close_result: Option<io::Result<()>>,
}

impl Object {
    pub(crate) fn new(fd: Fd, flow: Flow) -> Self {
        Self {
            fd: Some(fd),
            read: ReadSide::new(flow),
            write: WriteSide::default(),
            handles: 1,
            ending: Ending::default(),
            closers: Slab::new(),
            close_result: None,
        }
    }

    pub(crate) fn fd(&self) -> Option<&Fd> {
        self.fd.as_ref()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.ending.stage == Stage::Open
    }

    /// Whether nothing was written to it, nothing has arrived at it, and nothing is being asked for.
    pub(crate) fn is_untouched(&self) -> bool {
        self.is_open() && self.read.is_untouched() && self.write.is_untouched()
    }

    /// Whether anything may arrive: also while its flow is drained before it is closed.
    pub(crate) fn may_bring_more(&self) -> bool {
        self.is_open() || (self.read.is_armed() && !self.read.discards())
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
            Some(fd) if self.is_open() => self.write.push(key, fd, bytes, shared, acts),
            _ => Err(self.write.take_error().unwrap_or_else(closed)),
        }
    }

    /// Takes a whole buffer from a writer as it lies, or gives it back to be pushed.
    pub(crate) fn put(
        &mut self,
        key: Key,
        buf: Buf,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> io::Result<Option<Buf>> {
        match &self.fd {
            Some(fd) if self.is_open() => self.write.put(key, fd, buf, shared, acts),
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

    /// Begins to send what gathered.
    pub(crate) fn send_next(&mut self, key: Key, acts: &mut Vec<Act>) {
        if let Some(fd) = &self.fd {
            self.write.send_next(key, fd, acts);
        }
    }

    /// Begins to send what gathered in a turn.
    pub(crate) fn send_gathered(&mut self, key: Key, shared: &Shared, acts: &mut Vec<Act>) {
        match &self.fd {
            Some(fd) if self.is_open() => self.write.send_gathered(key, fd, shared, acts),
            Some(fd) => self.write.send_next(key, fd, acts),
            None => {}
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
            && (self.is_open() || self.ending.reads_on())
        {
            self.read.resume(key, fd, acts);
        }
    }

    /// A descriptor was closed, and it is this one's turn on the list. Whether it had paused.
    pub(crate) fn take_turn(&mut self, key: Key, acts: &mut Vec<Act>) -> bool {
        let is_paused = self.read.leave_list();
        if is_paused {
            self.resume(key, acts);
        }
        is_paused
    }

    pub(crate) fn settle_read(
        &mut self,
        key: Key,
        completion: Completion,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> Ended {
        self.read.settle(key, completion, shared, acts);
        if let Some(fd) = &self.fd
            && (self.is_open() || self.ending.reads_on())
        {
            self.read.arm(key, fd, acts);
        }
        if self.is_open() {
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
        if self.ending.stage == Stage::Closing {
            return self.closed(completion.result.map(drop), shared, acts);
        }
        if let Some(fd) = &self.fd {
            self.write.settle(key, fd, completion, shared, acts);
        }
        if self.is_open() {
            Ended::Stays
        } else {
            self.go_on(key, shared, acts)
        }
    }

    /// How the close went, once it is over; told once, and then as a success.
    pub(crate) fn take_closed(&mut self) -> Option<io::Result<()>> {
        (self.ending.stage == Stage::Closed).then(|| self.close_result.take().unwrap_or(Ok(())))
    }

    /// Has `waker` woken when it is closed.
    pub(crate) fn wait_closed(
        &mut self,
        ticket: Option<u32>,
        waker: Waker,
        acts: &mut Vec<Act>,
    ) -> u32 {
        let place = ticket.and_then(|ticket| self.closers.get_mut(ticket as usize));
        if let (Some(ticket), Some(place)) = (ticket, place) {
            let old = std::mem::replace(place, waker);
            acts.push(Act::Drop(Trash::Waker(old)));
            return ticket;
        }
        self.closers.insert(waker) as u32
    }

    pub(crate) fn leave_close(&mut self, ticket: u32) -> Option<Waker> {
        self.closers.try_remove(ticket as usize)
    }
}
