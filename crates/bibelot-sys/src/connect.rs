//! The connect: begun at once, finished when the socket says so.
//!
//! A connect cannot be tried again like the others: it begins, and when the socket becomes writable its
//! end is asked for. A connect that a signal interrupts goes on by itself, so it counts as begun.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use bibelot_reactor::Fd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{connect, getpeername, sockopt};

/// How far a connect got at once.
pub(crate) enum Begun {
    Connected,
    InProgress,
}

/// Begins to connect.
pub(crate) fn begin_connect(socket: &Fd, peer: SocketAddr) -> io::Result<Begun> {
    match connect(socket.as_fd()?, &peer) {
        Ok(()) => Ok(Begun::Connected),
        Err(Errno::INPROGRESS | Errno::INTR) => Ok(Begun::InProgress),
        Err(error) => Err(error.into()),
    }
}

/// Asks how a connect that has begun ended.
///
/// # Errors
///
/// The error with which it failed; one of kind [`WouldBlock`](io::ErrorKind::WouldBlock) while it is
/// still under way.
pub fn finish_connect(socket: &Fd) -> io::Result<()> {
    let socket = socket.as_fd()?;
    sockopt::socket_error(socket)??;
    match getpeername(socket) {
        Ok(_) => Ok(()),
        Err(Errno::NOTCONN) if has_hung_up(socket)? => {
            // It failed after the first look at its error.
            sockopt::socket_error(socket)??;
            Err(Errno::NOTCONN.into())
        }
        Err(Errno::NOTCONN) => Err(Errno::AGAIN.into()),
        Err(error) => Err(error.into()),
    }
}

fn has_hung_up(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut watched = [PollFd::new(&socket, PollFlags::OUT)];
    let at_once = Timespec::default();
    retry_on_intr(|| poll(&mut watched, Some(&at_once)))?;
    Ok(watched[0]
        .revents()
        .intersects(PollFlags::HUP | PollFlags::ERR))
}
