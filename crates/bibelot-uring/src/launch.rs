//! The launch: which way an operation goes, and its beginning.
//!
//! What the ring can do goes into the ring. Operations on sockets that it cannot do are attempted as plain
//! system calls, and again when the ring says that their socket is ready; what blocks by its nature goes to
//! a worker thread. The choice is made for each operation by what this machine has.
//!
//! # Invariants
//!
//! - A slot is `Flying` or `Watching` exactly from the push of its entry to that entry's last completion.

#![allow(
    unsafe_code,
    reason = "the ring is told which memory an operation owns"
)]

use std::io;
use std::os::fd::AsRawFd;

use bibelot_reactor::{Buf, Completion, Fd, Op, OpKind, Outcome, Token, cancelled};
use bibelot_sys::{Attempt, Pool, attempt, connect_again, interest};

use crate::entry::{self, poll_mask};
use crate::fork;
use crate::ring::Plain;
use crate::slots::{Extra, Stage};
use crate::{Ability, Uring};

/// How an operation ended, with the buffer it owned if that is not in its slot.
pub(crate) type Ending = (io::Result<Outcome>, Option<Buf>);

/// The ways an operation can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// As an entry of the ring.
    Ring,
    /// A plain system call at once, and again when the descriptor is ready.
    Attempt,
    /// A worker thread.
    Pool,
}

impl Uring {
    /// Takes an operation in. `Some` if it ended at once; quietly, its success may be told late.
    pub(crate) fn begin(&mut self, token: Token, op: Op, quiet: bool) -> Option<Completion> {
        self.operations += 1;
        let end = self.begin_one(token, op, quiet);
        self.completions += u64::from(end.is_some());
        end
    }

    fn begin_one(&mut self, token: Token, op: Op, quiet: bool) -> Option<Completion> {
        if !self.process.is_here() {
            return Some(Completion::end(token, Err(fork::error()), op.into_buf()));
        }
        if let Some(Err(error)) = op.fd().map(Fd::as_fd) {
            return Some(Completion::end(token, Err(error), op.into_buf()));
        }
        let quiet = quiet && self.may_be_quiet(&op);
        let index = self.slots.insert(token, op);
        let slot = self.slots.at(index);
        slot.quiet = quiet;
        if let Some(lane) = slot.lane
            && !self.lanes.join(&mut self.slots, lane, index)
        {
            // It begins when the one before it has ended, which may be a quiet one, and is heard of itself.
            self.slots.at(index).quiet = false;
            self.hurry = true;
            return None;
        }
        let ending = self.launch(index)?;
        self.finish(index, ending);
        self.ready.pop()
    }

    /// Begins the operation in a slot. `Some` if it ended at once.
    pub(crate) fn launch(&mut self, index: u32) -> Option<Ending> {
        let op = self.slots.at(index).op.as_ref()?;
        match op.kind() {
            OpKind::Receive => self.prepare_receive(),
            OpKind::Close if self.has(Ability::Close) => return self.launch_close(index),
            _ => {}
        }
        match self.route(index) {
            Route::Ring => self.launch_in_ring(index),
            Route::Attempt => self.attempt(index),
            Route::Pool => self.launch_in_pool(index),
        }
    }

    fn route(&mut self, index: u32) -> Route {
        let either = |has: bool, other: Route| if has { Route::Ring } else { other };
        let has = self.report.has;
        match self.slots.at(index).op.as_ref().map(Op::kind) {
            Some(OpKind::Nop | OpKind::Ready) => Route::Ring,
            Some(OpKind::Accept) => either(has.has(Ability::Accept), Route::Attempt),
            Some(OpKind::Receive) => either(self.lender.ready_len() > 0, Route::Attempt),
            Some(OpKind::ReceiveInto) => match &self.slots.at(index).op {
                Some(Op::ReceiveInto { buf, .. }) if buf.spare_len() == 0 => Route::Attempt,
                _ => either(has.has(Ability::Receive), Route::Attempt),
            },
            Some(OpKind::Send) => either(has.has(Ability::Send), Route::Attempt),
            Some(OpKind::Connect) => either(has.has(Ability::Connect), Route::Attempt),
            Some(OpKind::ReadAt) => either(has.has(Ability::Read), Route::Pool),
            Some(OpKind::WriteAt) => either(has.has(Ability::Write), Route::Pool),
            Some(OpKind::Sync) => either(has.has(Ability::Sync), Route::Pool),
            Some(OpKind::Open) => either(has.has(Ability::Open), Route::Pool),
            _ => Route::Attempt,
        }
    }

    /// Sees to it that a receive finds a buffer if one can be had.
    fn prepare_receive(&mut self) {
        if !self.has(Ability::BufferRing) || !self.has(Ability::Receive) {
            return;
        }
        if self.lender.open(self.ring.io()).is_err() {
            self.report.has.remove(Ability::BufferRing);
        }
        if self.lender.ready_len() == 0 {
            self.lender.refill();
        }
    }

