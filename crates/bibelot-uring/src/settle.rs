//! The settling: each completion of the ring as what it means for its operation.
//!
//! A completion is an item, an end, or news that sends the operation another way: a dry pool, a signal, a
//! broken connection in the backlog, a kernel that will not wait. Nothing it brings is dropped: descriptors
//! and bytes are in the completion that is given out, whether or not a cancel is under way.
//!
//! # Invariants
//!
//! - A slot is emptied only by a completion without "more".

#![allow(unsafe_code, reason = "a completion brings descriptors as numbers")]

use std::io;
use std::mem;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use bibelot_reactor::{Completion, Fd, Op, OpKind, Outcome};

use crate::entry::closed;
use crate::launch::{Ending, cut_short};
use crate::ring::{Cqe, Plain};
use crate::slots::{Extra, Stage};
use crate::tag::{Tag, Whom};
use crate::{Ability, Uring};

impl Uring {
    /// Takes what the workers have done.
    pub(crate) fn collect_from_pool(&mut self) {
        let Some(pool) = &mut self.pool else { return };
        if !pool.has_ends() {
            return;
        }
        let before = self.ready.len();
        pool.collect(&mut self.ready);
        for place in before..self.ready.len() {
            if let Some(index) = self.slots.find(self.ready[place].token) {
                self.slots.release(index);
            }
        }
    }

    /// Settles all completions that lie in the queue, and those that did not fit into it.
    pub(crate) fn settle_all(&mut self) -> io::Result<()> {
        /// After so many rounds over a full queue the rest waits for the next poll.
        const ROUNDS_MAX: usize = 16;
        let mut entered = Ok(());
        for _ in 0..ROUNDS_MAX {
            let taken = self.ring.taken();
            let mut reaped = mem::take(&mut self.reaped);
            self.ring.reap(&mut reaped);
            let none = reaped.is_empty();
            for cqe in reaped.drain(..) {
                self.settle(&cqe);
            }
            self.reaped = reaped;
            let overflown = self.ring.has_overflown();
            if !overflown {
                self.end_quiet(taken);
            }
            if none || entered.is_err() || !overflown {
                break;
            }
            entered = self.enter_at_once();
        }
        self.serve_parched();
        self.cancel_unheard();
        entered
    }

    pub(crate) fn settle(&mut self, cqe: &Cqe) {
        let tag = Tag::from_bits(cqe.user_data);
        match tag.whom() {
            Whom::Operation => {
                let Some(index) = self.slots.tagged(tag) else {
                    debug_assert!(false, "{cqe:?} came after the end of its operation");
                    return;
                };
                let was_quiet = mem::take(&mut self.slots.at(index).quiet);
                if cqe.result < 0 {
                    if let Some(number) = cqe.buffer() {
                        self.lender.unused(number);
                    }
                    if cqe.more() {
                        // No end yet, so nothing may be let go of.
                        return;
                    }
                }
                let ending = match self.slots.at(index).stage {
                    Stage::Watching => self.settle_watch(index, cqe.result),
                    // There was no room, and nothing waited for it; now it does.
                    _ if was_quiet && cqe.result == -libc::EAGAIN => self.insist(index),
                    _ if cqe.result < 0 => self.settle_failure(index, -cqe.result),
                    _ => self.settle_success(index, cqe),
                };
                if let Some(ending) = ending {
                    self.finish(index, ending);
                }
            }
            // Where it was not found it is about to end, or just between two places.
            Whom::Cancel(op) if cqe.result == -libc::ENOENT => self.unheard.push(op),
            Whom::Cancel(_) | Whom::Nobody => {}
            Whom::Message(number) => {
                if let Some(messages) = &mut self.messages {
                    messages.failed(number, -cqe.result);
                }
            }
            Whom::Kick => self.system_calls += self.kick.seen(cqe.more()),
        }
    }

    fn settle_success(&mut self, index: u32, cqe: &Cqe) -> Option<Ending> {
        let count = usize::try_from(cqe.result).expect("it is not negative");
        let slot = self.slots.at(index);
        let Some(op) = &mut slot.op else {
            if let Extra::Closing(fd) = mem::take(&mut slot.extra) {
                closed(fd);
            }
            return Some((Ok(Outcome::Done), None));
        };
        let outcome = match op {
            Op::Accept { .. } => {
                // SAFETY: an accept's result is a new descriptor, and each completion is settled once.
                let socket = Fd::from_socket(unsafe { adopt(cqe.result) });
                Outcome::Accepted { socket, peer: None }
            }
            Op::Open { .. } => {
                // SAFETY: an open's result is a new descriptor, and each completion is settled once.
                Outcome::Opened(Fd::from(unsafe { adopt(cqe.result) }))
            }
            Op::Receive { .. } => match cqe.buffer() {
                Some(number) if count > 0 => {
                    let buf = self.lender.filled(number, count);
                    Outcome::Received(buf.expect("the operating system uses what lies ready"))
                }
                number => {
                    if let Some(number) = number {
                        self.lender.unused(number);
                    }
                    Outcome::EndOfStream
                }
            },
            Op::ReceiveInto { buf, .. } | Op::ReadAt { buf, .. } => {
                buf.extend(count);
                Outcome::Count(count)
            }
            Op::Send { .. } | Op::WriteAt { .. } => Outcome::Count(count),
            _ => Outcome::Done,
        };
        if !cqe.more() {
            return Some((Ok(outcome), None));
        }
        let token = self.slots.at(index).token;
        self.ready.push(Completion::item(token, outcome, true));
        None
    }

