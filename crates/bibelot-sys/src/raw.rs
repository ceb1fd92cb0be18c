//! The system calls that have no safe form: closing with a result, and a thread's signal mask.
//!
//! # Invariants
//!
//! - A descriptor is closed only by its owner, who gives it up in doing so.

#![allow(
    unsafe_code,
    reason = "no safe interface reports a close's result or sets a signal mask"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{IntoRawFd, OwnedFd};
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
