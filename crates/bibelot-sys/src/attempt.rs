//! The attempt: an operation tried without ever blocking.
//!
//! One system call, retried after a signal. What cannot be had now goes back to the caller whole, to
//! be attempted again when its descriptor is ready; what blocks by its nature (files, names, jobs) goes
//! back untried, for a worker thread.
//!
//! # Invariants
//!
//! - An operation that comes back has had no effect, except that a connect has begun.
//! - An operation that ended gives its buffer back, also after an error.

use std::io;
use std::net::{IpAddr, SocketAddr};

use bibelot_reactor::{Buf, Fd, Interest, Op, Outcome, unsupported};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SendFlags, SocketFlags, acceptfrom_with, recv, send};

use crate::close::close;
use crate::connect::{Begun, begin_connect};

/// How much [`attempt`] makes room for in a receive that brings no buffer.
const RECEIVE_LEN: usize = 16 * 1024;

/// What became of an attempt.
#[derive(Debug)]
pub enum Attempt {
    /// It ended like this; the buffer is the one that the operation owned.
    Ended(io::Result<Outcome>, Option<Buf>),
    /// It would have to wait: attempt it again when its descriptor is ready for its [`interest`]. A
    /// connect has begun and is not attempted again but finished, with
    /// [`connect_again`](crate::connect_again).
    WouldBlock(Op),
    /// It may block by its nature: a thread must [`perform`](crate::perform) it.
    Blocking(Op),
}

/// Tries `op` without ever blocking.
///
/// A flow is tried for one item. A receive that provides no buffer gets a new one of 16 KiB.
#[must_use]
pub fn attempt(op: Op) -> Attempt {
    attempt_with(op, &mut || Buf::with_capacity(RECEIVE_LEN))
}

/// Tries `op` without ever blocking; `provide` makes the buffer for an [`Op::Receive`].
///
/// # Panics
///
/// If the buffer that `provide` makes has no spare room.
#[must_use]
pub fn attempt_with(op: Op, provide: &mut impl FnMut() -> Buf) -> Attempt {
    match op {
        Op::Nop => Attempt::Ended(Ok(Outcome::Done), None),
        Op::Accept { listener, many } => match accept(&listener) {
            Err(error) if would_block(&error) => Attempt::WouldBlock(Op::Accept { listener, many }),
            result => Attempt::Ended(result, None),
        },
        Op::Receive { socket } => match receive(&socket, provide()) {
            Err(error) if would_block(&error) => Attempt::WouldBlock(Op::Receive { socket }),
            result => Attempt::Ended(result, None),
        },
        Op::ReceiveInto { socket, mut buf } => match receive_into(&socket, &mut buf) {
            Err(error) if would_block(&error) => {
                Attempt::WouldBlock(Op::ReceiveInto { socket, buf })
            }
            result => Attempt::Ended(result.map(Outcome::Count), Some(buf)),
        },
        Op::Send { socket, buf } => match send_from(&socket, &buf) {
            Err(error) if would_block(&error) => Attempt::WouldBlock(Op::Send { socket, buf }),
            result => Attempt::Ended(result.map(Outcome::Count), Some(buf)),
        },
        Op::Connect { socket, peer } => match begin_connect(&socket, peer) {
            Ok(Begun::Connected) => Attempt::Ended(Ok(Outcome::Done), None),
            Ok(Begun::InProgress) => Attempt::WouldBlock(Op::Connect { socket, peer }),
            Err(error) => Attempt::Ended(Err(error), None),
        },
        Op::Close { fd } => close(fd),
        Op::Ready { fd, interest } => match is_ready(&fd, interest) {
            Ok(false) => Attempt::WouldBlock(Op::Ready { fd, interest }),
            Ok(true) => Attempt::Ended(Ok(Outcome::Done), None),
            Err(error) => Attempt::Ended(Err(error), None),
        },
        Op::Resolve { host, port } => match host.parse::<IpAddr>() {
            Ok(ip) => {
                let found = vec![SocketAddr::new(ip, port)];
                Attempt::Ended(Ok(Outcome::Resolved(found)), None)
            }
            Err(_) => Attempt::Blocking(Op::Resolve { host, port }),
        },
        Op::ReadAt { .. }
        | Op::WriteAt { .. }
        | Op::Sync { .. }
        | Op::Open { .. }
        | Op::Job(_)
        | Op::Thread(_)
        | Op::Spawn(_) => Attempt::Blocking(op),
        other => Attempt::Ended(Err(unsupported(other.kind())), other.into_buf()),
    }
}

