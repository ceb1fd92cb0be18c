//! The completions: what became of an operation.
//!
//! A call has one completion, its end. A flow has any number with `more` set and then one without,
//! its end. A flow may end at any time without an error ([`Outcome::Paused`], or a last item with
//! `more` clear): whoever still wants items submits it again.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::{Buf, Child, Fd, Token};

/// One thing that became of the operation named by `token`.
#[derive(Debug)]
pub struct Completion {
    /// The name under which the operation was submitted.
    pub token: Token,
    /// What happened.
    ///
    /// An operation that was cancelled in time and had no effect ends with the error that
    /// [`is_cancelled`](Self::is_cancelled) recognises; a flow so ends with [`Outcome::Paused`].
    pub result: io::Result<Outcome>,
    /// The buffer that the operation owned, also when it failed.
    pub buf: Option<Buf>,
    /// Whether completions of the same flow will follow. `false` ends the token.
    pub more: bool,
}

impl Completion {
    /// The end of the operation `token`.
    #[must_use]
    pub fn end(token: Token, result: io::Result<Outcome>, buf: Option<Buf>) -> Self {
        Self {
            token,
            result,
            buf,
            more: false,
        }
    }

    /// An item of the flow `token`, which goes on if `more`.
    #[must_use]
    pub fn item(token: Token, outcome: Outcome, more: bool) -> Self {
        Self {
            token,
            result: Ok(outcome),
            buf: None,
            more,
        }
    }

    /// The end of a call that was cancelled before it had any effect.
    #[must_use]
    pub fn cancelled(token: Token, buf: Option<Buf>) -> Self {
        Self::end(token, Err(cancelled()), buf)
    }

    /// Whether the operation ended because it was asked to, without effect.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(&self.result, Err(error) if error.raw_os_error() == Some(ECANCELED))
    }
}

/// The error of an operation that was cancelled before it had any effect (`ECANCELED`).
#[must_use]
pub fn cancelled() -> io::Error {
    io::Error::from_raw_os_error(ECANCELED)
}

/// The error of an operation that this reactor does not know.
#[must_use]
pub fn unsupported(what: impl fmt::Debug) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("operation {what:?} is not supported here"),
    )
}

/// `ECANCELED` of Linux, which is also what a simulated world answers with.
const ECANCELED: i32 = 125;

/// What a successful operation brought.
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Done,
    /// A flow ended without an error and without a last item: submit it again when items are wanted.
    Paused,
    /// A connection was taken off the backlog.
    Accepted {
        /// The connected socket.
        socket: Fd,
        /// The peer's address where the operating system gave it along.
        peer: Option<SocketAddr>,
    },
    /// Bytes arrived; never empty.
    Received(Buf),
    /// The peer has sent everything it will.
    EndOfStream,
    /// This many bytes were received, sent, read or written.
    Count(usize),
    /// A file was opened.
    Opened(Fd),
    /// A host has these addresses, in the resolver's order.
    Resolved(Vec<SocketAddr>),
    /// A job returned this value, or panicked with this payload.
    Finished(Result<Box<dyn Any + Send>, Box<dyn Any + Send>>),
    /// A child process was started.
    Spawned(Child),
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Paused => f.write_str("Paused"),
            Self::Accepted { socket, peer } => f
                .debug_struct("Accepted")
                .field("socket", socket)
                .field("peer", peer)
                .finish(),
            Self::Received(buf) => f.debug_tuple("Received").field(&buf.len()).finish(),
            Self::EndOfStream => f.write_str("EndOfStream"),
            Self::Count(count) => f.debug_tuple("Count").field(count).finish(),
            Self::Opened(fd) => f.debug_tuple("Opened").field(fd).finish(),
            Self::Resolved(found) => f.debug_tuple("Resolved").field(found).finish(),
            Self::Finished(Ok(_)) => f.write_str("Finished(Ok)"),
            Self::Finished(Err(_)) => f.write_str("Finished(panicked)"),
            Self::Spawned(child) => f.debug_tuple("Spawned").field(child).finish(),
        }
    }
}
