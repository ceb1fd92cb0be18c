//! The write side: what an object has taken from its writers, and the send that is under way.
//!
//! No future owns a send. Writers put bytes into the outbox; it leaves in one send at the end of the
//! turn, or at once when it is full. Many bytes at once are sent past it, without a copy, where the reactor
//! has a way to and nothing goes before them. A failed send is kept and told to the next writer.
//!
//! # Invariants
//!
//! - At most one send of an object is in flight.
//! - `error` is told once; after it nothing is sent any more.
//! - A send is quiet only while nobody waits for its end; whoever begins to has it told.
//! - A finished side takes nothing more; the peer is told once everything was sent.

use std::io;

use bibelot_reactor::{Buf, Completion, Fd, Op, Outbox, Outcome};

use super::act::Act;
use super::read_side::Waiter;
use super::shared::Shared;
use super::table::Key;
use super::{Direction, closed};

/// One object's write side.
#[derive(Debug, Default)]
pub(crate) struct WriteSide {
    pub outbox: Outbox,
    pub waiter: Waiter,
    /// Down to how many bytes the waiter wants the outbox.
    pub wanted_len: usize,
    /// It is on the list of outboxes to be flushed.
    pub is_dirty: bool,
    /// It is on the list of those whose writers wait for the kernel-wide mark.
    pub is_starved: bool,
    /// The send under way was submitted quietly.
    is_quiet: bool,
    /// Nothing can be sent any more.
    is_broken: bool,
    /// The user will write nothing more.
    finish: Finish,
    error: Option<io::Error>,
    /// How many bytes were ever taken from writers.
    accepted: u64,
}

/// How far the end of what is written has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Finish {
    #[default]
    NotAsked,
    /// What was written is still being sent.
    Asked,
    /// The peer was told.
    Told,
}

impl WriteSide {
    /// Something was sent without the outbox.
    pub(crate) fn note_sent(&mut self) {
        self.accepted += 1;
    }

