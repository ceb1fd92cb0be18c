//! The child: one worker process, seen from here.
//!
//! Everything about it is polled, so that whoever looks after it can wait for several things at once and
//! lose nothing of any.
//!
//! # Invariants
//!
//! - A child is let go of when its status was taken, or by the drop that kills it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::process::ExitStatus;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bibelot_kernel::io::{Arrival, Object, Operation, Ready, Receive, call, operate, readable};
use bibelot_kernel::{AsCancelled, Cancelled, ignore_after, shield};
use bibelot_reactor::{Buf, Call, Child as Started, Fd, Op, Outcome, Program, Reply};

use super::error::ProcessError;
use super::frame::{Frame, Frames, Says};
use super::limits::ProcessLimits;

/// How long the system may take to end a process that was killed.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// How long what an ended process said may take to arrive, and its end of the link to be found closed:
/// a process that it has made may hold that open.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

/// What a process may say in one piece beside values, which it limits itself: a panic with its backtrace.
const SAID_MAX: usize = 1024 * 1024;

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

/// A worker process.
pub(super) struct Child {
    process: Fd,
    link: Object,
    limits: ProcessLimits,
    frames: Frames,
    receive: Receive,
    /// `None` when it is to be made anew.
    exit: Option<Ready>,
    /// What it has not been sent yet.
    sending: Option<Operation>,
}

/// Something that a child did.
#[derive(Debug)]
pub(super) enum Event {
    Said(Frame),
    /// It broke the rules, or said too much.
    Failed(ProcessError),
    /// Nothing more will come from it: it has closed its end, or has ended.
    Gone,
}

/// How a child is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is told that there is nothing more to do, and asked to stop if it does not end by that.
    LetGo,
    /// It is asked to stop, and killed if it does not.
    Stop,
}

impl Child {
    /// Starts a worker. It says hello when it has come up.
    pub(super) async fn start(
        program: Program,
        limits: ProcessLimits,
    ) -> Result<Self, ProcessError> {
        let (ended, _) = operate(Op::Spawn(program)).await?;
        let started = match ended {
            Ok(Outcome::Spawned(child)) => child,
            Ok(other) => {
                let message = format!("the reactor started {other:?}");
                return Err(ProcessError::NotStarted(io::Error::other(message)));
            }
            Err(error) => return Err(ProcessError::NotStarted(error)),
        };
        let Started { process, link, .. } = started;
        let link = link.ok_or_else(|| {
            ProcessError::NotStarted(io::Error::other("the process came without a link"))
        })?;
        let link = Object::stream(link);
        Ok(Self {
            exit: None,
            receive: link.receive(),
            sending: None,
            frames: Frames::default(),
            process,
            link,
            limits,
        })
    }

    /// Waits until it says that it takes calls. If it does not, it is ended.
    pub(super) async fn greet(mut self) -> Result<Self, ProcessError> {
        let limit = self.limits.start;
        let event = poll_fn(|context| self.poll_event(context));
        let error = match ignore_after(limit, event).await {
            Ok(Some(Event::Said(frame))) if frame.says == Says::Hello => return Ok(self),
            Ok(Some(Event::Said(_))) => ProcessError::Broken("it does not begin with hello"),
            Ok(Some(Event::Failed(error))) => error,
            Ok(Some(Event::Gone)) => {
                return Err(match self.end(Ending::Stop).await {
                    Ok(status) => ProcessError::NotEntered(status),
                    Err(error) => ProcessError::Lost(error),
                });
            }
            Ok(None) => ProcessError::Silent(limit),
            Err(told) => ProcessError::Cancelled(told),
        };
        let _however = self.end(Ending::Stop).await;
        Err(error)
    }

    /// Begins to send a frame, which goes straight from its own memory: what a process that is ended has
    /// not read is no loss to be told of.
    pub(super) fn send(&mut self, frame: Vec<u8>) {
        self.send_from(Buf::from(frame));
    }

    fn send_from(&mut self, buf: Buf) {
        self.sending = match self.link.fd() {
            Ok(socket) if !buf.is_empty() => Some(operate(Op::Send { socket, buf })),
            // What is wrong is found by the look for what it says.
            _ => None,
        };
    }

