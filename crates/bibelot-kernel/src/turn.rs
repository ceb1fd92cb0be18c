//! The turn: one pass of the kernel.
//!
//! Poll the world once; read the clock once; settle completions; fire timers; admit what came from
//! other threads; run exactly the tasks that were ready when the batch began; flush the outboxes. A long
//! batch has interludes, in which the world is looked at without waiting and outboxes are flushed; what
//! an interlude makes ready runs in the next batch, never in this one.
//!
//! # Invariants
//!
//! - A task that yields runs after everything that was ready when it did.
//! - The world is waited for only when nothing is ready.

use std::future::Future;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bibelot_reactor::Completion;
use bibelot_sched::Wake;
use bibelot_timer::Instant;

use crate::core::{Core, contain};
use crate::home;
use crate::ready::Item;
use crate::remote::{Message, Post};

/// An interlude comes after this many polls..
const POLLS_MAX: usize = 256;
/// ..or after this time, looked at every so many polls.
const SPAN_MAX: Duration = Duration::from_micros(500);
const POLLS_PER_LOOK: usize = 16;

/// How a turn treats an idle world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    /// Waits until something comes.
    Wait,
    /// Waits until something comes, at most until then.
    WaitUntil(Instant),
    /// Only looks.
    Look,
}

/// Polls the main future; true when it is over.
pub(crate) type PollMain<'a> = &'a mut dyn FnMut() -> bool;

/// What one turn did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// How many polls.
    pub polls: usize,
    /// The main future is over.
    pub main_is_over: bool,
}

/// What ended a batch before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Not,
    /// The main future is over.
    Main,
    /// A scheduler of somebody's has fewer tasks than it said.
    Short,
}

impl Core {
    /// Makes one pass.
    pub(crate) fn turn(
        self: &Rc<Self>,
        idle: Idle,
        ends: &mut Vec<Completion>,
        main: PollMain<'_>,
    ) -> io::Result<Done> {
        self.counters.turns.add(1);
        let timeout = self.timeout(idle);
        self.look_at_world(timeout, ends)?;
        let mut done = self.run_batch(ends, main)?;
        self.flush_outboxes();
        // Who waits with a limit, or only looks, looks at other things, too, after each turn.
        let mut goes_on = idle == Idle::Wait && !done.main_is_over;
        while goes_on && self.is_world_still() {
            // A turn that looks at the world would find nothing there.
            self.counters.turns.add(1);
            let next = self.run_batch(ends, main)?;
            done.polls += next.polls;
            done.main_is_over = next.main_is_over;
            self.flush_outboxes();
            goes_on = next.polls > 0 && !next.main_is_over;
        }
        Ok(done)
    }

    /// Reads the clock for the next turn, and says whether there is nothing in it but what is ready: nothing
    /// from other threads, nothing in the world, and no timer that could be due.
    #[inline]
    fn is_world_still(&self) -> bool {
        if self.ready.borrow().len() == 0
            || self.remote.is_pending()
            || !self.reactor.borrow_mut().is_still()
        {
            return false;
        }
        let now = self.read_clock();
        !self.timers.may_be_due(now) && self.end.main_until() > now
    }

    /// How long the world may be waited for.
    #[inline]
    fn timeout(&self, idle: Idle) -> Option<Duration> {
        if idle == Idle::Look || self.ready.borrow().len() > 0 {
            Some(Duration::ZERO)
        } else {
            self.timeout_at_rest(idle)
        }
    }

    fn timeout_at_rest(&self, idle: Idle) -> Option<Duration> {
        let next = self.timers.next_deadline();
        let next = match idle {
            Idle::WaitUntil(limit) => Some(next.map_or(limit, |next| next.min(limit))),
            _ => next,
        };
        // A clock of the world's may have gone on since it was read.
        let span = next.map(|next| next - self.clock.now());
        match (span, self.config.park_max) {
            (Some(span), Some(most)) => Some(span.min(most)),
            (None, most) => most,
            (span, None) => span,
        }
    }

