//! Readiness: waiting until a descriptor can be read from or written to, without doing either.
//!
//! For descriptors that the kernel has no object for: those of other libraries, terminals, pipes.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_reactor::{Fd, Interest, Op};

use super::operation::{Operation, operate};

/// Waits until `fd` can be read from, or has failed.
///
/// It says nothing about how much there is, and somebody else may take it first: read without waiting,
/// and wait again.
///
/// Curio: `_read_wait(fileobj)`.
///
/// # Errors
///
/// The world's own; [`Cancelled`](crate::Cancelled) inside an [`io::Error`].
///
/// # Panics
///
/// When polled without a kernel on this thread.
///
/// # Cancellation
///
/// Nothing was read, so nothing is lost; dropped, too.
#[track_caller]
pub fn readable(fd: Fd) -> Ready {
    Ready(operate(Op::Ready {
        fd,
        interest: Interest::Readable,
    }))
}

/// Waits until `fd` can be written to, or has failed; see [`readable`].
///
/// Curio: `_write_wait(fileobj)`.
///
/// # Errors
///
/// As [`readable`].
#[track_caller]
pub fn writable(fd: Fd) -> Ready {
    Ready(operate(Op::Ready {
        fd,
        interest: Interest::Writable,
    }))
}

/// The future of [`readable`] and [`writable`].
#[must_use = "futures do nothing until polled"]
pub struct Ready(Operation);

impl Future for Ready {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (result, _) = ready!(Pin::new(&mut self.0).poll(context))?;
        Poll::Ready(result.map(drop))
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(self.0.op()).finish()
    }
}
