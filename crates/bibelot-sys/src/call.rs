//! The calls: sockets made, named and configured, each answered at once.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::num::NonZero;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::thread;

use bibelot_reactor::{Call, Fd, ListenHow, Pending, Reply, unsupported};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd, ioctl_fionbio, ioctl_fionread};
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketFlags, SocketType, bind, getpeername, getsockname, ipproto,
    listen, shutdown, socket_with, sockopt,
};

use crate::child;
use crate::raw;
use crate::signal::{stop_signal, watch_signal};

/// Does what is answered at once.
///
/// # Errors
///
/// The operating system's own. [`Call::Attend`] and [`Call::Counters`] are a reactor's business and
/// end as [`Unsupported`](io::ErrorKind::Unsupported) here, like unknown calls and descriptors of a
/// simulated world.
pub fn call(call: Call) -> io::Result<Reply> {
    match call {
        Call::Listen { address, how } => listener(address, how).map(socket_reply),
        Call::Socket { peer } => stream_socket(peer).map(socket_reply),
        Call::Adopt { socket } => adopt(&socket).map(|()| Reply::Fd(Fd::from(socket))),
        Call::LocalAddress { socket } => address(getsockname(socket.as_fd()?)?),
        Call::PeerAddress { socket } => match getpeername(socket.as_fd()?)? {
            Some(peer) => address(peer),
            None => Err(no_address()),
        },
        Call::Shutdown { socket, how } => {
            shutdown(socket.as_fd()?, directions(how))?;
            Ok(Reply::Done)
        }
        Call::NoDelay { socket, on } => {
            sockopt::set_tcp_nodelay(socket.as_fd()?, on)?;
            Ok(Reply::Done)
        }
        Call::IsNoDelay { socket } => Ok(Reply::Flag(sockopt::tcp_nodelay(socket.as_fd()?)?)),
        Call::ChildStatus { process } => child::status(&process).map(Reply::Status),
        Call::SignalChild { process, number } => {
            child::signal(&process, number).map(|()| Reply::Done)
        }
        Call::Cores => Ok(Reply::Count(
            thread::available_parallelism().map_or(1, NonZero::get),
        )),
        Call::Pending { socket } => pending(&socket).map(Reply::Pending),
        Call::Signal { number } => watch_signal(number).map(Reply::Fd),
        Call::StopSignal { number } => stop_signal(number).map(Reply::Fd),
        other => Err(unsupported(other)),
    }
}

/// How many system calls a call usually takes, for whoever counts them.
#[must_use]
pub fn calls_of(call: &Call) -> u64 {
    match call {
        Call::Pending { .. } => 2,
        _ => 1,
    }
}

/// What closing a socket would lose. Only TCP takes back what was sent.
fn pending(socket: &Fd) -> io::Result<Pending> {
    let socket = socket.as_fd()?;
    let unread = ioctl_fionread(socket)? > 0;
    let undelivered = match raw::unacknowledged(socket)? {
        0 => 0,
        count if is_tcp(socket) => count,
        _ => 0,
    };
    Ok(Pending {
        undelivered,
        unread,
    })
}

/// Whether a socket is of TCP, multipath or not.
fn is_tcp(socket: BorrowedFd<'_>) -> bool {
    let protocol = sockopt::socket_protocol(socket);
    matches!(protocol, Ok(Some(ipproto::TCP | ipproto::MPTCP)))
}

fn socket_reply(socket: OwnedFd) -> Reply {
    Reply::Fd(Fd::from_socket(socket))
}

/// Makes a non-blocking stream socket of the family of `address`.
fn stream_socket(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(family, SocketType::STREAM, flags, None)?)
}

fn listener(address: SocketAddr, how: ListenHow) -> io::Result<OwnedFd> {
    let socket = stream_socket(address)?;
    if how.reuse_address {
        sockopt::set_socket_reuseaddr(&socket, true)?;
    }
    if how.reuse_port {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    bind(&socket, &address)?;
    listen(&socket, i32::try_from(how.backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

fn adopt(socket: &OwnedFd) -> io::Result<()> {
    fcntl_setfd(socket, fcntl_getfd(socket)? | FdFlags::CLOEXEC)?;
    ioctl_fionbio(socket, true)?;
    Ok(())
}

fn address(address: SocketAddrAny) -> io::Result<Reply> {
    SocketAddr::try_from(address)
        .map(Reply::Address)
        .map_err(|_| no_address())
}

fn no_address() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "the socket has no address of the internet families",
    )
}

fn directions(how: Shutdown) -> rustix::net::Shutdown {
    match how {
        Shutdown::Read => rustix::net::Shutdown::Read,
        Shutdown::Write => rustix::net::Shutdown::Write,
        Shutdown::Both => rustix::net::Shutdown::Both,
    }
}
