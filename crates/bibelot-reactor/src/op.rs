//! The operations: the closed vocabulary of work that may take time.
//!
//! An operation owns everything the operating system may touch on its behalf, its descriptor and its
//! buffer, so submitting one is safe and forgetting whoever asked for it is sound. Most operations are
//! *calls*, which end once. Two are *flows*, accept and receive, which may complete many times.
//!
//! # Invariants
//!
//! - What an operation owned comes back in its last completion or is freed after it, never before.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{Buf, Fd, Program};

/// Work given to a reactor.
#[non_exhaustive]
#[derive(Debug)]
pub enum Op {
    /// Nothing; ends with [`Outcome::Done`](crate::Outcome::Done).
    Nop,
    /// *Flow.* Takes connections off a listener's backlog: each is an
    /// [`Outcome::Accepted`](crate::Outcome::Accepted). With `many` false it ends after the first.
    Accept {
        /// A listening socket.
        listener: Fd,
        /// Whether it may go on after the first connection.
        many: bool,
    },
    /// *Flow.* Takes bytes that arrive at a connected socket, in buffers that the reactor provides:
    /// each is an [`Outcome::Received`](crate::Outcome::Received), the last of a stream an
    /// [`Outcome::EndOfStream`](crate::Outcome::EndOfStream).
    Receive {
        /// A connected stream socket.
        socket: Fd,
    },
    /// Takes bytes that arrive at a connected socket into the spare room of `buf`, which comes back
    /// extended. Ends with [`Outcome::Count`](crate::Outcome::Count); 0 with room to spare is the end
    /// of the stream.
    ReceiveInto {
        /// A connected socket.
        socket: Fd,
        /// Where the bytes go.
        buf: Buf,
    },
    /// Sends the data of `buf` on a connected socket. Ends with the exact count of bytes that the
    /// operating system took, which may be short; the buffer comes back unconsumed.
    Send {
        /// A connected socket.
        socket: Fd,
        /// What to send.
        buf: Buf,
    },
    /// Connects a stream socket to `peer`.
    Connect {
        /// An unconnected socket of the peer's family.
        socket: Fd,
        /// Whom to call.
        peer: SocketAddr,
    },
    /// Closes a descriptor. If other holders of it live, it ends at once and the descriptor is closed
    /// when the last of them lets go.
    Close {
        /// What to close.
        fd: Fd,
    },
    /// Waits until a descriptor can be read from or written to, without doing either. Ends with
    /// [`Outcome::Done`](crate::Outcome::Done).
    Ready {
        /// What to watch.
        fd: Fd,
        /// For which direction.
        interest: Interest,
    },
    /// Reads from a file into the spare room of `buf`. Ends with the count.
    ReadAt {
        /// An open file.
        file: Fd,
        /// Where the bytes go.
        buf: Buf,
        /// Where in the file they come from.
        offset: u64,
    },
    /// Writes the data of `buf` to a file. Ends with the count, which may be short.
    WriteAt {
        /// An open file.
        file: Fd,
        /// What to write; comes back unconsumed.
        buf: Buf,
        /// Where in the file it goes.
        offset: u64,
    },
    /// Brings a file's content, and with `data_only` false its metadata too, to the disk.
    Sync {
        /// An open file.
        file: Fd,
        /// Whether the metadata may stay behind.
        data_only: bool,
    },
    /// Opens a file. Ends with [`Outcome::Opened`](crate::Outcome::Opened).
    Open {
        /// Which file.
        path: PathBuf,
        /// How.
        how: OpenHow,
    },
    /// Finds the addresses of a host by name. Ends with
    /// [`Outcome::Resolved`](crate::Outcome::Resolved).
    Resolve {
        /// A name or a numeric address.
        host: String,
        /// The port to put into each address.
        port: u16,
    },
    /// Runs a closure that may block, on a thread of the reactor's pool. Ends with
    /// [`Outcome::Finished`](crate::Outcome::Finished).
    Job(Job),
    /// Runs a closure that may block for as long as it likes, on a thread of its own, beside the pool
    /// and its limit. Ends with [`Outcome::Finished`](crate::Outcome::Finished).
    Thread(Job),
    /// Starts a child process. Ends with [`Outcome::Spawned`](crate::Outcome::Spawned).
    Spawn(Program),
}

/// Which way a descriptor is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// There is something to read, an end of file, or an error.
    Readable,
    /// There is room to write, or an error.
    Writable,
}

