//! The link: what a child does with its end of the pair of sockets that it was started with.
//!
//! The end comes as the standard input, the one descriptor that a child inherits without any code
//! between fork and exec. It is moved away before anything else, so that whoever reads the standard input
//! finds it empty, and children of this child do not inherit the link.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, stdin};

use crate::raw::end_by_terminate_only;

/// Takes this process's end of the link that it was [started](bibelot_reactor::Program::has_link) with,
/// and leaves the standard input empty. From here on `SIGTERM` ends the process, and `SIGINT`, which a
/// terminal sends to all at once, is left to the parent.
///
/// # Errors
///
/// When the standard input is no link: the process was not started with one, or the link was taken. Then
/// nothing has changed.
pub fn take_link() -> io::Result<UnixStream> {
    let came = stdin();
    if FileType::from_raw_mode(fstat(came)?.st_mode) != FileType::Socket {
        let message = "the standard input is no link to a parent process";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    // Past the standard descriptors, which others may expect to be what they are.
    let link: OwnedFd = fcntl_dupfd_cloexec(came, 3)?;
    let nothing = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    dup2_stdin(&nothing)?;
    end_by_terminate_only();
    Ok(UnixStream::from(link))
}
