//! The handle: a name for an object, which may go to any thread.
//!
//! Used on a thread that does not serve its kernel, every call says so and does nothing; dropped there,
//! the handle is released by a message.

use std::fmt;
use std::io;

use bibelot_reactor::{Buf, Fd};

use super::read_side::{Arrival, Flow};
use super::table::{Key, Message as TableMessage};
use super::waits::{CloseOp, ReceiveOp, RoomOp};
use super::{Direction, closed, wrong_kernel};
use crate::home::{self, KernelId};
use crate::remote::{self, Message};
use crate::trap::Trap;

/// A handle to a listener or stream; clones share it.
///
/// When the last handle is dropped, what was written is sent, within the kernel's linger time, and then
/// the descriptor is closed, also when the kernel ends meanwhile.
pub struct Object {
    pub(super) id: Id,
}

/// Names an object of some kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) kernel: KernelId,
    pub(super) key: Key,
}

/// The future of [`Object::receive`].
pub type Receive = Trap<ReceiveOp>;
/// The future of [`Object::room`].
pub type Room = Trap<RoomOp>;
/// The future of [`Object::close`].
pub type Close = Trap<CloseOp>;

impl Object {
    /// Takes a listening socket over; at most `kept_max` connections wait in its inbox (at least 1).
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    #[track_caller]
    #[must_use]
    pub fn listener(fd: Fd, kept_max: usize) -> Self {
        Self::adopt(
            fd,
            Flow::Connections {
                kept_max: kept_max.max(1),
            },
        )
    }

    /// Takes a connected stream socket over.
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    #[track_caller]
    #[must_use]
    pub fn stream(fd: Fd) -> Self {
        Self::adopt(fd, Flow::Bytes)
    }

    #[track_caller]
    fn adopt(fd: Fd, flow: Flow) -> Self {
        home::expect("an object", |core| {
            let key = core.io.borrow_mut().adopt(fd, flow);
            Self {
                id: Id {
                    kernel: core.id,
                    key,
                },
            }
        })
    }

    /// Takes the descriptor out, for another kernel to take over, if this is the only handle, and nothing was
    /// ever written or has been waited for here: until then everything that arrives is with the operating
    /// system.
    ///
    /// # Errors
    ///
    /// The handle itself, where something might be lost, and on a thread of another kernel.
    pub fn try_take_out(self) -> Result<Fd, Self> {
        let key = self.id.key;
        let taken = home::with_kernel(self.id.kernel, |core| {
            // A clone that was made elsewhere may not have been counted yet.
            let is_counted = !core.is_admitting.get() && !core.remote.is_pending();
            is_counted
                .then(|| core.with_io(|io, acts| io.take_untouched(key, acts)))
                .flatten()
        });
        // Dropped, the handle of an object that was taken out finds none.
        taken.flatten().ok_or(self)
    }

    /// The kernel it belongs to.
    #[must_use]
    pub fn kernel(&self) -> KernelId {
        self.id.kernel
    }

    /// Its descriptor, while it is open.
    ///
    /// # Errors
    ///
    /// When it is closed, or on a thread of another kernel.
    pub fn fd(&self) -> io::Result<Fd> {
        self.id
            .with(|object| object.fd().cloned())
            .and_then(|fd| fd.ok_or_else(closed))
    }

    /// Takes the next thing that arrived, if one is there: `Ok(None)` is the end of the stream.
    ///
    /// It only looks at what has arrived here; it does not ask the world.
    pub fn try_receive(&self) -> Option<io::Result<Option<Arrival>>> {
        self.id.try_receive()
    }

    /// Waits for the next thing that arrives: `Ok(None)` is the end of the stream.
    ///
    /// # Errors
    ///
    /// The inner error is the world's, each told once; one that says [`Busy`](super::Busy) when another
    /// task waits here; one that says [`WrongKernel`](super::WrongKernel) elsewhere. The outer one is
    /// [`Cancelled`](crate::Cancelled).
    ///
    /// # Cancellation
    ///
    /// Leaves at once; what arrives stays here for the next caller. Dropped, too.
    #[track_caller]
    pub fn receive(&self) -> Receive {
        Trap::new(ReceiveOp::new(self.id))
    }

