//! Writing: handing bytes to the outbox, and waiting for room in it.
//!
//! No future owns a send. What was taken is sent whatever becomes of the future; one that is cut says how
//! much that was.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::io::{Object, Room};
use bibelot_kernel::{Leave, Op, Park, Trap, Wait};
use bibelot_reactor::Buf;

/// After so many sends in one poll a write lets others run.
const ROUNDS_MAX: u32 = 32;

/// The future of `write`, and, over a buffer of its own, of `write_chunk`.
#[must_use = "futures do nothing until polled"]
pub struct Write<'a, B: Source = &'a [u8]> {
    trap: Trap<WriteOp<'a, B>>,
}

/// Where the bytes of a [`Write`] lie.
pub trait Source: Unpin {
    /// What is not handed over as it lies.
    #[doc(hidden)]
    fn bytes(&self) -> &[u8];

    /// Hands everything over as it lies, if that can be; how much that was.
    #[doc(hidden)]
    fn hand_over(&mut self, object: &Object) -> io::Result<Option<usize>>;
}

impl Source for &[u8] {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn hand_over(&mut self, _: &Object) -> io::Result<Option<usize>> {
        Ok(None)
    }
}

impl Source for Buf {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn hand_over(&mut self, object: &Object) -> io::Result<Option<usize>> {
        let len = self.len();
        let back = object.put(mem::take(self))?;
        let is_taken = back.is_none();
        *self = back.unwrap_or_default();
        Ok(is_taken.then_some(len))
    }
}

impl<'a, B: Source> Write<'a, B> {
    #[track_caller]
    pub(crate) fn new(object: &'a Object, bytes: B) -> Self {
        Self {
            trap: Trap::new(WriteOp {
                object,
                bytes,
                accepted: 0,
                room: None,
            }),
        }
    }

    /// How many bytes were taken so far. They are sent, whatever becomes of this future.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.trap.op().accepted
    }
}

impl<B: Source> Future for Write<'_, B> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = ready!(Pin::new(&mut self.trap).poll(context));
        Poll::Ready(written.unwrap_or_else(|cancelled| {
            let accepted = self.trap.op().accepted as u64;
            Err(cancelled.with_progress(accepted).into())
        }))
    }
}

impl<B: Source> fmt::Debug for Write<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = self.trap.op();
        f.debug_struct("Write")
            .field(
                "left",
                &(op.bytes.bytes().len().saturating_sub(op.accepted)),
            )
            .field("accepted", &op.accepted)
            .finish()
    }
}

/// Hands bytes to the outbox.
struct WriteOp<'a, B> {
    object: &'a Object,
    bytes: B,
    accepted: usize,
    /// Set while it waits for room.
    room: Option<Room>,
}

impl<B: Source> WriteOp<'_, B> {
    /// Hands over as much as there is room for.
    fn push(&mut self) -> Option<io::Result<()>> {
        self.try_push().transpose()
    }

    fn try_push(&mut self) -> io::Result<Option<()>> {
        if self.accepted == 0
            && let Some(count) = self.bytes.hand_over(self.object)?
        {
            self.accepted = count;
            return Ok(Some(()));
        }
        self.accepted += self.object.push(&self.bytes.bytes()[self.accepted..])?;
        Ok((self.accepted == self.bytes.bytes().len()).then_some(()))
    }
}

impl<B: Source> Op for WriteOp<'_, B> {
    type Out = io::Result<()>;

    fn take(&mut self) -> Option<io::Result<()>> {
        if let Some(room) = &mut self.room {
            let found = room.op_mut().take()?;
            self.room = None;
            if found.is_err() {
                return Some(found);
            }
        }
        self.push()
    }

    fn park(&mut self, waker: &Waker) -> Park<io::Result<()>> {
        for _ in 0..ROUNDS_MAX {
            let room = match &mut self.room {
                Some(room) => room,
                room => room.insert(room_below_low_mark(self.object)),
            };
            match room.op_mut().park(waker) {
                Park::Waits => return Park::Waits,
                Park::Ended(Ok(())) => self.room = None,
                Park::Ended(Err(error)) => return Park::Ended(Err(error)),
            }
            if let Some(written) = self.push() {
                return Park::Ended(written);
            }
        }
        waker.wake_by_ref();
        Park::Waits
    }

    fn leave(&mut self) -> Leave<io::Result<()>> {
        self.room = None;
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Write
    }
}

/// Hands all of `bytes` to the outbox, or none.
pub(crate) fn push(object: &Object, bytes: &[u8]) -> io::Result<()> {
    if object.push_whole(bytes)? {
        return Ok(());
    }
    let (high_mark, _) = object.marks()?;
    let len = bytes.len();
    Err(if len > high_mark {
        let message = format!("{len} bytes are never taken at once: at most {high_mark} are");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    } else {
        let message = format!("there is no room for {len} bytes");
        io::Error::new(io::ErrorKind::WouldBlock, message)
    })
}

#[track_caller]
fn room_below_low_mark(object: &Object) -> Room {
    // Away from its kernel the object has no marks, and waiting for room says so.
    let low_mark = object.marks().map_or(0, |(_, low)| low);
    object.room(low_mark)
}

/// The future of `drain`.
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct Drain(Room);

impl Drain {
    #[track_caller]
    pub(crate) fn new(object: &Object) -> Self {
        Self(room_below_low_mark(object))
    }
}

impl Future for Drain {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let drained = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(drained.unwrap_or_else(|cancelled| Err(cancelled.into())))
    }
}

/// The future of `flush`.
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct Flush(Room);

impl Flush {
    #[track_caller]
    pub(crate) fn new(object: &Object) -> Self {
        Self(object.room(0))
    }
}

impl Future for Flush {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(flushed.unwrap_or_else(|cancelled| Err(cancelled.into())))
    }
}
