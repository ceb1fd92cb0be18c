//! The reactor: operations into the ring, completions out of it, one system call a turn.
//!
//! `submit` and `cancel` queue entries; `poll` enters the operating system once, submitting what is queued
//! and waiting for the first completion with a timeout of nanoseconds. Asked not to wait, it enters only if
//! something is queued or the operating system holds completions back.
//!
//! # Invariants
//!
//! - `ready` holds ends and items that are not given out yet; nothing sleeps while it is not empty.
//! - The thread that made the reactor is the one that uses it.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::os::fd::RawFd;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use bibelot_reactor::{Call, Completion, Counters, Fd, Lookout, Op, Reactor, Reply, Token};
use bibelot_sys::{Pool, Slack};

use crate::bell::Bell;
use crate::fork::{self, Process};
use crate::gather::Gather;
use crate::kick::Kick;
use crate::lanes::Lanes;
use crate::launch::cut_short;
use crate::lender::Lender;
use crate::look::Looked;
use crate::message::Messages;
use crate::probe;
use crate::quiet::Quiet;
use crate::ring::{Cqe, Ring, Wait};
use crate::slots::{Extra, Slots, Stage};
use crate::tag::Tag;
use crate::{Ability, SetupError, UringConfig, UringReport};

/// How long a thread rests when the operating system has no room for what is to be submitted.
pub(crate) const REST: Duration = Duration::from_millis(1);

/// A reactor on io_uring.
///
/// It belongs to the thread that made it. In a child of its process it does nothing but say so.
///
/// ```compile_fail
/// fn send(_: impl Send) {}
/// send(bibelot_uring::Uring::new(Default::default()).unwrap());
/// ```
///
/// # Panics
///
/// [`submit`](Reactor::submit) panics when its token is in use.
///
/// # Examples
///
/// ```
/// use bibelot_reactor::{Op, Reactor, Token};
/// use bibelot_uring::{Uring, UringConfig};
///
/// let mut uring = match Uring::new(UringConfig::default()) {
///     Ok(uring) => uring,
///     Err(reason) => {
///         eprintln!("{reason}");
///         return;
///     }
/// };
/// assert!(uring.submit(Token::new(0, 0), Op::Nop).is_none());
/// let mut ends = Vec::new();
/// while ends.is_empty() {
///     uring.poll(None, &mut ends).unwrap();
/// }
/// assert!(ends[0].result.is_ok());
/// ```
pub struct Uring {
    // First, so that it is closed before anything is freed.
    pub(crate) ring: Ring,
    pub(crate) slots: Slots,
    pub(crate) lanes: Lanes,
    pub(crate) lender: Lender,
    pub(crate) kick: Kick,
    /// Wakes of other rings; `None` where they are written.
    pub(crate) messages: Option<Messages>,
    pub(crate) lookout: Lookout,
    gather: Gather,
    /// Somebody else waits on the ring's descriptor: a sleep was announced.
    watched: bool,
    bell: Bell,
    pub(crate) pool: Option<Pool>,
    pub(crate) ready: Vec<Completion>,
    /// Descriptors of operations that were withdrawn, until their ends are given out.
    held: Vec<Fd>,
    pub(crate) reaped: Vec<Cqe>,
    pub(crate) quiet: Quiet,
    /// Somebody waits behind a quiet send.
    pub(crate) hurry: bool,
    /// Receives that found no buffer in this turn.
    pub(crate) parched: Vec<u32>,
    /// Cancels that found nothing in this turn.
    pub(crate) unheard: Vec<Tag>,
    pub(crate) config: UringConfig,
    pub(crate) report: UringReport,
    pub(crate) system_calls: u64,
    pub(crate) operations: u64,
    pub(crate) completions: u64,
    slack: Slack,
    pub(crate) process: Process,
    pub(crate) ended: bool,
    /// The operating system has dropped completions.
    lossy: bool,
    of_one_thread: PhantomData<*const ()>,
}