    /// Takes as many of `bytes` as there is room for, to be sent at the end of the turn, in order. How
    /// many that was; 0 when it is full. Of 8 KiB and more, what can is sent at once.
    ///
    /// # Errors
    ///
    /// That of a send that failed, told once; after it, or once closed, that it is over.
    pub fn push(&self, bytes: &[u8]) -> io::Result<usize> {
        let key = self.id.key;
        let pushed = home::with_kernel(self.id.kernel, |core| core.push_bytes(key, bytes));
        pushed.unwrap_or_else(|| Err(wrong_kernel()))
    }

    /// Takes all of `buf` as it lies, to be sent at the end of the turn, in order. It comes back, to be
    /// [pushed](Self::push), where there is no room for all of it, or a copy is cheaper.
    ///
    /// # Errors
    ///
    /// As those of [`push`](Self::push).
    pub fn put(&self, buf: Buf) -> io::Result<Option<Buf>> {
        let key = self.id.key;
        let put = home::with_kernel(self.id.kernel, |core| {
            core.with_io(|io, acts| {
                let (object, shared) = io.object_and_shared(key).ok_or_else(closed)?;
                object.put(key, buf, shared, acts)
            })
        });
        put.unwrap_or_else(|| Err(wrong_kernel()))
    }

    /// Takes all of `bytes`, or none and says `false` when there is no room for all of them.
    ///
    /// For bytes that are more than an outbox ever takes there never is; see [`marks`](Self::marks).
    ///
    /// # Errors
    ///
    /// As those of [`push`](Self::push).
    pub fn push_whole(&self, bytes: &[u8]) -> io::Result<bool> {
        let key = self.id.key;
        let pushed = home::with_kernel(self.id.kernel, |core| {
            core.with_io(|io, acts| {
                let (object, shared) = io.object_and_shared(key).ok_or_else(closed)?;
                object.push_whole(key, bytes, shared, acts)
            })
        });
        pushed.unwrap_or_else(|| Err(wrong_kernel()))
    }

    /// Sends what gathered now, instead of at the end of the turn.
    ///
    /// # Errors
    ///
    /// As those of [`push`](Self::push).
    pub fn flush_now(&self) -> io::Result<()> {
        let key = self.id.key;
        let flushed = home::with_kernel(self.id.kernel, |core| {
            core.with_io(|io, acts| {
                let object = io.object(key).ok_or_else(closed)?;
                object.send_next(key, acts);
                object.write.check()
            })
        });
        flushed.unwrap_or_else(|| Err(wrong_kernel()))
    }

    /// Takes nothing more from writers, and tells the peer when everything was sent, while the object stays
    /// open for what arrives. It may be asked on any thread, and again.
    pub fn finish(&self) {
        let Id { kernel, key } = self.id;
        let here = home::with_kernel(kernel, |core| core.finish_object(key));
        if here.is_none() {
            remote::send(kernel, Message::Io(TableMessage::FinishObject(key)));
        }
    }

    /// Waits until at most `len_max` bytes wait to be sent: 0 until everything has been sent.
    ///
    /// # Errors
    ///
    /// As those of [`push`](Self::push) and [`receive`](Self::receive).
    ///
    /// # Cancellation
    ///
    /// Leaves at once; what was taken is sent all the same.
    #[track_caller]
    pub fn room(&self, len_max: usize) -> Room {
        Trap::new(RoomOp::new(self.id, len_max))
    }

    /// How many bytes were taken from writers, and how many of them the world has taken.
    ///
    /// # Errors
    ///
    /// On a thread of another kernel.
    pub fn counts(&self) -> io::Result<(u64, u64)> {
        self.id.with(|object| object.write.counts())
    }

    /// How many bytes wait to be sent.
    ///
    /// # Errors
    ///
    /// On a thread of another kernel.
    pub fn unsent_len(&self) -> io::Result<usize> {
        self.id.with(|object| object.write.outbox.len())
    }

    /// The marks of the kernel: how many bytes an outbox takes, and down to where a writer that found
    /// it full should wait.
    ///
    /// # Errors
    ///
    /// On a thread of another kernel.
    pub fn marks(&self) -> io::Result<(usize, usize)> {
        let marks = home::with_kernel(self.id.kernel, |core| {
            (core.config.io.high_mark, core.config.io.low_mark)
        });
        marks.ok_or_else(wrong_kernel)
    }

    /// Sends what was written, then closes the descriptor, also under other handles, and says how that
    /// went.
    ///
    /// # Errors
    ///
    /// The inner error is that of a send that failed, or of the close.
    ///
    /// # Cancellation
    ///
    /// The close goes on; only the wait for it is left. Dropped before its first poll it does nothing.
    #[track_caller]
    pub fn close(self) -> Close {
        Trap::new(CloseOp::new(self))
    }
}