    /// Whether it is not known that it was sent everything.
    pub(super) fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// Ready when nothing is being sent, or nothing can be sent any more.
    pub(super) fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cancelled>> {
        while let Some(sending) = &mut self.sending {
            let sent = ready!(Pin::new(sending).poll(context));
            self.sending = None;
            if let (Ok(Outcome::Count(count)), Some(mut buf)) = sent? {
                buf.consume(count);
                self.send_from(buf);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The next thing that it does.
    pub(super) fn poll_event(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Event, Cancelled>> {
        if let Poll::Ready(said) = self.poll_frame(context) {
            return Poll::Ready(said);
        }
        ready!(self.poll_exit(context))?;
        // It may have said something last, and that has arrived by now.
        match self.poll_frame(context) {
            Poll::Ready(said) => Poll::Ready(said),
            Poll::Pending => Poll::Ready(Ok(Event::Gone)),
        }
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, Cancelled>> {
        let max = self.limits.frame_max.max(SAID_MAX);
        loop {
            match self.frames.next(max) {
                Ok(Some(frame)) => return Poll::Ready(Ok(Event::Said(frame))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Ok(Event::Failed(error))),
            }
            let arrived = ready!(Pin::new(&mut self.receive).poll(context));
            self.receive = self.link.receive();
            match arrived? {
                Ok(Some(Arrival::Bytes(buf))) => self.frames.put(&buf),
                Ok(_) | Err(_) => return Poll::Ready(Ok(Event::Gone)),
            }
        }
    }

    /// Whether it has ended; its status is still to be taken.
    fn poll_exit(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cancelled>> {
        let process = &self.process;
        let exit = self.exit.get_or_insert_with(|| readable(process.clone()));
        let ended = ready!(Pin::new(exit).poll(context));
        self.exit = None;
        match ended {
            Err(error) if error.is_cancelled() => Poll::Ready(Err(told(error))),
            // One that cannot be watched is as good as gone; it is killed in any case.
            Ok(()) | Err(_) => Poll::Ready(Ok(())),
        }
    }

    /// Ends it, within bounded time, and gives its status. What asks the task to stop does not disturb
    /// this.
    pub(super) async fn end(&mut self, how: Ending) -> io::Result<ExitStatus> {
        shield(self.end_undisturbed(how)).await
    }

    async fn end_undisturbed(&mut self, how: Ending) -> io::Result<ExitStatus> {
        // A watch that was asked to stop is over, and so is a send.
        self.exit = None;
        self.sending = None;
        let grace = self.limits.grace;
        if how == Ending::LetGo {
            self.link.finish();
            if let Some(status) = self.ends_within(grace).await? {
                return Ok(status);
            }
        }
        for (number, limit) in [(SIGTERM, grace), (SIGKILL, KILLED_WITHIN)] {
            let process = self.process.clone();
            call(Call::SignalChild { process, number })?;
            if let Some(status) = self.ends_within(limit).await? {
                return Ok(status);
            }
        }
        // The system has not ended it yet. It is left to the drop of its descriptor.
        Err(io::ErrorKind::TimedOut.into())
    }

    async fn ends_within(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        match ignore_after(limit, readable(self.process.clone())).await? {
            Some(()) => {
                let process = self.process.clone();
                call(Call::ChildStatus { process }).and_then(Reply::into_status)
            }
            None => Ok(None),
        }
    }

    /// What it said before it ended, which has arrived or comes at once.
    pub(super) async fn last_words(&mut self) -> Vec<Event> {
        let mut words = Vec::new();
        let limit = LAST_WORDS_WITHIN;
        let said = poll_fn(|context| {
            loop {
                match ready!(self.poll_frame(context)) {
                    Ok(Event::Gone) => return Poll::Ready(Ok(())),
                    Ok(event @ Event::Failed(_)) => {
                        words.push(event);
                        return Poll::Ready(Ok(()));
                    }
                    Ok(event) => words.push(event),
                    Err(told) => return Poll::Ready(Err::<(), Cancelled>(told)),
                }
            }
        });
        let _gone_or_late = shield(ignore_after(limit, said)).await;
        words
    }
}

/// The cancellation inside an error that is one.
fn told(error: io::Error) -> Cancelled {
    match crate::Error::from(error) {
        crate::Error::Cancelled(told) => told,
        other => unreachable!("it was seen to be a cancellation: {other}"),
    }
}