    /// Polls the world, reads the clock, settles, fires and admits.
    #[inline]
    pub(crate) fn look_at_world(
        self: &Rc<Self>,
        timeout: Option<Duration>,
        ends: &mut Vec<Completion>,
    ) -> io::Result<()> {
        let timeout = match self.wants_ends.take() {
            true => Some(Duration::ZERO),
            false => timeout,
        };
        // What runs inside a poll (jobs of a simulated world) is not at home, as on a pool's thread.
        let hidden = home::hide();
        let polled = self.reactor.borrow_mut().poll(timeout, ends);
        drop(hidden);
        polled?;
        let now = self.read_clock();
        self.settle(ends);
        self.fire_timers(now);
        if let Some(post) = self.remote.take() {
            self.admit(post);
        }
        Ok(())
    }

    /// Takes in what came from other threads.
    pub(crate) fn admit(self: &Rc<Self>, post: Post) {
        self.is_admitting.set(true);
        for runnable in post.woken {
            if runnable.is_stale() {
                continue;
            }
            let Some(runnable) = runnable.if_wanted() else {
                continue;
            };
            self.records.ready(runnable.schedule().slot);
            self.push_ready(Item::Task(runnable), Wake::Woken);
        }
        if post.main_woken {
            self.wake_main();
        }
        for message in post.messages {
            self.do_message(message);
        }
        self.is_admitting.set(false);
    }

    fn do_message(self: &Rc<Self>, message: Message) {
        match message {
            Message::Stop(cause) => self.stop(cause),
            Message::BreakOff(error) => self.break_off(error),
            Message::Exit(code) => self.exit(code),
            Message::Run(job) => contain(job.0),
            Message::Release(key) => self.release(key),
            Message::Detach(key) => self.mark_detached(key),
            Message::Cancel(key, cause) => {
                self.cancel(key, cause);
            }
            Message::Interrupt(key) => {
                self.interrupt(key);
            }
            Message::Abort(key) => self.abort(key),
            Message::LeaveJoin(key, ticket) => self.leave_join(key, ticket),
            Message::LeaveForeign(key, place) => self.leave_foreign(key, place),
            Message::CancelTimer(key) => self.disarm(key),
            Message::Io(message) => self.io_message(message),
        }
    }

    /// Runs what is ready now, and nothing that becomes ready meanwhile.
    fn run_batch(
        self: &Rc<Self>,
        ends: &mut Vec<Completion>,
        main: PollMain<'_>,
    ) -> io::Result<Done> {
        let count = self.ready.borrow().len();
        let mut left = count;
        let mut since_interlude = 0;
        let mut began = self.now();
        let main_is_over = loop {
            let look_at = left.saturating_sub(POLLS_PER_LOOK);
            let ended = self.run_down(&mut left, look_at, main);
            if left == 0 || ended != Ended::Not {
                break ended == Ended::Main;
            }
            since_interlude += POLLS_PER_LOOK;
            if since_interlude >= POLLS_MAX || self.clock.now() - began >= SPAN_MAX {
                self.flush_outboxes();
                self.look_at_world(Some(Duration::ZERO), ends)?;
                since_interlude = 0;
                began = self.now();
            }
        };
        let polls = count - left;
        self.counters.polls.add(polls as u64);
        self.ready.borrow_mut().trim();
        Ok(Done {
            polls,
            main_is_over,
        })
    }

    /// Runs from the first `left` that are ready until only `until` of them are left, if nothing ends that
    /// before.
    #[inline]
    fn run_down(self: &Rc<Self>, left: &mut usize, until: usize, main: PollMain<'_>) -> Ended {
        let mut ended = Ended::Not;
        let mut rest = *left;
        while rest > until && ended == Ended::Not {
            match self.next_ready(rest) {
                Some(Item::Task(runnable)) => self.run_task(runnable),
                Some(Item::Main) => {
                    self.main_queued.set(false);
                    if main() {
                        ended = Ended::Main;
                    }
                }
                None => {
                    ended = Ended::Short;
                    break;
                }
            }
            rest -= 1;
        }
        *left = rest;
        ended
    }

    /// Takes the next of the first `count` that are ready.
    fn next_ready(&self, count: usize) -> Option<Item> {
        match &self.choice {
            Some(choice) if count > 1 => {
                let index = self.choose_ready(&mut **choice.borrow_mut(), count);
                self.ready.borrow_mut().pick(index)
            }
            _ => self.ready.borrow_mut().pop(),
        }
    }
}

/// Polls a future once with this waker; its value, if it has one.
pub(crate) fn poll_once<F: Future>(
    future: std::pin::Pin<&mut F>,
    waker: &Waker,
) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(waker)) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