impl Id {
    pub(super) fn with<R>(
        self,
        look: impl FnOnce(&mut super::object::Object) -> R,
    ) -> io::Result<R> {
        let found = home::with_kernel(self.kernel, |core| {
            core.io
                .borrow_mut()
                .object(self.key)
                .map(look)
                .ok_or_else(closed)
        });
        found.unwrap_or_else(|| Err(wrong_kernel()))
    }

    pub(super) fn try_receive(self) -> Option<io::Result<Option<Arrival>>> {
        let taken = self.with(|object| match object.read.inbox.take() {
            None if !object.may_bring_more() => Some(Err(closed())),
            taken => taken,
        });
        taken.unwrap_or_else(|error| Some(Err(error)))
    }

    /// Whoever waited at one side has left.
    pub(super) fn leave(self, side: Direction, ticket: u32) {
        let here = home::with_kernel(self.kernel, |core| {
            core.leave_object(self.key, side, ticket);
        });
        if here.is_none() {
            let message = TableMessage::LeaveObject(self.key, side, ticket);
            remote::send(self.kernel, Message::Io(message));
        }
    }
}

impl Clone for Object {
    fn clone(&self) -> Self {
        let Id { kernel, key } = self.id;
        let here = home::with_kernel(kernel, |core| core.hold_object(key));
        if here.is_none() {
            remote::send(kernel, Message::Io(TableMessage::HoldObject(key)));
        }
        Self { id: self.id }
    }
}

impl PartialEq for Object {
    /// Whether they are handles to the same object.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Object {}

impl Drop for Object {
    fn drop(&mut self) {
        let Id { kernel, key } = self.id;
        let here = home::with_kernel(kernel, |core| {
            // A clone that was made elsewhere is counted when its message is admitted, which must be
            // before this handle is not counted any more.
            let is_first = !core.is_admitting.get() && !core.remote.is_pending();
            if is_first {
                core.release_object(key);
            }
            is_first
        });
        if here != Some(true) {
            remote::send(kernel, Message::Io(TableMessage::ReleaseObject(key)));
        }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("slot", &self.id.key.slot)
            .finish_non_exhaustive()
    }
}

impl crate::core::Core {
    pub(crate) fn hold_object(&self, key: Key) {
        if let Some(object) = self.io.borrow_mut().object(key) {
            object.handles += 1;
        }
    }

    pub(crate) fn release_object(self: &std::rc::Rc<Self>, key: Key) {
        self.with_io(|io, acts| {
            if let Some((object, shared)) = io.object_and_shared(key) {
                let ended = object.release(key, shared, acts);
                io.after(key, ended, acts);
            }
        });
    }

    pub(crate) fn finish_object(self: &std::rc::Rc<Self>, key: Key) {
        self.with_io(|io, acts| {
            if let Some(object) = io.object(key) {
                object.finish(key, acts);
            }
        });
    }

    pub(crate) fn leave_object(self: &std::rc::Rc<Self>, key: Key, side: Direction, ticket: u32) {
        let (waker, is_anybody_starved) = {
            let mut io = self.io.borrow_mut();
            let waker = io.object(key).and_then(|object| match side {
                Direction::Read => object.read.waiter.leave(ticket),
                Direction::Write => object.write.waiter.leave(ticket),
            });
            (waker, !io.shared.starved.is_empty())
        };
        drop(waker);
        if side == Direction::Write && is_anybody_starved {
            self.with_io(super::Table::wake_starved);
        }
    }

    /// Does what another thread asked of the table.
    pub(crate) fn io_message(self: &std::rc::Rc<Self>, message: TableMessage) {
        match message {
            TableMessage::AbandonOperation(key) => self.with_io(|io, acts| io.abandon(key, acts)),
            TableMessage::ReleaseObject(key) => self.release_object(key),
            TableMessage::HoldObject(key) => self.hold_object(key),
            TableMessage::FinishObject(key) => self.finish_object(key),
            TableMessage::LeaveObject(key, side, ticket) => self.leave_object(key, side, ticket),
            TableMessage::ReleaseRaw(key) => self.release_raw(key),
            TableMessage::LeaveRaw(key, claim) => self.leave_raw(key, claim),
        }
    }
}
