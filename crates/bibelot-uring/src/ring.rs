//! The ring: the two queues shared with the operating system, and the one system call between them.
//!
//! Entries go into the submission queue without a system call. When it is full it is submitted on the
//! spot, without waiting; if the operating system takes none just then, entries line up in a backlog in
//! their order and follow later, so that none is ever lost and `push` cannot fail.
//!
//! # Invariants
//!
//! - While the backlog is not empty, nothing goes into the submission queue except from its front.
//! - Every enter is made by the thread that built the ring.

#![allow(
    unsafe_code,
    reason = "entries name memory, and entering takes raw arguments"
)]

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use io_uring::types::{CancelBuilder, Fd, SubmitArgs, Timespec};
use io_uring::{EnterFlags, IoUring, cqueue, opcode, squeue};
use rustix::event::{PollFd, PollFlags, poll};

use crate::gather::Wish;
use crate::tag::Tag;
use crate::{Abilities, Ability};

/// The longest timeout given to the operating system: a century. Longer ones return early.
const TIMEOUT_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A completion as the operating system gave it.
#[derive(Debug)]
pub(crate) struct Cqe {
    pub(crate) user_data: u64,
    pub(crate) result: i32,
    pub(crate) flags: u32,
}

impl Cqe {
    pub(crate) fn more(&self) -> bool {
        cqueue::more(self.flags)
    }

    pub(crate) fn buffer(&self) -> Option<u16> {
        cqueue::buffer_select(self.flags)
    }
}

/// An entry that names no memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plain {
    Nop,
    Poll {
        fd: RawFd,
        mask: u32,
        many: bool,
    },
    Cancel {
        user_data: u64,
        silent: bool,
    },
    /// Ends the sleep of another ring; success is silent.
    Message {
        fd: RawFd,
    },
}

pub(crate) struct Ring {
    io: IoUring,
    backlog: VecDeque<squeue::Entry>,
    /// How many entries were ever queued.
    queued: u64,
    /// Flags that every waiting enter carries.
    wait_flags: EnterFlags,
    /// Whether an enter takes a timeout along.
    timed: bool,
    /// What a wait asks for.
    pub(crate) wish: Wish,
    system_calls: u64,
    /// The answers of the next enters, last first: 0 is the operating system's own.
    #[cfg(test)]
    pub(crate) faults: Vec<i32>,
}