    /// Takes as much of `bytes` as there is room for.
    pub(crate) fn push(
        &mut self,
        key: Key,
        fd: &Fd,
        bytes: &[u8],
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> io::Result<usize> {
        self.check_open()?;
        let offered = &bytes[..bytes.len().min(self.room(shared))];
        let count = self
            .outbox
            .push(offered, shared.limits.high_mark, &mut shared.spare);
        self.took(count, key, fd, shared, acts);
        Ok(count)
    }

    /// Takes a whole buffer as it lies, or gives it back to be pushed.
    pub(crate) fn put(
        &mut self,
        key: Key,
        fd: &Fd,
        buf: Buf,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) -> io::Result<Option<Buf>> {
        self.check_open()?;
        if buf.len() > self.room(shared) {
            return Ok(Some(buf));
        }
        match self.outbox.put(buf, shared.limits.high_mark) {
            Ok(count) => {
                self.took(count, key, fd, shared, acts);
                Ok(None)
            }
            Err(buf) => Ok(Some(buf)),
        }
    }

    fn check_open(&mut self) -> io::Result<()> {
        self.check()?;
        match self.finish {
            Finish::NotAsked => Ok(()),
            _ => Err(closed()),
        }
    }

    /// So many bytes have come from a writer.
    fn took(&mut self, count: usize, key: Key, fd: &Fd, shared: &mut Shared, acts: &mut Vec<Act>) {
        self.accepted += count as u64;
        shared.buffered += count;
        if self.outbox.len() >= shared.limits.high_mark {
            self.send_next(key, fd, acts);
        } else if count > 0 && !self.is_dirty {
            self.is_dirty = true;
            shared.dirty.push(key);
        }
    }

    /// Whether `len` bytes may be sent past the outbox: they would be taken, and nothing goes before them.
    pub(crate) fn may_pass(&self, len: usize, shared: &Shared) -> bool {
        let is_fine = !self.is_broken && self.error.is_none() && self.finish == Finish::NotAsked;
        is_fine && self.outbox.is_empty() && len <= self.room(shared)
    }

    /// So many bytes of a writer's were sent past the outbox.
    pub(crate) fn passed(&mut self, count: usize) {
        self.accepted += count as u64;
        self.outbox.pass(count);
    }

    /// How many bytes it takes now.
    pub(crate) fn room(&self, shared: &Shared) -> usize {
        let of_kernel = shared.limits.kernel_mark.saturating_sub(shared.buffered);
        let own = shared.limits.high_mark.saturating_sub(self.outbox.len());
        own.min(of_kernel)
    }

    /// Tells of a failed send, once; then that it is over.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None if self.is_broken => Err(closed()),
            None => Ok(()),
        }
    }

    /// The failure that nobody has been told of yet.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Whether nothing was ever taken from a writer.
    pub(crate) fn is_untouched(&self) -> bool {
        self.accepted == 0 && self.finish == Finish::NotAsked
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.is_broken
    }

    /// Begins to send the next piece.
    pub(crate) fn send_next(&mut self, key: Key, fd: &Fd, acts: &mut Vec<Act>) {
        if let Some(op) = self.next_piece(fd) {
            self.is_quiet = false;
            acts.push(Act::Submit(key.token(Direction::Write), op));
        } else if !self.is_broken && self.finish == Finish::Asked && self.outbox.is_empty() {
            self.finish = Finish::Told;
            acts.push(Act::ShutDown(fd.clone()));
        }
    }

    /// Begins to send what gathered in a turn, quietly if nobody waits for its end.
    pub(crate) fn send_gathered(
        &mut self,
        key: Key,
        fd: &Fd,
        shared: &Shared,
        acts: &mut Vec<Act>,
    ) {
        let is_awaited = self.waiter.is_taken() || self.finish != Finish::NotAsked;
        if is_awaited || !shared.starved.is_empty() {
            self.send_next(key, fd, acts);
        } else if let Some(op) = self.next_piece(fd) {
            self.is_quiet = true;
            acts.push(Act::SubmitQuietly(key.token(Direction::Write), op));
        }
    }

    fn next_piece(&mut self, fd: &Fd) -> Option<Op> {
        if self.is_broken {
            return None;
        }
        let buf = self.outbox.take()?;
        let socket = fd.clone();
        Some(Op::Send { socket, buf })
    }

    /// Somebody begins to wait for the end of the send under way.
    pub(crate) fn want_end(&self, acts: &mut Vec<Act>) {
        if self.is_quiet && self.outbox.is_under_way() {
            acts.push(Act::WantEnds);
        }
    }

    /// Takes nothing more, and tells the peer when everything was sent.
    pub(crate) fn finish(&mut self, key: Key, fd: &Fd, acts: &mut Vec<Act>) {
        if self.finish == Finish::NotAsked {
            self.finish = Finish::Asked;
            self.want_end(acts);
            self.send_next(key, fd, acts);
        }
    }

    /// Tells the peer, who has not been told, that nothing more comes: everything was sent.
    pub(crate) fn end_at_once(&mut self, fd: &Fd, acts: &mut Vec<Act>) {
        if self.finish != Finish::Told {
            self.finish = Finish::Told;
            acts.push(Act::ShutDown(fd.clone()));
        }
    }

    /// Keeps a failure for whoever asks how it went.
    pub(crate) fn keep_error(&mut self, error: io::Error) {
        self.error.get_or_insert(error);
    }

    /// Takes what became of a send.
    pub(crate) fn settle(
        &mut self,
        key: Key,
        fd: &Fd,
        completion: Completion,
        shared: &mut Shared,
        acts: &mut Vec<Act>,
    ) {
        let before = self.outbox.len();
        let buf = completion.buf.unwrap_or_else(|| Buf::with_capacity(0));
        let (count, error) = match completion.result {
            Ok(Outcome::Count(count)) => (count, None),
            Ok(_) => (0, Some(io::Error::other("not a send's end"))),
            Err(error) => (0, Some(error)),
        };
        self.outbox.settle(buf, count, &mut shared.spare);
        shared.buffered -= before - self.outbox.len();
        if self.is_broken {
            // The rest was given up while this was under way; why is known.
            let known = self.error.take();
            self.fail(known, shared);
        } else if error.is_some() {
            self.fail(error, shared);
        } else {
            self.send_next(key, fd, acts);
        }
        self.wake_if_room(key, shared, acts);
    }

    /// Gives up what was not sent.
    pub(crate) fn fail(&mut self, error: Option<io::Error>, shared: &mut Shared) {
        let before = self.outbox.len();
        let given_up = self.outbox.clear(&mut shared.spare);
        shared.buffered -= before - self.outbox.len();
        shared.unsent_bytes += given_up as u64;
        self.is_broken = true;
        self.error = error;
    }

    /// Wakes the writer that waits if it can go on.
    fn wake_if_room(&mut self, key: Key, shared: &mut Shared, acts: &mut Vec<Act>) {
        if !self.waiter.is_taken() || !(self.is_broken || self.outbox.len() <= self.wanted_len) {
            return;
        }
        if shared.buffered >= shared.limits.kernel_mark && !self.is_broken {
            self.starve(key, shared);
            acts.push(Act::WantEnds);
            return;
        }
        acts.extend(self.waiter.take_waker().map(Act::Wake));
    }

    /// Puts it on the list of those whose writers wait for the kernel-wide mark, if it is not there.
    pub(crate) fn starve(&mut self, key: Key, shared: &mut Shared) {
        if !self.is_starved {
            self.is_starved = true;
            shared.starved.push_back(key);
        }
    }

    /// Whether a writer that wants the outbox down to `wanted_len` bytes can go on.
    pub(crate) fn has_room(&self, wanted_len: usize, shared: &Shared) -> bool {
        let is_low = self.outbox.len() <= wanted_len;
        let kernel_has_room = shared.buffered < shared.limits.kernel_mark || wanted_len == 0;
        self.is_broken || (is_low && kernel_has_room)
    }

    /// How many bytes were taken from writers and how many of them were sent.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.accepted, self.outbox.sent())
    }
}
