//! The law: a reactor that watches another one keep its promises.
//!
//! [`Lawful`] passes everything on and keeps books: which token is in use, what each operation lent,
//! which send took bytes before which. What breaks a promise of [`Reactor`] panics at once, naming the
//! promise and the token. It is for tests, of the reactors here as well as of anybody's own.
//!
//! Two promises are about time. That a call does not block, and that an unpark is not lost, is judged by
//! the wall clock with a margin, the *patience*, that no machine needs however busy it is.
//!
//! # Invariants
//!
//! - What is reported as broken is broken: where the outside cannot tell, nothing is reported.
//! - The watched reactor gets every call unchanged, except that long waits may be cut.

mod books;
mod broken;
mod order;
mod outcome;

use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use crate::{Call, Completion, Fd, Op, Reactor, Reply, Token};
use books::Books;
use broken::{Promise, broken, misused};

/// How long a call may take, and an unpark to be noticed, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(2);

/// A reactor that panics when the one it wraps breaks a promise.
///
/// Put it around a reactor of your own and run any program on it; dropping it checks the last promise.
///
/// ```should_panic
/// use bibelot_reactor::{Call, Completion, Lawful, Op, Outcome, Reactor, Reply, Token, unsupported};
/// use std::{io, task::Waker, time::Duration};
///
/// /// Ends every operation, and every cancelled one once more.
/// #[derive(Default)]
/// struct Hasty(Vec<Completion>);
///
/// impl Reactor for Hasty {
///     fn name(&self) -> &'static str {
///         "hasty"
///     }
///     fn submit(&mut self, token: Token, op: Op) -> Option<Completion> {
///         let result = Ok(Outcome::Done);
///         self.0.push(Completion::end(token, result, op.into_buf()));
///         None
///     }
///     fn cancel(&mut self, token: Token) {
///         self.0.push(Completion::cancelled(token, None));
///     }
///     fn call(&mut self, call: Call) -> io::Result<Reply> {
///         Err(unsupported(call))
///     }
///     fn poll(&mut self, _: Option<Duration>, ends: &mut Vec<Completion>) -> io::Result<()> {
///         ends.append(&mut self.0);
///         Ok(())
///     }
///     fn unparker(&self) -> Waker {
///         Waker::noop().clone()
///     }
/// }
///
/// let mut reactor = Lawful::new(Hasty::default());
/// reactor.submit(Token::new(0, 0), Op::Nop);
/// reactor.cancel(Token::new(0, 0));
/// // Panics: reactor "hasty" broke promise 1 (each token ends once): Token(0.0) is not in use, ..
/// reactor.poll(Some(Duration::ZERO), &mut Vec::new())?;
/// # io::Result::Ok(())
/// ```
pub struct Lawful<R: Reactor> {
    /// `None` only while it is dropped.
    reactor: Option<R>,
    name: &'static str,
    books: Books,
    bell: Arc<Bell>,
    patience: Duration,
    slice: Option<Duration>,
}

/// The unparker of a watched reactor, which remembers when it was used.
#[derive(Debug)]
struct Bell {
    unparker: Waker,
    /// When the first wake came that no poll has answered yet.
    rung: Mutex<Option<Instant>>,
}

impl<R: Reactor> Lawful<R> {
    /// Watches `reactor`.
    #[must_use]
    pub fn new(reactor: R) -> Self {
        let bell = Bell {
            unparker: reactor.unparker(),
            rung: Mutex::default(),
        };
        Self {
            name: reactor.name(),
            reactor: Some(reactor),
            books: Books::default(),
            bell: Arc::new(bell),
            patience: PATIENCE,
            slice: None,
        }
    }

    /// Sets how long `submit`, `cancel` and `call` may take, and an unpark to be noticed; 2 s unless
    /// this is called.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Cuts waits into pieces of `slice`, so that a wake that gets lost *during* a wait without limit
    /// is found out instead of waited for. Not for virtual worlds, whose time a piece would move.
    #[must_use]
    pub fn slices(mut self, slice: Duration) -> Self {
        self.slice = Some(slice);
        self
    }