impl Ring {
    /// The ring's own descriptor, readable when completions are there.
    pub(crate) fn wait_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }

    /// Another descriptor of the ring.
    pub(crate) fn second_fd(&self) -> io::Result<OwnedFd> {
        self.io.as_fd().try_clone_to_owned()
    }

    /// Has an event descriptor counted up with each completion; whether that can be had.
    pub(crate) fn register_eventfd(&self, event: RawFd) -> bool {
        self.io.submitter().register_eventfd(event).is_ok()
    }

    pub(crate) fn new(io: IoUring, has: Abilities) -> Self {
        let mut wait_flags = EnterFlags::GETEVENTS;
        wait_flags.set(EnterFlags::NO_IOWAIT, has.has(Ability::NoIowait));
        Self {
            io,
            backlog: VecDeque::new(),
            queued: 0,
            wait_flags,
            timed: has.has(Ability::ExtArg),
            wish: Wish::FIRST,
            system_calls: 0,
            #[cfg(test)]
            faults: Vec::new(),
        }
    }

    pub(crate) fn io(&self) -> &IoUring {
        &self.io
    }

    /// How many system calls were made here.
    pub(crate) fn system_calls(&self) -> u64 {
        self.system_calls
    }

    /// How many entries were ever queued.
    pub(crate) fn queued(&self) -> u64 {
        self.queued
    }

    /// How many of them the operating system has taken, the first ones.
    pub(crate) fn taken(&mut self) -> u64 {
        self.queued - (self.backlog.len() + self.io.submission().len()) as u64
    }

    /// Queues an entry.
    ///
    /// # Safety
    ///
    /// The memory that the entry names stays where it is, and is neither freed nor otherwise used, until
    /// the operation has ended.
    pub(crate) unsafe fn push(&mut self, entry: squeue::Entry) {
        self.queued += 1;
        if self.backlog.is_empty() {
            // SAFETY: passed on to the caller.
            if unsafe { self.try_push(&entry) } {
                return;
            }
            // A refusal leaves the queue full, and the entry goes to the backlog.
            let _ = self.enter(Wait::No, false);
            // SAFETY: as above.
            if unsafe { self.try_push(&entry) } {
                return;
            }
        }
        self.backlog.push_back(entry);
    }

    pub(crate) fn push_plain(&mut self, plain: Plain, user_data: u64) {
        let entry = match plain {
            Plain::Nop => opcode::Nop::new().build(),
            Plain::Poll { fd, mask, many } => {
                opcode::PollAdd::new(Fd(fd), mask).multi(many).build()
            }
            Plain::Cancel { user_data, silent } => {
                let builder = CancelBuilder::user_data(user_data);
                let entry = opcode::AsyncCancel2::new(builder).build();
                match silent {
                    true => entry.flags(squeue::Flags::SKIP_SUCCESS),
                    false => entry,
                }
            }
            Plain::Message { fd } => opcode::MsgRingData::new(Fd(fd), 0, Tag::NOBODY.bits(), None)
                .build()
                .flags(squeue::Flags::SKIP_SUCCESS),
        };
        // SAFETY: none of these names memory.
        unsafe { self.push(entry.user_data(user_data)) }
    }

    /// Whether entries wait to be submitted.
    pub(crate) fn has_queued(&mut self) -> bool {
        !self.backlog.is_empty() || !self.io.submission().is_empty()
    }

    /// Whether entries found no room in the submission queue.
    pub(crate) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Whether the operating system holds back completions until it is entered.
    pub(crate) fn wants_enter(&mut self) -> bool {
        let queue = self.io.submission();
        queue.taskrun() || queue.cq_overflow()
    }

    /// Whether completions did not fit into their queue.
    pub(crate) fn has_overflown(&mut self) -> bool {
        self.io.submission().cq_overflow()
    }

    pub(crate) fn has_completions(&mut self) -> bool {
        !self.io.completion().is_empty()
    }

    /// Takes all completions that lie in the queue.
    pub(crate) fn reap(&mut self, into: &mut Vec<Cqe>) {
        into.extend(self.io.completion().map(|entry| Cqe {
            user_data: entry.user_data(),
            result: entry.result(),
            flags: entry.flags(),
        }));
    }

    /// Moves the backlog into the submission queue as far as it has room. Whether none is left.
    pub(crate) fn feed(&mut self) -> bool {
        while let Some(entry) = self.backlog.pop_front() {
            // SAFETY: whoever pushed the entry promised it.
            if !unsafe { self.try_push(&entry) } {
                self.backlog.push_front(entry);
                return false;
            }
        }
        true
    }

    /// Submits what is in the submission queue and, if `events`, has completions made; waits for one as
    /// `wait` says.
    pub(crate) fn enter(&mut self, wait: Wait, events: bool) -> io::Result<()> {
        self.system_calls += 1;
        #[cfg(test)]
        match self.faults.pop() {
            None | Some(0) => {}
            Some(errno) => return Err(io::Error::from_raw_os_error(errno)),
        }
        let wish = self.wish;
        let submit = u32::try_from(self.io.submission().len()).expect("a queue is shorter");
        let io = self.io.submitter();
        match wait {
            Wait::No => {
                let mut flags = EnterFlags::empty();
                flags.set(EnterFlags::GETEVENTS, events);
                // SAFETY: without an extended argument there is nothing that could be amiss.
                unsafe { io.enter::<libc::sigset_t>(submit, 0, flags.bits(), None) }
            }
            Wait::Forever if wish == Wish::FIRST => {
                let flags = self.wait_flags.bits();
                // SAFETY: as above.
                unsafe { io.enter::<libc::sigset_t>(submit, 1, flags, None) }
            }
            Wait::Forever => {
                let argument = SubmitArgs::new().min_wait_usec(micros(wish.within));
                let flags = (self.wait_flags | EnterFlags::EXT_ARG).bits();
                // SAFETY: the extended argument lives across the call.
                unsafe { io.enter(submit, wish.count, flags, Some(&argument)) }
            }
            Wait::For(span) if !self.timed => {
                self.system_calls -= 1;
                return self.wait_outside(span);
            }
            Wait::For(span) => {
                let wish = wish.at_most(span);
                let span = Timespec::from(span.min(TIMEOUT_MAX));
                let argument = SubmitArgs::new()
                    .timespec(&span)
                    .min_wait_usec(micros(wish.within));
                let flags = (self.wait_flags | EnterFlags::EXT_ARG).bits();
                // SAFETY: the extended argument and the span it names live across the call.
                unsafe { io.enter(submit, wish.count, flags, Some(&argument)) }
            }
        }
        .map(drop)
    }

    /// Submits, then waits on the ring's descriptor, since an enter takes no timeout along.
    fn wait_outside(&mut self, span: Duration) -> io::Result<()> {
        self.enter(Wait::No, true)?;
        if self.has_completions() || self.has_overflown() {
            return Ok(());
        }
        self.system_calls += 1;
        let mut watched = [PollFd::new(&self.io, PollFlags::IN)];
        let span = rustix::event::Timespec::try_from(span.min(TIMEOUT_MAX)).unwrap_or_default();
        poll(&mut watched, Some(&span))?;
        if self.wants_enter() {
            self.enter(Wait::No, true)?;
        }
        Ok(())
    }

    /// Puts an entry into the submission queue if it has room.
    ///
    /// # Safety
    ///
    /// That of [`push`](Self::push).
    unsafe fn try_push(&mut self, entry: &squeue::Entry) -> bool {
        // SAFETY: passed on to the caller.
        unsafe { self.io.submission().push(entry) }.is_ok()
    }
}

/// Whole microseconds, rounded up, so that a short span is not none.
fn micros(span: Duration) -> u32 {
    u32::try_from(span.as_nanos().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// How an enter waits for completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    No,
    For(Duration),
    Forever,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("params", self.io.params())
            .field("backlog", &self.backlog.len())
            .field("system_calls", &self.system_calls)
            .finish_non_exhaustive()
    }
}
