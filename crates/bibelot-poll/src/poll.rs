//! The reactor: tries, lets wait, and tries again.
//!
//! A submitted operation is tried at once, unless others wait for the same before it or it is known to
//! be in vain. What would block joins the line of its descriptor; a poll waits for edges and tries the
//! lines that they concern, in order, until one would block again. What blocks by its nature goes to the
//! worker pool, whose ends each poll collects.
//!
//! # Invariants
//!
//! - A token is in a line, in the pool, in `ended`, or unknown here.
//! - What was cancelled keeps its descriptor until its end was given out.
//! - While the thread sleeps, nothing is in `ended` and every end of the pool comes with a kick.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bibelot_reactor::{
    Call, Completion, Counters, Fd, Lookout, Op, Outcome, Reactor, Reply, Token, Unpark,
};
use bibelot_sys::{Attempt, Pool, PoolReport, Slack, attempt, connect_again, send_now};

use crate::appetite::Size;
use crate::config::PollConfig;
use crate::lender::Lender;
use crate::queue::{LineKind, Where};
use crate::sources::{Sources, Standing};
use crate::watch::{Readiness, Watch};

type Kick = Box<dyn Fn() + Send + Sync>;

/// A reactor that waits for readiness.
///
/// It belongs to the process that made it: a forked child must neither use nor drop it. Dropping it is
/// [`close`](Self::close) without the report.
pub struct Poll {
    // In the order in which they end: first nothing runs, then nothing is waited for, then what
    // operations owned is freed.
    pool: Pool,
    pub(crate) watch: Watch,
    pub(crate) sources: Sources,
    ended: Vec<Ended>,
    lender: Lender,
    pub(crate) unpark: Arc<Unpark<Kick>>,
    pub(crate) lookout: Lookout,
    slack: Slack,
    /// Somebody else waits on the poller's descriptor.
    pub(crate) is_watched: bool,
    /// What the last wait brought and nobody was served of yet.
    pub(crate) ready: VecDeque<Readiness>,
    /// How many bytes one poll receives.
    receive_batch: usize,
    /// System calls of tries and calls; the watch counts its own.
    tries: u64,
    operations: u64,
    completions: u64,
}

/// An operation that was cancelled, until the next poll tells.
struct Ended {
    completion: Completion,
    _fd: Option<Fd>,
}

impl Poll {
    /// A reactor that watches nothing yet and has no threads.
    ///
    /// # Errors
    ///
    /// If the operating system gives no poller or event descriptor.
    pub fn new(config: PollConfig) -> io::Result<Self> {
        let watch = Watch::new(config.events_max)?;
        let kick: Kick = Box::new(watch.kick());
        let unpark = Unpark::new(kick);
        Ok(Self {
            pool: Pool::new(config.workers, unpark.waker()),
            watch,
            sources: Sources::new(config.receive_len),
            ended: Vec::new(),
            lender: Lender::new(&config),
            unpark,
            lookout: Lookout::new(config.look_max),
            slack: Slack::new(),
            is_watched: false,
            ready: VecDeque::new(),
            receive_batch: config.receive_batch.max(1),
            tries: 0,
            operations: 0,
            completions: 0,
        })
    }

    /// Ends it: what blocks is waited for, at most for the workers' `drain`; everything else ends at
    /// once. The report names what did not end in time.
    pub fn close(mut self) -> PoolReport {
        self.pool.close()
    }

