//! The connect: begun at once, finished by connecting again when the socket says so.
//!
//! A connect cannot be tried again like the others: it begins, and when the socket becomes writable its
//! end is asked for. Asking by a second `connect` is the way that lets the socket know it, too: one that
//! is connected refuses a third. A connect that a signal interrupts goes on by itself, so it counts as
//! begun.

use std::io;
use std::net::SocketAddr;

use bibelot_reactor::{Fd, Op, Outcome};
use rustix::io::Errno;
use rustix::net::connect;

use crate::attempt::Attempt;

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

/// Asks how a connect that has begun ended, and begins one that had to wait its turn.
#[must_use]
pub fn connect_again(socket: Fd, peer: SocketAddr) -> Attempt {
    let result = match socket.as_fd() {
        Ok(fd) => connect(fd, &peer),
        Err(error) => return Attempt::Ended(Err(error), None),
    };
    match result {
        Ok(()) => Attempt::Ended(Ok(Outcome::Done), None),
        Err(Errno::ALREADY | Errno::INPROGRESS | Errno::INTR) => {
            Attempt::WouldBlock(Op::Connect { socket, peer })
        }
        Err(error) => Attempt::Ended(Err(error.into()), None),
    }
}