    fn settle_failure(&mut self, index: u32, errno: i32) -> Option<Ending> {
        let slot = self.slots.at(index);
        let Some(kind) = slot.op.as_ref().map(Op::kind) else {
            return Some((self.close_failed(index, errno), None));
        };
        let again = match errno {
            libc::ECANCELED => return Some((cut_short(kind), None)),
            libc::EINTR | libc::EAGAIN => true,
            libc::EINPROGRESS => kind == OpKind::Connect,
            libc::ENOBUFS => kind == OpKind::Receive,
            _ => kind == OpKind::Accept && is_broken_connection(errno),
        };
        if !again {
            return Some((Err(io::Error::from_raw_os_error(errno)), None));
        }
        if slot.cancelled {
            return Some((cut_short(kind), None));
        }
        match errno {
            libc::ENOBUFS => {
                self.lender.miss();
                self.slots.set_stage(index, Stage::Parched);
                self.parched.push(index);
                None
            }
            // What has begun to connect goes on by itself.
            _ if kind == OpKind::Connect => self.watch(index),
            libc::EAGAIN => {
                if kind == OpKind::Accept {
                    // Older kernels do not wait on a non-blocking listener.
                    self.report.has.remove(Ability::Accept);
                }
                self.watch(index)
            }
            _ => self.launch(index),
        }
    }

    fn insist(&mut self, index: u32) -> Option<Ending> {
        match self.slots.at(index).cancelled {
            true => Some((cut_short(OpKind::Send), None)),
            false => self.launch(index),
        }
    }

    fn close_failed(&mut self, index: u32, errno: i32) -> io::Result<Outcome> {
        let extra = mem::take(&mut self.slots.at(index).extra);
        let Extra::Closing(fd) = extra else {
            return Err(io::Error::from_raw_os_error(errno));
        };
        if errno == libc::ECANCELED {
            // It was not carried out; dropping the descriptor does it.
            drop(fd);
            return Ok(Outcome::Done);
        }
        // Linux closes a descriptor also when it reports an error.
        closed(fd);
        match errno {
            libc::EINTR => Ok(Outcome::Done),
            _ => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    fn settle_watch(&mut self, index: u32, result: i32) -> Option<Ending> {
        if result >= 0 {
            return self.attempt(index);
        }
        let slot = self.slots.at(index);
        let kind = slot.op.as_ref().map_or(OpKind::Nop, Op::kind);
        match -result {
            libc::ECANCELED => Some((cut_short(kind), None)),
            libc::EINTR | libc::EAGAIN if slot.cancelled => Some((cut_short(kind), None)),
            libc::EINTR | libc::EAGAIN => self.watch(index),
            errno => Some((Err(io::Error::from_raw_os_error(errno)), None)),
        }
    }

    /// Gives receives that found no buffer another chance: as many as there are buffers by now are armed
    /// again, the others are attempted in memory of their own.
    fn serve_parched(&mut self) {
        if self.parched.is_empty() {
            return;
        }
        self.lender.refill();
        let mut chances = self.lender.ready_len();
        let mut parched = mem::take(&mut self.parched);
        for index in parched.drain(..) {
            let ending = match chances {
                0 => self.attempt(index),
                _ => self.launch_in_ring(index),
            };
            chances = chances.saturating_sub(1);
            if let Some(ending) = ending {
                self.finish(index, ending);
            }
        }
        self.parched = parched;
    }

    /// Cancels anew what a cancel did not find though it goes on: it was between two places then. Work on
    /// files is not found while a disk has it, and ends by itself.
    fn cancel_unheard(&mut self) {
        while let Some(tag) = self.unheard.pop() {
            let Some(index) = self.slots.tagged(tag) else {
                continue;
            };
            let slot = self.slots.at(index);
            let op = slot.op.as_ref();
            let pollable = op.is_some_and(|op| bibelot_sys::interest(op).is_some());
            if pollable && matches!(slot.stage, Stage::Flying | Stage::Watching) {
                self.push_cancel(index);
            }
        }
    }

    pub(crate) fn push_cancel(&mut self, index: u32) {
        let tag = self.slots.tag(index);
        let silent = self.has(Ability::SkipSuccess);
        let user_data = tag.bits();
        self.ring
            .push_plain(Plain::Cancel { user_data, silent }, tag.cancel().bits());
    }
}

/// Whether an accept failed because of the connection it took off the backlog; the next may be whole.
fn is_broken_connection(errno: i32) -> bool {
    matches!(
        errno,
        libc::ECONNABORTED
            | libc::EPROTO
            | libc::ENETDOWN
            | libc::ENETUNREACH
            | libc::EHOSTDOWN
            | libc::EHOSTUNREACH
            | libc::ENOPROTOOPT
            | libc::ENONET
    )
}

/// Takes over a descriptor that the operating system has made.
///
/// # Safety
///
/// It is open, and nobody else owns it.
unsafe fn adopt(fd: RawFd) -> OwnedFd {
    // SAFETY: the caller's promise.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