/// Sends as much of `bytes` as the operating system takes at once.
///
/// # Errors
///
/// Its own; [`WouldBlock`](io::ErrorKind::WouldBlock) if it takes nothing now.
pub fn send_now(socket: &Fd, bytes: &[u8]) -> io::Result<usize> {
    send_from(socket, bytes)
}

/// What an operation that would block waits for; `None` for one that no descriptor can wake.
#[must_use]
pub fn interest(op: &Op) -> Option<Interest> {
    match op {
        Op::Accept { .. } | Op::Receive { .. } | Op::ReceiveInto { .. } => Some(Interest::Readable),
        Op::Send { .. } | Op::Connect { .. } => Some(Interest::Writable),
        Op::Ready { interest, .. } => Some(*interest),
        _ => None,
    }
}

/// Takes one connection off the backlog.
fn accept(listener: &Fd) -> io::Result<Outcome> {
    let listener = listener.as_fd()?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    loop {
        match acceptfrom_with(listener, flags) {
            Ok((socket, peer)) => {
                let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
                let socket = Fd::from_socket(socket);
                return Ok(Outcome::Accepted { socket, peer });
            }
            // Each of these took one broken connection off the backlog; the next one may be whole.
            Err(
                Errno::INTR
                | Errno::CONNABORTED
                | Errno::PROTO
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::NOPROTOOPT
                | Errno::NONET,
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes bytes that have arrived into a buffer of the reactor's.
fn receive(socket: &Fd, mut buf: Buf) -> io::Result<Outcome> {
    assert!(buf.spare_len() > 0, "a receive needs a buffer with room");
    match receive_into(socket, &mut buf)? {
        0 => Ok(Outcome::EndOfStream),
        _ => Ok(Outcome::Received(buf)),
    }
}

/// Takes bytes that have arrived into the spare room of `buf`; none are asked for if there is no room.
fn receive_into(socket: &Fd, buf: &mut Buf) -> io::Result<usize> {
    let socket = socket.as_fd()?;
    if buf.spare_len() == 0 {
        return Ok(0);
    }
    let flags = RecvFlags::DONTWAIT;
    let (count, _) = retry_on_intr(|| recv(socket, &mut *buf.spare_mut(), flags))?;
    buf.extend(count);
    Ok(count)
}

/// Gives the operating system as much of `data` as it takes.
fn send_from(socket: &Fd, data: &[u8]) -> io::Result<usize> {
    let socket = socket.as_fd()?;
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    Ok(retry_on_intr(|| send(socket, data, flags))?)
}

/// Whether a descriptor is ready in that direction, has failed, or never makes anybody wait.
fn is_ready(fd: &Fd, interest: Interest) -> io::Result<bool> {
    let flags = match interest {
        Interest::Readable => PollFlags::IN | PollFlags::PRI | PollFlags::RDHUP,
        Interest::Writable => PollFlags::OUT,
    };
    let fd = fd.as_fd()?;
    let mut watched = [PollFd::new(&fd, flags)];
    let at_once = Timespec::default();
    let count = retry_on_intr(|| poll(&mut watched, Some(&at_once)))?;
    Ok(count > 0)
}

fn would_block(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::AGAIN.raw_os_error())
}
