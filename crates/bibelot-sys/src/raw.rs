//! The system calls that have no safe form: closing with a result, what a socket has not delivered, a thread's
//! signal mask, and what a process does on signals.
//!
//! # Invariants
//!
//! - A descriptor is closed only by its owner, who gives it up in doing so.

#![allow(unsafe_code, reason = "no safe interface does what these calls do")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::ptr;

/// Closes a descriptor and says how that went. It is closed in any case; an interruption is not an
/// error, and trying again could close somebody else's.
pub(crate) fn close(fd: OwnedFd) -> io::Result<()> {
    let fd = fd.into_raw_fd();
    // SAFETY: `fd` was owned by the caller, who gave it up, so nobody else uses it.
    if unsafe { libc::close(fd) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        error => Err(error),
    }
}

/// How many bytes a socket has taken and not got acknowledged.
pub(crate) fn unacknowledged(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut count: libc::c_int = 0;
    // SAFETY: the descriptor is open, and this request writes one `int` to where it is told to.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    match result {
        0 => Ok(u64::try_from(count).unwrap_or(0)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Keeps signals sent to the process away from this thread, so that other threads handle them. Those
/// that a thread raises by its own faults stay, so that they are reported.
pub(crate) fn block_signals() {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set it is given.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    for fault in [
        libc::SIGABRT,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGSEGV,
        libc::SIGSYS,
        libc::SIGTRAP,
    ] {
        // SAFETY: the set was initialised above, and `fault` is a signal's number.
        unsafe { libc::sigdelset(set.as_mut_ptr(), fault) };
    }
    // SAFETY: the set is initialised; the old mask is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut()) };
}

/// Lets all signals reach this thread as long as it lives: what a child inherits should be that.
pub(crate) struct OpenToSignals {
    before: libc::sigset_t,
}

pub(crate) fn open_to_signals() -> OpenToSignals {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` initialises the set it is given.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the same holds for this set, which stays empty should the mask not be told.
    unsafe { libc::sigemptyset(before.as_mut_ptr()) };
    // SAFETY: the first set is initialised, and the second one is ours to write to.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), before.as_mut_ptr()) };
    // SAFETY: it was initialised above.
    let before = unsafe { before.assume_init() };
    OpenToSignals { before }
}

impl Drop for OpenToSignals {
    fn drop(&mut self) {
        // SAFETY: the set is initialised; the old mask is not asked for.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut())
        };
    }
}

/// Has this process end on `SIGTERM` and go on at `SIGINT`.
pub(crate) fn end_by_terminate_only() {
    // SAFETY: no handler is installed, only the system's own ways are chosen.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_DFL) };
    // SAFETY: as above.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
}