/// How a file is opened; the meanings are those of [`std::fs::OpenOptions`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the independent switches of open(2)"
)]
pub struct OpenHow {
    /// Open for reading.
    pub read: bool,
    /// Open for writing.
    pub write: bool,
    /// Write at the end, wherever that is by then.
    pub append: bool,
    /// Cut the file to nothing.
    pub truncate: bool,
    /// Make the file if it is not there.
    pub create: bool,
    /// Make the file, and fail if it is there.
    pub create_new: bool,
    /// The permission bits of a file that is made; 0 stands for 0o666.
    pub mode: u32,
}

/// A closure that may block, run on another thread.
pub struct Job(pub Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>);

impl Job {
    /// Wraps a closure; its value comes back as [`Outcome::Finished`](crate::Outcome::Finished).
    pub fn new<T: Any + Send>(body: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(Box::new(move || Box::new(body())))
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job(..)")
    }
}

/// What an operation does, without what it owns.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OpKind {
    /// [`Op::Nop`]
    Nop,
    /// [`Op::Accept`]
    Accept,
    /// [`Op::Receive`]
    Receive,
    /// [`Op::ReceiveInto`]
    ReceiveInto,
    /// [`Op::Send`]
    Send,
    /// [`Op::Connect`]
    Connect,
    /// [`Op::Close`]
    Close,
    /// [`Op::Ready`]
    Ready,
    /// [`Op::ReadAt`]
    ReadAt,
    /// [`Op::WriteAt`]
    WriteAt,
    /// [`Op::Sync`]
    Sync,
    /// [`Op::Open`]
    Open,
    /// [`Op::Resolve`]
    Resolve,
    /// [`Op::Job`]
    Job,
    /// [`Op::Thread`]
    Thread,
    /// [`Op::Spawn`]
    Spawn,
}

impl Op {
    /// What it does.
    #[must_use]
    pub fn kind(&self) -> OpKind {
        match self {
            Self::Nop => OpKind::Nop,
            Self::Accept { .. } => OpKind::Accept,
            Self::Receive { .. } => OpKind::Receive,
            Self::ReceiveInto { .. } => OpKind::ReceiveInto,
            Self::Send { .. } => OpKind::Send,
            Self::Connect { .. } => OpKind::Connect,
            Self::Close { .. } => OpKind::Close,
            Self::Ready { .. } => OpKind::Ready,
            Self::ReadAt { .. } => OpKind::ReadAt,
            Self::WriteAt { .. } => OpKind::WriteAt,
            Self::Sync { .. } => OpKind::Sync,
            Self::Open { .. } => OpKind::Open,
            Self::Resolve { .. } => OpKind::Resolve,
            Self::Job(_) => OpKind::Job,
            Self::Thread(_) => OpKind::Thread,
            Self::Spawn(_) => OpKind::Spawn,
        }
    }

    /// The descriptor it works on, if any.
    #[must_use]
    pub fn fd(&self) -> Option<&Fd> {
        match self {
            Self::Accept { listener: fd, .. }
            | Self::Receive { socket: fd }
            | Self::ReceiveInto { socket: fd, .. }
            | Self::Send { socket: fd, .. }
            | Self::Connect { socket: fd, .. }
            | Self::Close { fd }
            | Self::Ready { fd, .. }
            | Self::ReadAt { file: fd, .. }
            | Self::WriteAt { file: fd, .. }
            | Self::Sync { file: fd, .. } => Some(fd),
            Self::Nop
            | Self::Open { .. }
            | Self::Resolve { .. }
            | Self::Job(_)
            | Self::Thread(_)
            | Self::Spawn(_) => None,
        }
    }

    /// The buffer it owns, if any.
    #[must_use]
    pub fn buf(&self) -> Option<&Buf> {
        match self {
            Self::ReceiveInto { buf, .. }
            | Self::Send { buf, .. }
            | Self::ReadAt { buf, .. }
            | Self::WriteAt { buf, .. } => Some(buf),
            _ => None,
        }
    }

    /// Takes the buffer out, for handing it back when the operation cannot be begun.
    #[must_use]
    pub fn into_buf(self) -> Option<Buf> {
        match self {
            Self::ReceiveInto { buf, .. }
            | Self::Send { buf, .. }
            | Self::ReadAt { buf, .. }
            | Self::WriteAt { buf, .. } => Some(buf),
            _ => None,
        }
    }
}

impl OpKind {
    /// Whether it may complete more than once.
    #[must_use]
    pub fn is_flow(self) -> bool {
        matches!(self, Self::Accept | Self::Receive)
    }
}