    pub(crate) fn launch_in_ring(&mut self, index: u32) -> Option<Ending> {
        let has = self.report.has;
        let slot = self.slots.at(index);
        let op = slot.op.as_mut()?;
        let quiet = slot.quiet;
        let written = match op {
            Op::Send { socket, buf } if quiet => entry::quiet_send(socket, buf),
            op => entry::entry(op, &mut slot.extra, has),
        };
        let tag = self.slots.tag(index);
        let entry = match written {
            Ok(entry) => entry.user_data(tag.bits()),
            Err(error) => return Some((Err(error), None)),
        };
        self.slots.set_stage(index, Stage::Flying);
        // SAFETY: what the entry names belongs to the operation in the slot or lies beside it there. A
        // `Flying` slot is emptied only by the entry's last completion (`settle`), or never (`drain`).
        unsafe { self.ring.push(entry) };
        if quiet {
            self.quiet.push(self.ring.queued(), tag);
        }
        None
    }

    fn launch_close(&mut self, index: u32) -> Option<Ending> {
        let slot = self.slots.at(index);
        let Some(Op::Close { fd }) = slot.op.take() else {
            unreachable!("only a close is launched as one");
        };
        let is_socket = fd.is_socket();
        let Ok(fd) = fd.try_into_owned() else {
            return Some((Ok(Outcome::Done), None));
        };
        self.system_calls += u64::from(!is_socket);
        let entry = entry::close(&fd, is_socket);
        slot.extra = Extra::Closing(fd);
        let entry = entry.user_data(self.slots.tag(index).bits());
        self.slots.set_stage(index, Stage::Flying);
        // SAFETY: this entry names no memory.
        unsafe { self.ring.push(entry) };
        None
    }

    /// Has the descriptor watched until it is ready for what the operation waits for.
    pub(crate) fn watch(&mut self, index: u32) -> Option<Ending> {
        let slot = self.slots.at(index);
        let op = slot.op.as_ref()?;
        let Some((fd, interest)) = op.fd().zip(interest(op)) else {
            return self.launch_in_pool(index);
        };
        let fd = match fd.as_fd() {
            Ok(fd) => fd.as_raw_fd(),
            Err(error) => return Some((Err(error), None)),
        };
        let tag = self.slots.tag(index).bits();
        self.slots.set_stage(index, Stage::Watching);
        let mask = poll_mask(interest);
        self.ring.push_plain(
            Plain::Poll {
                fd,
                mask,
                many: false,
            },
            tag,
        );
        None
    }

    /// Tries the operation as a plain system call.
    pub(crate) fn attempt(&mut self, index: u32) -> Option<Ending> {
        let slot = self.slots.at(index);
        let (op, watched) = (slot.op.take()?, slot.stage == Stage::Watching);
        self.slots.set_stage(index, Stage::Queued);
        self.system_calls += 1;
        let attempt = match op {
            Op::Receive { socket } => self.lender.receive(socket),
            Op::Connect { socket, peer } if watched => connect_again(socket, peer),
            op => attempt(op),
        };
        match attempt {
            Attempt::Ended(result, buf) => Some((result, buf)),
            Attempt::WouldBlock(op) => {
                let slot = self.slots.at(index);
                let kind = op.kind();
                slot.op = Some(op);
                match slot.cancelled {
                    true => Some((cut_short(kind), None)),
                    false => self.watch(index),
                }
            }
            Attempt::Blocking(op) => {
                self.slots.at(index).op = Some(op);
                self.launch_in_pool(index)
            }
        }
    }

    pub(crate) fn launch_in_pool(&mut self, index: u32) -> Option<Ending> {
        let slot = self.slots.at(index);
        let (token, op) = (slot.token, slot.op.take()?);
        let (limits, kick) = (self.config.workers, &self.kick);
        let pool = self
            .pool
            .get_or_insert_with(|| Pool::new(limits, kick.waker()));
        match pool.submit(token, op) {
            Some(Completion { result, buf, .. }) => Some((result, buf)),
            None => {
                self.slots.set_stage(index, Stage::Pooled);
                None
            }
        }
    }

    /// Gives out an operation's end and begins what waited behind it.
    pub(crate) fn finish(&mut self, index: u32, ending: Ending) {
        let mut ended = Some((index, ending));
        while let Some((index, (result, buf))) = ended.take() {
            let lane = self.slots.at(index).lane;
            let next = lane.and_then(|lane| self.lanes.leave(&mut self.slots, lane, index));
            let (token, op) = self.slots.release(index);
            let buf = buf.or_else(|| op.and_then(Op::into_buf));
            self.ready.push(Completion::end(token, result, buf));
            if let Some(next) = next {
                ended = self.launch(next).map(|ending| (next, ending));
            }
        }
    }
}

/// How an operation ends that was cancelled before it had any effect.
pub(crate) fn cut_short(kind: OpKind) -> io::Result<Outcome> {
    match kind.is_flow() {
        true => Ok(Outcome::Paused),
        false => Err(cancelled()),
    }
}
