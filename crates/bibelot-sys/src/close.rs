//! The close: a descriptor let go of, with a result.
//!
//! A descriptor that others hold stays open until the last of them lets go. One that nobody else holds
//! is closed here and now, unless it is a regular file: closing one may write to the disk or free an
//! unlinked file's blocks, so it is a worker's business. What was made as a socket is known to be none;
//! the operating system is asked about anything else.

use std::io;
use std::os::fd::OwnedFd;

use bibelot_reactor::{Fd, Op, Outcome};
use rustix::fs::{FileType, fstat};

use crate::attempt::Attempt;
use crate::raw;

/// Closes what does not block when it is closed.
pub(crate) fn close(fd: Fd) -> Attempt {
    if let Some(error) = virtual_error(&fd) {
        return Attempt::Ended(Err(error), None);
    }
    let is_socket = fd.is_socket();
    match fd.try_into_owned() {
        Ok(fd) if !is_socket && is_regular(&fd) => {
            Attempt::Blocking(Op::Close { fd: Fd::from(fd) })
        }
        Ok(fd) => Attempt::Ended(raw::close(fd).map(|()| Outcome::Done), None),
        Err(_shared) => Attempt::Ended(Ok(Outcome::Done), None),
    }
}

/// Closes whatever it is, however long it takes.
pub(crate) fn close_blocking(fd: Fd) -> io::Result<Outcome> {
    if let Some(error) = virtual_error(&fd) {
        return Err(error);
    }
    if let Ok(fd) = fd.try_into_owned() {
        raw::close(fd)?;
    }
    Ok(Outcome::Done)
}

fn virtual_error(fd: &Fd) -> Option<io::Error> {
    fd.as_fd().err()
}

fn is_regular(fd: &OwnedFd) -> bool {
    fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}
