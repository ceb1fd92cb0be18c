//! The signal: each delivery as a byte at a socket, which a reactor waits for like for any other.
//!
//! The handler does one thing, a send that never waits; a byte that finds the socket full is dropped, since
//! bytes are there already. When the socket's owner closes it, the handler is taken back.
//!
//! A *watcher* hears every delivery. A *stop* hears the first one that no watcher hears, and from then on
//! the next such delivery ends the process at once, whatever its threads do.
//!
//! # Invariants
//!
//! - A handler's end of the socket is open as long as the handler may run.
//! - `watchers` counts no watcher whose handler is not in place, so that no delivery is left to one who does not
//!   hear it; `armed` counts the stops that are in place and have not heard anything, so that no delivery is
//!   left to one who does not hear it yet.
//! - The last word of a signal is registered before its first stop, and so runs before all of them.

#![allow(
    unsafe_code,
    reason = "a signal handler is code of a kind that the compiler cannot check"
)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bibelot_reactor::{Farewell, Fd};
use rustix::net::{SendFlags, send};
use signal_hook_registry::{SigId, register, unregister};

/// Signals have numbers below this.
const SIGNALS: usize = 65;

static LINES: [Line; SIGNALS] = [const { Line::new() }; SIGNALS];
/// The handlers that are in place; each goes when its socket does.
static HANDLERS: Mutex<Vec<Arc<Handler>>> = Mutex::new(Vec::new());

/// Who hears a signal.
struct Line {
    watchers: AtomicUsize,
    /// Below zero for a moment, when a stop hears before it is counted.
    armed: AtomicIsize,
    /// What ends the process is in place, for good.
    last_word: Mutex<bool>,
}

/// One handler in place.
struct Handler {
    id: SigId,
    line: &'static Line,
    /// Whether a stop has heard; `None` for a watcher.
    heard: Option<Arc<AtomicBool>>,
}

/// Makes a socket at which a byte arrives after each delivery of the signal `number`.
///
/// # Errors
///
/// When the operating system has no such signal, or does not let it be handled.
pub(crate) fn watch_signal(number: i32) -> io::Result<Fd> {
    let line = line(number)?;
    let (arriving, leaving) = sockets()?;
    let tell = move || send_byte(&leaving);
    // SAFETY: `tell` makes one system call, neither allocates, locks nor panics, and the registry puts
    // `errno` back after it.
    let id = unsafe { register(number, tell) }?;
    line.watchers.fetch_add(1, Ordering::SeqCst);
    Ok(handled(id, line, None, arriving))
}

/// Makes a socket at which a byte arrives after the first delivery of the signal `number` that no watcher
/// hears. A delivery that neither a watcher nor a socket like this hears ends the process, with the status
/// that shells have for it, from now on and for good.
///
/// # Errors
///
/// When the operating system has no such signal, or does not let it be handled.
pub(crate) fn stop_signal(number: i32) -> io::Result<Fd> {
    let line = line(number)?;
    let (arriving, leaving) = sockets()?;
    line.place_last_word(number)?;
    let heard = Arc::new(AtomicBool::new(false));
    let hears = heard.clone();
    let tell = move || {
        if line.is_stops() && line.hears_first(&hears) {
            send_byte(&leaving);
        }
    };
    // SAFETY: `tell` makes one system call and looks at atomics, neither allocates, locks nor panics, and
    // the registry puts `errno` back after it.
    let id = unsafe { register(number, tell) }?;
    line.armed.fetch_add(1, Ordering::SeqCst);
    Ok(handled(id, line, Some(heard), arriving))
}