    /// How many operations were submitted whose ends are still to come.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.sources.waiting() + self.ended.len() + self.pool.in_flight()
    }

    /// Begins an operation that its descriptor may make wait.
    fn begin(&mut self, place: Where, token: Token, op: Op) -> Option<Completion> {
        let standing = self.sources.standing(place, &op);
        if standing == Standing::Waits {
            return self.wait(place, token, op);
        }
        let size = match standing {
            Standing::Known => self.sources.size(place),
            _ => Size::Usual,
        };
        match self.try_first(op, size) {
            Attempt::Ended(result, buf) => {
                if standing == Standing::Known {
                    self.sources.ended(place, &result, buf.as_ref());
                }
                Some(Completion::end(token, result, buf))
            }
            Attempt::WouldBlock(op) => {
                let failed = self.wait(place, token, op);
                self.sources.blocked(place);
                failed
            }
            Attempt::Blocking(op) => self.pool.submit(token, op),
        }
    }

    /// Lets an operation wait; an end is a registration that failed.
    fn wait(&mut self, place: Where, token: Token, op: Op) -> Option<Completion> {
        match self.sources.wait(&mut self.watch, place, token, op) {
            Ok(()) => None,
            Err((error, op)) => Some(Completion::end(token, Err(error), op.into_buf())),
        }
    }

    fn try_first(&mut self, op: Op, size: Size) -> Attempt {
        self.tries += match &op {
            Op::Nop => 0,
            // A look at what it is, and the close.
            Op::Close { fd } if fd.holders() == 1 => 2,
            Op::Close { .. } => 0,
            _ => 1,
        };
        match op {
            Op::Receive { socket } => self.lender.receive(socket, size),
            op => attempt(op),
        }
    }

    fn try_again(&mut self, op: Op, place: Where) -> Attempt {
        match op {
            Op::Connect { socket, peer } => {
                self.tries += 1;
                connect_again(socket, peer)
            }
            op => self.try_first(op, self.sources.size(place)),
        }
    }

    /// Tries what an edge concerns: whoever only watches, then the line in its order.
    fn serve(&mut self, edge: Readiness, ends: &mut Vec<Completion>) {
        let number = edge.number;
        let at = |kind| Where { number, kind };
        if edge.readable {
            self.serve_watchers(at(LineKind::ReadWatchers), ends);
            self.serve_line(at(LineKind::Readers), ends);
        }
        if edge.writable {
            self.serve_watchers(at(LineKind::WriteWatchers), ends);
            self.serve_line(at(LineKind::Writers), ends);
        }
    }

    fn serve_watchers(&mut self, place: Where, ends: &mut Vec<Completion>) {
        let mut next = self.sources.front(place);
        while let Some(index) = next {
            next = self.sources.behind(index);
            self.retry(index, place, ends);
        }
    }

    fn serve_line(&mut self, place: Where, ends: &mut Vec<Completion>) {
        while self.sources.may_be_ready(place)
            && let Some(index) = self.sources.front(place)
        {
            self.retry(index, place, ends);
        }
    }

    fn retry(&mut self, index: u32, place: Where, ends: &mut Vec<Completion>) {
        let op = self.sources.lift(index);
        match self.try_again(op, place) {
            Attempt::Ended(result, buf) => {
                self.sources.ended(place, &result, buf.as_ref());
                let (token, _) = self.sources.remove(index, place);
                ends.push(Completion::end(token, result, buf));
            }
            Attempt::WouldBlock(op) => {
                self.sources.put_back(index, op);
                self.sources.blocked(place);
            }
            Attempt::Blocking(op) => {
                let (token, _) = self.sources.remove(index, place);
                ends.extend(self.pool.submit(token, op));
            }
        }
    }

    /// Takes the ends that wait here: of what was cancelled and of what workers did.
    fn collect(&mut self, ends: &mut Vec<Completion>) {
        if !self.ended.is_empty() {
            ends.extend(self.ended.drain(..).map(|ended| ended.completion));
        }
        if !self.pool.is_idle() {
            self.pool.collect(ends);
        }
    }

    /// Serves the edges in their order, until there are enough bytes to be read.
    fn serve_ready(&mut self, ends: &mut Vec<Completion>) {
        let mut received = 0;
        while received < self.receive_batch
            && let Some(edge) = self.ready.pop_front()
        {
            let before = ends.len();
            self.serve(edge, ends);
            received += ends[before..].iter().map(received_len).sum::<usize>();
        }
    }
}

fn received_len(end: &Completion) -> usize {
    match &end.result {
        Ok(Outcome::Received(buf)) => buf.len(),
        _ => 0,
    }
}

