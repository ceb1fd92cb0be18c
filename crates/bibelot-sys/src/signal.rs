//! The signal: each delivery as a byte at a socket, which a reactor waits for like for any other.
//!
//! The handler does one thing, a send that never waits; a byte that finds the socket full is dropped, since
//! bytes are there already. When the socket's owner closes it, the handler is taken back.
//!
//! # Invariants
//!
//! - A handler's end of the socket is open as long as the handler may run.

#![allow(
    unsafe_code,
    reason = "a signal handler is code of a kind that the compiler cannot check"
)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bibelot_reactor::{Farewell, Fd};
use rustix::net::{SendFlags, send};
use signal_hook_registry::{SigId, register, unregister};

/// The handlers that are in place; each goes when its socket does.
static HANDLERS: Mutex<Vec<Arc<Handler>>> = Mutex::new(Vec::new());

/// One handler in place.
struct Handler(SigId);

/// Makes a socket at which a byte arrives after each delivery of the signal `number`.
///
/// # Errors
///
/// When the operating system has no such signal, or does not let it be handled.
pub(crate) fn watch_signal(number: i32) -> io::Result<Fd> {
    if signal_hook_registry::FORBIDDEN.contains(&number) {
        let message = format!("signal {number} cannot be handled");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let (arriving, leaving) = UnixStream::pair()?;
    arriving.set_nonblocking(true)?;
    leaving.set_nonblocking(true)?;
    let leaving = OwnedFd::from(leaving);
    let tell = move || {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let _full_or_told = send(&leaving, b"!", flags);
    };
    // SAFETY: `tell` makes one system call, neither allocates, locks nor panics, and the registry puts
    // `errno` back after it.
    let id = unsafe { register(number, tell) }?;
    let fd = Fd::from(OwnedFd::from(arriving));
    let handler = Arc::new(Handler(id));
    let weak = Arc::downgrade(&handler);
    let listener: Weak<dyn Farewell> = weak;
    fd.ask_farewell(listener);
    handlers(|handlers| handlers.push(handler));
    Ok(fd)
}

impl Farewell for Handler {
    fn farewell(&self, _arriving: BorrowedFd<'_>) {
        unregister(self.0);
        handlers(|handlers| handlers.retain(|handler| handler.0 != self.0));
    }
}

fn handlers(change: impl FnOnce(&mut Vec<Arc<Handler>>)) {
    // Nothing under the lock can leave the list half-changed, so a poisoned lock is a good one.
    change(&mut HANDLERS.lock().unwrap_or_else(PoisonError::into_inner));
}