/// Whose signal it is.
fn line(number: i32) -> io::Result<&'static Line> {
    let line = usize::try_from(number)
        .ok()
        .and_then(|number| LINES.get(number));
    if signal_hook_registry::FORBIDDEN.contains(&number) || line.is_none() {
        let message = format!("signal {number} cannot be handled");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    line.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// The end where bytes arrive, and the handler's.
fn sockets() -> io::Result<(OwnedFd, OwnedFd)> {
    let (arriving, leaving) = UnixStream::pair()?;
    arriving.set_nonblocking(true)?;
    leaving.set_nonblocking(true)?;
    Ok((arriving.into(), leaving.into()))
}

fn send_byte(leaving: &OwnedFd) {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    let _full_or_told = send(leaving, b"!", flags);
}

/// The socket of a handler that is in place.
fn handled(
    id: SigId,
    line: &'static Line,
    heard: Option<Arc<AtomicBool>>,
    arriving: OwnedFd,
) -> Fd {
    let fd = Fd::from(arriving);
    let handler = Arc::new(Handler { id, line, heard });
    let weak = Arc::downgrade(&handler);
    let listener: Weak<dyn Farewell> = weak;
    fd.ask_farewell(listener);
    handlers(|handlers| handlers.push(handler));
    fd
}

impl Line {
    const fn new() -> Self {
        Self {
            watchers: AtomicUsize::new(0),
            armed: AtomicIsize::new(0),
            last_word: Mutex::new(false),
        }
    }

    /// Whether a delivery now is for the stops.
    fn is_stops(&self) -> bool {
        self.watchers.load(Ordering::SeqCst) == 0
    }

    /// Whether a delivery now is heard by nobody.
    fn is_nobodys(&self) -> bool {
        self.is_stops() && self.armed.load(Ordering::SeqCst) <= 0
    }

    /// Whether a stop hears now, for the first time.
    fn hears_first(&self, heard: &AtomicBool) -> bool {
        let is_first = !heard.swap(true, Ordering::SeqCst);
        if is_first {
            self.armed.fetch_sub(1, Ordering::SeqCst);
        }
        is_first
    }

    /// Has a delivery that nobody hears end the process.
    fn place_last_word(&'static self, number: i32) -> io::Result<()> {
        let mut is_placed = self
            .last_word
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *is_placed {
            return Ok(());
        }
        let say = move || {
            if self.is_nobodys() {
                // SAFETY: it ends the process, and may be called in a handler.
                unsafe { libc::_exit(128 + number) };
            }
        };
        // SAFETY: `say` looks at atomics and may end the process, neither allocates, locks nor panics.
        unsafe { register(number, say) }?;
        *is_placed = true;
        Ok(())
    }
}

impl Farewell for Handler {
    fn farewell(&self, _arriving: BorrowedFd<'_>) {
        // From here on whoever else there is hears.
        match &self.heard {
            Some(heard) => {
                self.line.hears_first(heard);
            }
            None => {
                self.line.watchers.fetch_sub(1, Ordering::SeqCst);
            }
        }
        unregister(self.id);
        handlers(|handlers| handlers.retain(|handler| handler.id != self.id));
    }
}

fn handlers(change: impl FnOnce(&mut Vec<Arc<Handler>>)) {
    // Nothing under the lock can leave the list half-changed, so a poisoned lock is a good one.
    change(&mut HANDLERS.lock().unwrap_or_else(PoisonError::into_inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a delivery does: the last word first, then each stop in place. Whether the process ends.
    fn deliver(line: &Line, stops: &[&AtomicBool], heard: &mut usize) -> bool {
        if line.is_nobodys() {
            return true;
        }
        for stop in stops {
            *heard += usize::from(line.is_stops() && line.hears_first(stop));
        }
        false
    }

    #[test]
    fn a_delivery_while_a_stop_is_put_in_place_is_not_swallowed() {
        let (line, stop, mut heard) = (Line::new(), AtomicBool::new(false), 0);
        // It has its handler and is not counted yet: nobody is known to hear, so the process ends.
        assert!(deliver(&line, &[&stop], &mut heard));
        line.armed.fetch_add(1, Ordering::SeqCst);
        assert!(!deliver(&line, &[&stop], &mut heard));
        assert_eq!(heard, 1);
        assert!(deliver(&line, &[&stop], &mut heard));
    }

    #[test]
    fn a_stop_that_hears_before_it_is_counted_is_not_counted_after() {
        let (line, mut heard) = (Line::new(), 0);
        let (first, second) = (AtomicBool::new(false), AtomicBool::new(false));
        line.armed.fetch_add(1, Ordering::SeqCst);
        // The second has its handler and is not counted; both hear.
        assert!(!deliver(&line, &[&first, &second], &mut heard));
        assert_eq!(heard, 2);
        line.armed.fetch_add(1, Ordering::SeqCst);
        assert!(line.is_nobodys());
    }
}
