//! The program: what is started as a child process, and what comes of it.
//!
//! A child is known by a descriptor. It can be read from when the child has ended, which
//! [`Op::Ready`](crate::Op::Ready) waits for; then [`Call::ChildStatus`](crate::Call::ChildStatus) takes
//! its status. So waiting for a child costs no thread, and a number that somebody else got meanwhile is
//! never mistaken for it.
//!
//! # Invariants
//!
//! - No child outlives its descriptor: one whose status was not taken when the last holder lets go is
//!   killed, and its status is taken by whoever started it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Fd;

/// A program to be started as a child process.
///
/// It inherits the environment, the working folder, and the standard output and error. Its standard
/// input is one end of a [link](Self::has_link), or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// Its own name, the zeroth of its arguments; the path without it.
    pub name: Option<OsString>,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables that it has besides those of this process.
    pub variables: Vec<(OsString, OsString)>,
    /// Whether its standard input is one end of a pair of connected stream sockets; the other end is
    /// [`Child::link`].
    pub has_link: bool,
}

/// A child process.
#[derive(Debug)]
pub struct Child {
    /// The descriptor by which it is known.
    pub process: Fd,
    /// The number by which the system knows it, until its status is taken.
    pub id: u32,
    /// This side's end of the link, if there is one.
    pub link: Option<Fd>,
}
