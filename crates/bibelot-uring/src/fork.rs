//! The fork: a reactor knows that it has become a copy in another process.
//!
//! The queues of an io_uring are memory that a child shares with its parent, so a child that used its copy
//! would submit in its parent's name. A handler that runs in every forked child counts there; a reactor
//! compares the count with that of its birth, which is one load.

#![allow(unsafe_code, reason = "the handler is registered with the C library")]

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many forks lie between the first process and this one, since the handler was registered.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// A process, as far as forks tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(u64);

impl Process {
    /// This process, in which a reactor is made.
    pub(crate) fn current() -> Self {
        static REGISTERED: Once = Once::new();
        REGISTERED.call_once(|| {
            // SAFETY: the handler is a plain function that makes one atomic addition, which is allowed in
            // the child of a fork. It fails only for want of memory; a fork is then not noticed.
            unsafe { libc::pthread_atfork(None, None, Some(count_fork)) };
        });
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Whether this is still that process.
    pub(crate) fn is_here(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }
}

/// The error of using a reactor in a child of its process.
pub(crate) fn error() -> io::Error {
    io::Error::other("an io_uring cannot be used in a child of the process that made it")
}

extern "C" fn count_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