    /// How many tokens have been submitted and have not ended.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.books.in_flight()
    }

    /// The watched reactor.
    #[must_use]
    pub fn inner(&self) -> &R {
        self.reactor.as_ref().expect("it is there until the drop")
    }

    fn reactor(&mut self) -> &mut R {
        self.reactor.as_mut().expect("it is there until the drop")
    }

    /// Runs what must not block.
    fn at_once<T>(&mut self, what: fmt::Arguments<'_>, body: impl FnOnce(&mut R) -> T) -> T {
        let begin = Instant::now();
        let value = body(self.reactor());
        let took = begin.elapsed();
        if took > self.patience {
            broken(
                self.name,
                Promise::NothingBlocks,
                format_args!("{what} took {took:?}"),
            );
        }
        value
    }

    /// Submits in one of the two ways.
    fn submit_by(
        &mut self,
        token: Token,
        op: Op,
        submit: fn(&mut R, Token, Op) -> Option<Completion>,
    ) -> Option<Completion> {
        if token.slot() >= Token::RESERVED {
            misused(self.name, format_args!("{token:?} is a reserved one"));
        }
        let kind = op.kind();
        self.books.open(self.name, token, &op);
        let end = self.at_once(format_args!("submit of {token:?} {kind:?}"), |reactor| {
            submit(reactor, token, op)
        });
        match &end {
            Some(completion) if completion.token != token => broken(
                self.name,
                Promise::EndsOnce,
                format_args!(
                    "submit of {token:?} {kind:?} answered with {:?}",
                    completion.token
                ),
            ),
            Some(completion) => self.books.settle(self.name, completion),
            None => self.books.check_held(self.name, token),
        }
        end
    }

    /// Polls once and says how long that took.
    fn poll_once(
        &mut self,
        timeout: Option<Duration>,
        ends: &mut Vec<Completion>,
    ) -> io::Result<Duration> {
        let begin = Instant::now();
        self.reactor().poll(timeout, ends)?;
        let took = begin.elapsed();
        if let Some(timeout) = timeout
            && took > timeout.saturating_add(self.patience)
        {
            broken(
                self.name,
                Promise::NothingBlocks,
                format_args!("a poll that was given {timeout:?} took {took:?}"),
            );
        }
        Ok(took)
    }

    /// A poll that a wake has preceded: it must return without waiting.
    fn poll_told(
        &mut self,
        timeout: Option<Duration>,
        ends: &mut Vec<Completion>,
    ) -> io::Result<()> {
        let patience = self.patience;
        let limit = timeout.map_or(patience, |timeout| timeout.min(patience));
        let before = ends.len();
        let took = self.poll_once(Some(limit), ends)?;
        if ends.len() == before && took >= patience {
            broken(
                self.name,
                Promise::UnparkKept,
                format_args!("a poll after a wake waited {took:?}"),
            );
        }
        Ok(())
    }

    /// A poll that may wait, in pieces if that was asked for.
    fn poll_waiting(
        &mut self,
        timeout: Option<Duration>,
        ends: &mut Vec<Completion>,
    ) -> io::Result<()> {
        let Some(slice) = self.slice else {
            return self.poll_once(timeout, ends).map(drop);
        };
        let before = ends.len();
        let mut left = timeout;
        loop {
            let piece = left.map_or(slice, |left| left.min(slice));
            let took = self.poll_once(Some(piece), ends)?;
            left = left.map(|left| left.saturating_sub(piece));
            let time_is_up = left == Some(Duration::ZERO);
            if ends.len() > before || took < piece || time_is_up {
                return Ok(());
            }
            let Some(since) = self.bell.since() else {
                continue;
            };
            if since >= self.patience {
                broken(
                    self.name,
                    Promise::UnparkKept,
                    format_args!("a wake {since:?} ago has not ended the poll under way"),
                );
            }
            return Ok(());
        }
    }
}

impl<R: Reactor> Reactor for Lawful<R> {
    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn submit(&mut self, token: Token, op: Op) -> Option<Completion> {
        self.submit_by(token, op, R::submit)
    }

    fn submit_quietly(&mut self, token: Token, op: Op) -> Option<Completion> {
        self.submit_by(token, op, R::submit_quietly)
    }

    fn cancel(&mut self, token: Token) {
        self.books.cancel(token);
        self.at_once(format_args!("cancel of {token:?}"), |reactor| {
            reactor.cancel(token);
        });
    }

    fn send_now(&mut self, socket: &Fd, bytes: &[u8]) -> io::Result<usize> {
        let count = self.at_once(format_args!("send_now"), |reactor| {
            reactor.send_now(socket, bytes)
        })?;
        assert!(count <= bytes.len(), "more was sent than there is");
        Ok(count)
    }

    fn call(&mut self, call: Call) -> io::Result<Reply> {
        let expected = outcome::expected_reply(&call);
        let what = format!("{call:?}");
        let reply = self.at_once(format_args!("{what}"), |reactor| reactor.call(call))?;
        if !expected(&reply) {
            broken(
                self.name,
                Promise::NothingLost,
                format_args!("{what} was answered with {reply:?}"),
            );
        }
        Ok(reply)
    }

    fn poll(&mut self, timeout: Option<Duration>, ends: &mut Vec<Completion>) -> io::Result<()> {
        let before = ends.len();
        let polled = if self.bell.since().is_some() {
            self.poll_told(timeout, ends)
        } else {
            self.poll_waiting(timeout, ends)
        };
        self.bell.answer();
        self.books.check_released(self.name);
        for completion in &ends[before..] {
            self.books.settle(self.name, completion);
        }
        polled
    }

    fn unparker(&self) -> Waker {
        Waker::from(self.bell.clone())
    }

    fn is_still(&mut self) -> bool {
        self.reactor.as_mut().is_some_and(Reactor::is_still)
    }

    fn wait_fd(&mut self) -> Option<RawFd> {
        self.reactor.as_mut()?.wait_fd()
    }
}

impl<R: Reactor> Drop for Lawful<R> {
    fn drop(&mut self) {
        self.reactor = None;
        self.bell.unparker.wake_by_ref();
        if !std::thread::panicking() {
            self.books.check_dropped(self.name);
        }
    }
}

impl<R: Reactor> fmt::Debug for Lawful<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lawful")
            .field("reactor", &self.name)
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

impl Bell {
    /// How long ago the first unanswered wake came.
    fn since(&self) -> Option<Duration> {
        let rung = *self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        rung.map(|at| at.elapsed())
    }

    /// A poll has returned, which answers every wake before.
    fn answer(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Noted before it is passed on, so that a poll that it ends takes the note away.
        self.rung
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(Instant::now);
        self.unparker.wake_by_ref();
    }
}
