//! The raw sender: sends of a caller's own buffers, without an outbox, that lose no count.
//!
//! A send is one operation and owns its buffer. Cancelled, it is asked to end early and its end, which says
//! exactly how many bytes went, is awaited. Dropped, it is asked the same and nobody waits; the socket then
//! *drains*: the next send begins only when that one has ended, and its count is in
//! [`bytes_sent`](RawSender::bytes_sent) by then.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bibelot_reactor::{Buf, Fd};

use super::raw_side::RawSide;
use super::raw_waits::{RawSendOp, SettledOp};
use super::table::{Key, Message as TableMessage};
use super::{closed, wrong_kernel};
use crate::cancel::{Cancellation, Cancelled};
use crate::core::Core;
use crate::home::{self, KernelId};
use crate::remote::{self, Message};
use crate::trap::Trap;

/// A connected socket for sends without an outbox, one at a time.
///
/// It may go to any thread, and works on that of its kernel. When it is dropped the descriptor is closed,
/// as soon as no send is under way any more; a send that somebody still waits for goes on first. What was
/// sent arrives, within the kernel's linger time, as from a stream; but a descriptor that others hold too,
/// to receive for instance, is let go of as it is.
///
/// # Examples
///
/// After a send that was dropped, [`settled`](Self::settled) says from where to go on:
///
/// ```
/// use std::io;
///
/// use bibelot_kernel::io::RawSender;
///
/// async fn send_the_rest(sender: &RawSender, all: &[u8]) -> io::Result<()> {
///     let sent = sender.settled().await?? as usize;
///     sender.send_all(all[sent..].to_vec()).await?;
///     Ok(())
/// }
/// ```
pub struct RawSender {
    id: RawId,
}

/// Names a socket of some kernel.
#[derive(Clone, Copy)]
pub(super) struct RawId {
    pub(super) kernel: KernelId,
    pub(super) key: Key,
}

/// The future of [`RawSender::settled`].
pub type Settled = Trap<SettledOp>;

/// The future of [`RawSender::send`] and [`RawSender::send_all`].
///
/// # Cancellation
///
/// As [`RawSender::send`] says.
#[must_use = "futures do nothing until polled"]
pub struct RawSend {
    trap: Trap<RawSendOp>,
}

/// Why a raw send did not do all it was asked to; it gives the buffer back.
#[derive(Debug)]
pub struct RawSendError {
    error: io::Error,
    sent: usize,
    buf: Option<Buf>,
}

impl RawSender {
    /// Takes a connected socket over.
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    #[track_caller]
    #[must_use]
    pub fn new(fd: Fd) -> Self {
        home::expect("a raw sender", |core| {
            let key = core.io.borrow_mut().adopt_raw(fd);
            let kernel = core.id;
            Self {
                id: RawId { kernel, key },
            }
        })
    }

    /// The kernel it belongs to.
    #[must_use]
    pub fn kernel(&self) -> KernelId {
        self.id.kernel
    }

    /// Sends the data of `buf` by one operation, and says how many bytes the operating system took, which
    /// may be fewer. The buffer comes back without them.
    ///
    /// One system call at most, and no copy of the data.
    ///
    /// # Errors
    ///
    /// [`RawSendError`], with the buffer: the world's error, also that of an earlier send which was dropped
    /// and then failed; one that says [`Busy`](super::Busy) when another task sends or waits here; one that
    /// says [`WrongKernel`](super::WrongKernel) elsewhere; [`Cancelled`].
    ///
    /// # Cancellation
    ///
    /// The operation is asked for an early end, and the end is awaited. If any byte went, that is a
    /// success and the request stays due. Else it is [`Cancelled`], which says a
    /// [`progress`](Cancellation::progress) of 0. If there is no end within the kernel's drain limit, it is
    /// [`Cancelled`] with an [unknown outcome](Cancellation::outcome_unknown) and without the buffer, and
    /// the send goes on as one that was dropped.
    ///
    /// Dropped, the operation is asked for an early end too, and keeps its buffer until then. What it still
    /// sends counts in [`bytes_sent`](Self::bytes_sent) once it has ended. The next send waits for that; to
    /// know where to go on, wait for it with [`settled`](Self::settled). Dropped before its first poll, or
    /// while it waits for an earlier one, it sends nothing.
    #[track_caller]
    pub fn send(&self, buf: impl Into<Buf>) -> RawSend {
        let op = RawSendOp::new(self.id, buf.into(), false);
        RawSend {
            trap: Trap::new(op),
        }
    }

    /// The same, until all of `buf` is sent: as many operations as that takes, one after the other.
    ///
    /// # Errors
    ///
    /// As those of [`send`](Self::send); the buffer comes back without what was sent.
    ///
    /// # Cancellation
    ///
    /// As that of [`send`](Self::send), but some of the bytes are no success: it is [`Cancelled`], whose
    /// [`progress`](Cancellation::progress) says how many went.
    #[track_caller]
    pub fn send_all(&self, buf: impl Into<Buf>) -> RawSend {
        let op = RawSendOp::new(self.id, buf.into(), true);
        RawSend {
            trap: Trap::new(op),
        }
    }

