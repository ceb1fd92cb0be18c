//! The calls that never wait: what touches the world but has its answer at once.
//!
//! Making, naming and configuring sockets takes no time, so it needs no token and no completion; yet
//! it touches the world, so it goes through the reactor like everything else.

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::OwnedFd;
use std::process::ExitStatus;

use crate::Fd;

/// A request that is answered at once.
#[non_exhaustive]
#[derive(Debug)]
pub enum Call {
    /// Makes a socket that listens at `address`. Answers [`Reply::Fd`].
    Listen {
        /// Where; port 0 lets the operating system choose.
        address: SocketAddr,
        /// How.
        how: ListenHow,
    },
    /// Makes an unconnected stream socket of the family of `peer`. Answers [`Reply::Fd`].
    Socket {
        /// Whom it will be connected to.
        peer: SocketAddr,
    },
    /// Takes over a socket of the operating system, which is made non-blocking. Answers
    /// [`Reply::Fd`].
    Adopt {
        /// The socket.
        socket: OwnedFd,
    },
    /// The address a socket is bound to. Answers [`Reply::Address`].
    LocalAddress {
        /// The socket.
        socket: Fd,
    },
    /// The address a socket is connected to. Answers [`Reply::Address`].
    PeerAddress {
        /// The socket.
        socket: Fd,
    },
    /// Ends one or both directions of a connection. Answers [`Reply::Done`].
    Shutdown {
        /// The socket.
        socket: Fd,
        /// Which directions.
        how: Shutdown,
    },
    /// Sends small pieces at once (`TCP_NODELAY`) or gathers them. Answers [`Reply::Done`].
    NoDelay {
        /// The socket.
        socket: Fd,
        /// Whether small pieces go at once.
        on: bool,
    },
    /// Whether small pieces go at once on a socket. Answers [`Reply::Flag`].
    IsNoDelay {
        /// The socket.
        socket: Fd,
    },
    /// Makes a stream socket at which a byte arrives after each delivery of a signal to this process;
    /// deliveries that nobody reads in time are merged. The signal no longer does what it did by default,
    /// also after the socket is closed. Answers [`Reply::Fd`].
    Signal {
        /// Which signal, by the system's number.
        number: i32,
    },
    /// Takes the status of a child process, if it has ended; taken again it is the same. Answers
    /// [`Reply::Status`].
    ChildStatus {
        /// The child's [descriptor](crate::Child::process).
        process: Fd,
    },
    /// Sends a signal to a child process; one that has ended does not hear it. Answers [`Reply::Done`].
    SignalChild {
        /// The child's [descriptor](crate::Child::process).
        process: Fd,
        /// Which signal, by the system's number.
        number: i32,
    },
    /// How many processors this process may use, at least 1. Answers [`Reply::Count`].
    Cores,
    /// Makes a stream socket at which a byte arrives after the first delivery of a signal that no socket of
    /// [`Signal`](Self::Signal) hears. Once this was called, a delivery that no socket of either kind hears,
    /// so the second one, or one after the socket was closed, ends the process at once, with 128 and the
    /// signal's number as status. Answers [`Reply::Fd`].
    StopSignal {
        /// Which signal, by the system's number.
        number: i32,
    },
    /// What a connection still has to deliver, and whether something lies in it that nobody has read: what
    /// would be lost by closing it now. Answers [`Reply::Pending`].
    Pending {
        /// The socket.
        socket: Fd,
    },
    /// The kernel thread begins (`true`) or ends (`false`) to wait in this reactor: a reactor that
    /// waits in the operating system sharpens the thread's timer slack meanwhile and restores it
    /// after. Nested begins are counted. Answers [`Reply::Done`].
    Attend {
        /// Begin or end.
        begin: bool,
    },
    /// What the reactor has done so far. Answers [`Reply::Counters`].
    Counters,
}

/// How a listener is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenHow {
    /// How many connections may wait to be accepted.
    pub backlog: u32,
    /// Whether an address in `TIME_WAIT` may be taken (`SO_REUSEADDR`).
    pub reuse_address: bool,
    /// Whether several listeners may share the address (`SO_REUSEPORT`).
    pub reuse_port: bool,
}

impl Default for ListenHow {
    /// A backlog of 1024, `SO_REUSEADDR` on, `SO_REUSEPORT` off.
    fn default() -> Self {
        Self {
            backlog: 1024,
            reuse_address: true,
            reuse_port: false,
        }
    }
}

/// The answer to a [`Call`].
#[non_exhaustive]
#[derive(Debug)]
pub enum Reply {
    /// It is done.
    Done,
    /// A descriptor was made.
    Fd(Fd),
    /// An address.
    Address(SocketAddr),
    /// Yes or no.
    Flag(bool),
    /// How many.
    Count(usize),
    /// How a child process ended; `None` while it runs.
    Status(Option<ExitStatus>),
    /// What a connection still has to deliver.
    Pending(Pending),
    /// What the reactor has done so far.
    Counters(Counters),
}

/// What would be lost by closing a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// How many bytes were sent that the other side's operating system has not acknowledged; the end of
    /// what is sent counts as one. 0 where a close takes nothing back that was sent, which is everywhere but
    /// on TCP.
    pub undelivered: u64,
    /// Whether bytes have arrived that nobody has received. Closing a connection that has some resets it.
    pub unread: bool,
}

impl Pending {
    /// Whether nothing would be lost.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// What a reactor has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// System calls made on the kernel's thread.
    pub system_calls: u64,
    /// Operations submitted.
    pub operations: u64,
    /// Completions given out.
    pub completions: u64,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} system calls, {} operations, {} completions",
            self.system_calls, self.operations, self.completions
        )
    }
}

impl Reply {
    /// The descriptor.
    ///
    /// # Errors
    ///
    /// If the reactor answered with something else, which breaks its contract.
    pub fn into_fd(self) -> io::Result<Fd> {
        match self {
            Self::Fd(fd) => Ok(fd),
            other => Err(unfit(&other)),
        }
    }

    /// The status.
    ///
    /// # Errors
    ///
    /// If the reactor answered with something else, which breaks its contract.
    pub fn into_status(self) -> io::Result<Option<ExitStatus>> {
        match self {
            Self::Status(status) => Ok(status),
            other => Err(unfit(&other)),
        }
    }

    /// The address.
    ///
    /// # Errors
    ///
    /// If the reactor answered with something else, which breaks its contract.
    pub fn into_address(self) -> io::Result<SocketAddr> {
        match self {
            Self::Address(address) => Ok(address),
            other => Err(unfit(&other)),
        }
    }
}

fn unfit(reply: &Reply) -> io::Error {
    io::Error::other(format!(
        "the reactor answered {reply:?} to a call that asks for something else"
    ))
}