impl Reactor for Poll {
    fn name(&self) -> &'static str {
        "poll"
    }

    fn submit(&mut self, token: Token, op: Op) -> Option<Completion> {
        self.operations += 1;
        let end = match Where::of(&op) {
            Some(place) => self.begin(place, token, op),
            None => match self.try_first(op, Size::Usual) {
                Attempt::Ended(result, buf) => Some(Completion::end(token, result, buf)),
                Attempt::Blocking(op) => {
                    self.tries -= 1;
                    self.pool.submit(token, op)
                }
                Attempt::WouldBlock(op) => {
                    // Nothing could tell when to try it again.
                    let error = io::Error::from(io::ErrorKind::WouldBlock);
                    Some(Completion::end(token, Err(error), op.into_buf()))
                }
            },
        };
        self.completions += u64::from(end.is_some());
        end
    }

    fn cancel(&mut self, token: Token) {
        let Some((index, place)) = self.sources.find(token) else {
            self.pool.cancel(token);
            return;
        };
        let (_, op) = self.sources.remove(index, place);
        let Some(op) = op else { return };
        let fd = op.fd().cloned();
        let completion = if op.kind().is_flow() {
            Completion::end(token, Ok(Outcome::Paused), None)
        } else {
            Completion::cancelled(token, op.into_buf())
        };
        self.ended.push(Ended {
            completion,
            _fd: fd,
        });
    }

    fn send_now(&mut self, socket: &Fd, bytes: &[u8]) -> io::Result<usize> {
        let Some(place) = Where::at(socket, LineKind::Writers) else {
            return Ok(0);
        };
        let standing = self.sources.standing_at(place, socket, false);
        if standing == Standing::Waits {
            return Ok(0);
        }
        self.tries += 1;
        match send_now(socket, bytes) {
            Ok(count) => {
                if standing == Standing::Known && count < bytes.len() {
                    self.sources.sent_short(place);
                }
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if standing == Standing::Known {
                    self.sources.blocked(place);
                }
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    fn call(&mut self, call: Call) -> io::Result<Reply> {
        match call {
            Call::Attend { begin: true } => self.slack.sharpen(),
            Call::Attend { begin: false } => self.slack.restore(),
            Call::Counters => {
                return Ok(Reply::Counters(Counters {
                    system_calls: self.tries + self.watch.system_calls(),
                    operations: self.operations,
                    completions: self.completions,
                }));
            }
            call => {
                self.tries += bibelot_sys::calls_of(&call);
                return bibelot_sys::call(call);
            }
        }
        Ok(Reply::Done)
    }

    fn poll(&mut self, timeout: Option<Duration>, ends: &mut Vec<Completion>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) && self.is_still() {
            self.unpark.woke();
            return Ok(());
        }
        let before = ends.len();
        self.lender.trim();
        self.collect(ends);
        let may_wait = timeout != Some(Duration::ZERO) && ends.len() == before;
        let looked = self.take_edges(timeout, may_wait);
        self.serve_ready(ends);
        self.collect(ends);
        self.completions += (ends.len() - before) as u64;
        looked
    }

    fn is_still(&mut self) -> bool {
        self.ended.is_empty()
            && self.pool.is_idle()
            && self.sources.waiting() == 0
            && !self.is_watched
    }

    fn unparker(&self) -> Waker {
        self.unpark.waker()
    }

    fn wait_fd(&mut self) -> Option<RawFd> {
        // From now on every poll takes the edges, or the descriptor would stay readable.
        self.is_watched = true;
        if !self.unpark.sleep() || !self.ready.is_empty() {
            (self.watch.kick())();
        }
        Some(self.watch.wait_fd())
    }
}

impl fmt::Debug for Poll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll")
            .field("in_flight", &self.in_flight())
            .field("operations", &self.operations)
            .field("completions", &self.completions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_waits_for_the_next_poll_is_told_to_who_waits_on_the_descriptor() {
        let mut poll = Poll::new(PollConfig {
            receive_batch: 1,
            ..PollConfig::default()
        })
        .unwrap();
        let mut peers = Vec::new();
        for slot in 0..2 {
            let (theirs, ours) = UnixStream::pair().unwrap();
            let socket = Fd::from(std::os::fd::OwnedFd::from(theirs));
            let begun = poll.submit(Token::new(slot, 0), Op::Receive { socket });
            assert!(begun.is_none());
            io::Write::write_all(&mut &ours, b"line").unwrap();
            peers.push(ours);
        }
        let mut ends = Vec::new();
        poll.poll(None, &mut ends).unwrap();
        assert_eq!(ends.len(), 1);
        assert!(poll.wait_fd().is_some());
        // It would not end if nothing was told.
        poll.watch.wait(None, &mut Vec::new()).unwrap();
        poll.poll(None, &mut ends).unwrap();
        assert_eq!(ends.len(), 2);
    }
}