    /// Waits until no send that was dropped is under way, and says how many bytes were ever sent.
    ///
    /// # Errors
    ///
    /// The outer one is [`Cancelled`], the inner one as those of [`send`](Self::send) that the world has no
    /// part in.
    ///
    /// # Cancellation
    ///
    /// Leaves at once. Dropped, too.
    #[track_caller]
    pub fn settled(&self) -> Settled {
        Trap::new(SettledOp::new(self.id))
    }

    /// How many bytes were ever taken by the operating system, whoever listened; a send counts when it has
    /// ended.
    ///
    /// # Errors
    ///
    /// On a thread of another kernel, or when its own has ended.
    pub fn bytes_sent(&self) -> io::Result<u64> {
        self.id.with(|raw| raw.sent())
    }

    /// Whether a send that was dropped is still under way.
    ///
    /// # Errors
    ///
    /// As those of [`bytes_sent`](Self::bytes_sent).
    pub fn is_draining(&self) -> io::Result<bool> {
        self.id.with(|raw| raw.has_orphan())
    }
}

impl RawId {
    pub(super) fn with<R>(self, look: impl FnOnce(&mut RawSide) -> R) -> io::Result<R> {
        let found = home::with_kernel(self.kernel, |core| {
            let mut io = core.io.borrow_mut();
            io.raw(self.key).map(look).ok_or_else(closed)
        });
        found.unwrap_or_else(|| Err(wrong_kernel()))
    }

    /// Whoever had the claim gives it up.
    pub(super) fn leave(self, claim: u32) {
        let Self { kernel, key } = self;
        let here = home::with_kernel(kernel, |core| core.leave_raw(key, claim));
        if here.is_none() {
            remote::send(kernel, Message::Io(TableMessage::LeaveRaw(key, claim)));
        }
    }
}

impl Core {
    pub(super) fn release_raw(self: &std::rc::Rc<Self>, key: Key) {
        self.with_io(|io, acts| {
            io.change_raw(key, acts, |raw, shared, acts| {
                raw.release(key, shared, acts)
            });
        });
    }

    pub(super) fn leave_raw(self: &std::rc::Rc<Self>, key: Key, claim: u32) {
        self.with_io(|io, acts| {
            io.change_raw(key, acts, |raw, _, acts| raw.leave(key, claim, acts));
        });
    }
}

impl Drop for RawSender {
    fn drop(&mut self) {
        let RawId { kernel, key } = self.id;
        let here = home::with_kernel(kernel, |core| core.release_raw(key));
        if here.is_none() {
            remote::send(kernel, Message::Io(TableMessage::ReleaseRaw(key)));
        }
    }
}

impl fmt::Debug for RawSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSender")
            .field("slot", &self.id.key.slot)
            .finish_non_exhaustive()
    }
}

impl Future for RawSend {
    type Output = Result<(usize, Buf), RawSendError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let trap = &mut self.get_mut().trap;
        let Poll::Ready(ended) = Pin::new(&mut *trap).poll(context) else {
            return Poll::Pending;
        };
        let (sent, buf) = trap.op_mut().take_rest();
        let error = match ended {
            Ok(Ok(())) => return Poll::Ready(Ok((sent, buf.unwrap_or_default()))),
            Ok(Err(error)) => error,
            Err(cancelled) => cancelled.with_progress(sent as u64).into(),
        };
        Poll::Ready(Err(RawSendError { error, sent, buf }))
    }
}

impl fmt::Debug for RawSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.trap, f)
    }
}

impl RawSendError {
    /// Why.
    #[must_use]
    pub fn error(&self) -> &io::Error {
        &self.error
    }

    /// How many bytes of the buffer went all the same; at least so many if the outcome is
    /// [unknown](Cancellation::outcome_unknown).
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// The buffer, without what was sent; `None` if the send did not end in time and still has it.
    #[must_use]
    pub fn into_buf(self) -> Option<Buf> {
        self.buf
    }
}

impl fmt::Display for RawSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl Error for RawSendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Cancelled> for RawSendError {
    /// For limits around bodies that did not hear; there is no buffer in it.
    fn from(cancelled: Cancelled) -> Self {
        Self {
            error: cancelled.into(),
            sent: 0,
            buf: None,
        }
    }
}

impl From<RawSendError> for io::Error {
    /// The error alone, of kind `TimedOut` if a limit has claimed it.
    fn from(error: RawSendError) -> Self {
        let error = error.error;
        if !Cancellation::find(&error).is_some_and(Cancellation::timed_out) {
            return error;
        }
        match error.downcast::<Cancelled>() {
            Ok(cancelled) => Self::new(io::ErrorKind::TimedOut, cancelled),
            Err(error) => error,
        }
    }
}