impl Uring {
    /// Makes a reactor as good as this machine allows.
    ///
    /// # Errors
    ///
    /// Why there is none; [`probe`](crate::probe()) asks beforehand.
    pub fn new(config: UringConfig) -> Result<Self, SetupError> {
        let (ring, report) = probe::open(&config)?;
        let talks = config.wake_by_message && report.has.has(Ability::Message);
        // Without a second descriptor it is woken by a write.
        let address = talks.then(|| ring.second_fd().ok()).flatten();
        let kick = Kick::new(report.has.has(Ability::MultishotPoll), address);
        let kick = kick.map_err(|source| match source.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => SetupError::NoDescriptor { source },
            _ => SetupError::Other { source },
        })?;
        let can_gather = report.has.has(Ability::MinWait) && report.has.has(Ability::ExtArg);
        let gather = Gather::new(if can_gather {
            config.gather_max
        } else {
            Duration::ZERO
        });
        Ok(Self {
            ring,
            slots: Slots::new(),
            lanes: Lanes::default(),
            lender: Lender::new(&config),
            kick,
            messages: talks.then(Messages::default),
            lookout: Lookout::new(config.look_max),
            gather,
            watched: false,
            bell: Bell::default(),
            pool: None,
            ready: Vec::new(),
            held: Vec::new(),
            reaped: Vec::new(),
            quiet: Quiet::default(),
            hurry: false,
            parched: Vec::new(),
            unheard: Vec::new(),
            config,
            report,
            system_calls: 0,
            operations: 0,
            completions: 0,
            slack: Slack::new(),
            process: Process::current(),
            ended: false,
            lossy: false,
            of_one_thread: PhantomData,
        })
    }

    /// What it has and what it does without. What turns out later not to work is missing from then on.
    #[must_use]
    pub fn report(&self) -> &UringReport {
        &self.report
    }

    /// How many operations are under way, those that wait for their turn not counted.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.slots.in_flight + self.pool.as_ref().map_or(0, Pool::in_flight)
    }

    pub(crate) fn has(&self, ability: Ability) -> bool {
        self.report.has.has(ability)
    }

    /// Submits, waits for at most `timeout` if `wait`, and settles what has come.
    pub(crate) fn turn(&mut self, wait: bool, timeout: Option<Duration>) -> io::Result<()> {
        if mem::take(&mut self.watched) {
            self.bell.silence();
            self.kick.woke();
        }
        if let Some(messages) = &mut self.messages {
            messages.launch(&mut self.ring);
        }
        let mut crowded = self.submit_backlog()?;
        let hurry = mem::take(&mut self.hurry) || self.quiet.has_any(self.ring.taken());
        let idle = !crowded && !hurry && self.ready.is_empty() && !self.ring.has_completions();
        let wait = wait && idle;
        let looked = match wait {
            true => self.look_first(timeout)?,
            false => Looked::Nothing,
        };
        crowded |= looked == Looked::Crowded;
        let announced = wait && looked == Looked::Nothing && self.kick.sleep(&mut self.ring);
        // What could not be submitted may be the watch that ends this sleep.
        let slept = announced && !self.ring.has_backlog();
        let how = match timeout {
            _ if !slept => Wait::No,
            None => Wait::Forever,
            Some(_) => Wait::For(self.lookout.sleep_span(timeout).unwrap_or_default()),
        };
        let entered = if slept || self.ring.has_queued() || self.ring.wants_enter() {
            self.enter(how)
        } else {
            Ok(false)
        };
        let was_woken = wait && self.kick.woke();
        crowded |= matches!(entered, Ok(true));
        if let Some(messages) = &mut self.messages
            && !self.ring.has_queued()
        {
            messages.taken();
        }
        let mut settled = self.settle_all();
        if slept {
            self.gather.learn(self.ready.len(), self.slots.in_flight);
            self.ring.wish = self.gather.wish();
        }
        if wait && settled.is_ok() {
            settled = self.end_wait(was_woken);
        }
        self.collect_from_pool();
        if crowded && self.ready.is_empty() && timeout != Some(Duration::ZERO) {
            thread::sleep(REST);
        }
        entered.and(settled)
    }

    /// Brings the backlog into the submission queue. Whether the operating system does not take all.
    fn submit_backlog(&mut self) -> io::Result<bool> {
        while !self.ring.feed() {
            if self.enter(Wait::No)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Enters the operating system. Whether it has no room at the moment.
    fn enter(&mut self, wait: Wait) -> io::Result<bool> {
        let Err(error) = self.ring.enter(wait, true) else {
            return Ok(false);
        };
        match error.raw_os_error() {
            Some(libc::EINTR | libc::ETIME) => Ok(false),
            Some(libc::EAGAIN | libc::EBUSY) => Ok(true),
            Some(libc::EBADR) => {
                self.lossy = true;
                Ok(false)
            }
            _ => Err(error),
        }
    }

    /// Enters it without waiting. Whether it has no room.
    pub(crate) fn enter_now(&mut self) -> io::Result<bool> {
        self.enter(Wait::No)
    }

    pub(crate) fn enter_at_once(&mut self) -> io::Result<()> {
        self.enter_now().map(drop)
    }

    fn counters(&self) -> Counters {
        Counters {
            system_calls: self.system_calls + self.ring.system_calls(),
            operations: self.operations,
            completions: self.completions,
        }
    }
}

impl Reactor for Uring {
    fn name(&self) -> &'static str {
        "uring"
    }

    fn submit(&mut self, token: Token, op: Op) -> Option<Completion> {
        self.begin(token, op, false)
    }

    fn submit_quietly(&mut self, token: Token, op: Op) -> Option<Completion> {
        self.begin(token, op, true)
    }

    fn cancel(&mut self, token: Token) {
        let Some(index) = self.slots.find(token) else {
            return;
        };
        if !self.process.is_here() {
            return;
        }
        let slot = self.slots.at(index);
        let closing = matches!(slot.extra, Extra::Closing(_));
        match slot.stage {
            Stage::Queued => {
                if let Some(op) = self.slots.withdraw(index) {
                    self.held.extend(op.fd().cloned());
                    let result = cut_short(op.kind());
                    self.ready
                        .push(Completion::end(token, result, op.into_buf()));
                }
            }
            Stage::Flying | Stage::Watching if !closing && !slot.cancelled => {
                slot.cancelled = true;
                self.push_cancel(index);
            }
            Stage::Pooled => {
                if let Some(pool) = &mut self.pool {
                    pool.cancel(token);
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, call: Call) -> io::Result<Reply> {
        match call {
            Call::Counters => Ok(Reply::Counters(self.counters())),
            Call::Attend { begin } => {
                match begin {
                    true => self.slack.sharpen(),
                    false => self.slack.restore(),
                }
                if let Some(messages) = &mut self.messages {
                    messages.attend(begin);
                }
                Ok(Reply::Done)
            }
            other => {
                self.system_calls += bibelot_sys::calls_of(&other);
                bibelot_sys::call(other)
            }
        }
    }

    fn poll(&mut self, timeout: Option<Duration>, ends: &mut Vec<Completion>) -> io::Result<()> {
        if !self.process.is_here() {
            return Err(fork::error());
        }
        self.lender.refill();
        self.collect_from_pool();
        let turned = self.turn(timeout != Some(Duration::ZERO), timeout);
        self.completions += self.ready.len() as u64;
        match ends.is_empty() {
            true => mem::swap(ends, &mut self.ready),
            false => ends.append(&mut self.ready),
        }
        self.held.clear();
        if let (Err(_), Some(messages)) = (&turned, &mut self.messages) {
            messages.close();
        }
        turned?;
        match self.lossy {
            true => Err(io::Error::other(
                "completions were dropped for want of memory",
            )),
            false => Ok(()),
        }
    }

    fn is_still(&mut self) -> bool {
        let has_work = self.ring.has_queued()
            || self.ring.has_completions()
            || self.ring.wants_enter()
            || !(self.ready.is_empty() && self.held.is_empty() && self.lender.is_filled())
            || !self.quiet.is_empty()
            || self.pool.as_ref().is_some_and(Pool::has_ends);
        !has_work && !self.watched && self.messages.is_none() && self.process.is_here()
    }

    fn unparker(&self) -> Waker {
        self.kick.waker()
    }

    fn wait_fd(&mut self) -> Option<RawFd> {
        if !self.process.is_here() {
            return None;
        }
        let bell = self.bell.hang(&self.ring);
        self.watched = true;
        if !self.kick.sleep(&mut self.ring) {
            self.kick.kick();
        }
        let is_crowded = self.submit_backlog().ok()? || self.enter(Wait::No).ok()?;
        // What is not submitted, the watch for wakes among it, rings for nobody: the next turn tries again.
        (!is_crowded || self.bell.ring()).then_some(bell)
    }
}

impl fmt::Debug for Uring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uring")
            .field("report", &self.report)
            .field("in_flight", &self.in_flight())
            .field("ready", &self.ready.len())
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}
