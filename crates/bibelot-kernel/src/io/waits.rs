//! The traps that wait at an object: for what arrives, for room, for the end.

use std::fmt;
use std::io;
use std::task::Waker;

use super::act::{Act, Trash};
use super::handle::{Id, Object};
use super::object::{Ended, Object as Arrivals};
use super::read_side::Arrival;
use super::{Direction, busy, closed, wrong_kernel};
use crate::home;
use crate::record::Wait;
use crate::trap::{Leave, Op, Park};

/// A waker on its way into the table; one that is not taken is dropped by whoever made it.
struct Own(Option<Waker>);

impl Own {
    fn take(&mut self) -> Waker {
        self.0.take().expect("a wait takes its waker once")
    }
}

/// Takes what has arrived at an object, or learns that nothing will.
fn arrived(object: &mut Arrivals) -> Option<io::Result<Option<Arrival>>> {
    match object.read.inbox.take() {
        None if !object.may_bring_more() => Some(Err(closed())),
        taken => taken,
    }
}

/// Waits for the next thing that arrives.
pub struct ReceiveOp {
    id: Id,
    ticket: Option<u32>,
    reason: Wait,
}

impl ReceiveOp {
    pub(super) fn new(id: Id) -> Self {
        Self {
            id,
            ticket: None,
            reason: Wait::Read,
        }
    }

    fn leave_ticket(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.id.leave(Direction::Read, ticket);
        }
    }
}

impl Op for ReceiveOp {
    type Out = io::Result<Option<Arrival>>;

    fn take(&mut self) -> Option<Self::Out> {
        let ticket = self.ticket;
        let looked = self.id.with(|object| {
            // Whoever came first has the first claim.
            if ticket.is_none() && object.read.waiter.is_taken() {
                return (Some(Err(busy(Direction::Read))), None);
            }
            let taken = arrived(object);
            let waker = match ticket {
                Some(ticket) if taken.is_some() => object.read.waiter.leave(ticket),
                _ => None,
            };
            (taken, waker)
        });
        let (taken, waker) = match looked {
            Ok(looked) => looked,
            // Elsewhere the place is given up by a message, when this is dropped.
            Err(error) => return Some(Err(error)),
        };
        drop(waker);
        if taken.is_some() {
            self.ticket = None;
        }
        taken
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        let Id { kernel, key } = self.id;
        let ticket = self.ticket;
        // Cloned, and dropped if nobody takes it, outside the borrow: both may be code of users.
        let mut own = Own(Some(waker.clone()));
        let mut was_armed = false;
        let parked = home::with_kernel(kernel, |core| {
            core.with_io(|io, acts| {
                let object = io.object(key).ok_or_else(closed)?;
                self.reason = object.read.wait_reason();
                was_armed = object.read.is_armed() && !object.read.inbox.is_ready();
                object.wait_read(key, ticket, own.take(), acts)
            })
        });
        match parked.unwrap_or_else(|| Err(wrong_kernel())) {
            Ok(ticket) => self.ticket = Some(ticket),
            Err(error) => return Park::Ended(Err(error)),
        }
        // Nothing was begun that could have brought something at once.
        if was_armed {
            return Park::Waits;
        }
        match self.id.try_receive() {
            Some(taken) => {
                self.leave_ticket();
                Park::Ended(taken)
            }
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.leave_ticket();
        Leave::Left
    }

    fn wait(&self) -> Wait {
        self.reason
    }
}

impl Drop for ReceiveOp {
    fn drop(&mut self) {
        self.leave_ticket();
    }
}

impl fmt::Debug for ReceiveOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receive")
            .field("slot", &self.id.key.slot)
            .finish_non_exhaustive()
    }
}

/// Waits for room in an outbox.
pub struct RoomOp {
    id: Id,
    len_max: usize,
    ticket: Option<u32>,
}

impl RoomOp {
    pub(super) fn new(id: Id, len_max: usize) -> Self {
        Self {
            id,
            len_max,
            ticket: None,
        }
    }

    fn leave_ticket(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.id.leave(Direction::Write, ticket);
        }
    }

    fn look(&mut self) -> Option<io::Result<()>> {
        let Id { kernel, key } = self.id;
        let len_max = self.len_max;
        let found = home::with_kernel(kernel, |core| {
            let mut io = core.io.borrow_mut();
            let Some((object, shared)) = io.object_and_shared(key) else {
                return Some(Err(closed()));
            };
            object
                .write
                .has_room(len_max, shared)
                .then(|| object.write.check())
        });
        found.unwrap_or_else(|| Some(Err(wrong_kernel())))
    }
}

impl Op for RoomOp {
    type Out = io::Result<()>;

    fn take(&mut self) -> Option<Self::Out> {
        let found = self.look()?;
        self.leave_ticket();
        Some(found)
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        let Id { kernel, key } = self.id;
        let (len_max, ticket) = (self.len_max, self.ticket);
        let mut own = Own(Some(waker.clone()));
        let parked = home::with_kernel(kernel, |core| {
            core.with_io(|io, acts| {
                let (object, shared) = io.object_and_shared(key).ok_or_else(closed)?;
                let (ticket, old) = object.write.waiter.wait(ticket, own.take());
                acts.extend(old.map(|old| Act::Drop(Trash::Waker(old))));
                let ticket = ticket.ok_or_else(|| busy(Direction::Write))?;
                object.write.wanted_len = len_max;
                if object.write.outbox.len() <= len_max {
                    object.write.starve(key, shared);
                    acts.push(Act::WantEnds);
                }
                object.write.want_end(acts);
                object.send_next(key, acts);
                Ok(ticket)
            })
        });
        match parked.unwrap_or_else(|| Err(wrong_kernel())) {
            Ok(ticket) => self.ticket = Some(ticket),
            Err(error) => return Park::Ended(Err(error)),
        }
        // The send may have ended on the spot.
        match self.take() {
            Some(found) => Park::Ended(found),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.leave_ticket();
        Leave::Left
    }

    fn wait(&self) -> Wait {
        if self.len_max == 0 {
            Wait::Drain
        } else {
            Wait::Write
        }
    }
}

impl Drop for RoomOp {
    fn drop(&mut self) {
        self.leave_ticket();
    }
}

impl fmt::Debug for RoomOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("len_max", &self.len_max)
            .finish_non_exhaustive()
    }
}

/// Waits for an object to be closed.
pub struct CloseOp {
    handle: Object,
    ticket: Option<u32>,
    has_begun: bool,
}

impl CloseOp {
    pub(super) fn new(handle: Object) -> Self {
        Self {
            handle,
            ticket: None,
            has_begun: false,
        }
    }

    fn leave_ticket(&mut self) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let left = self.handle.id.with(|object| object.leave_close(ticket));
        drop(left);
    }
}

impl Op for CloseOp {
    type Out = io::Result<()>;

    fn take(&mut self) -> Option<Self::Out> {
        let Id { kernel, key } = self.handle.id;
        let closed = home::with_kernel(kernel, |core| {
            core.with_io(|io, acts| {
                let Some((object, shared)) = io.object_and_shared(key) else {
                    return Some(Ok(()));
                };
                if !self.has_begun {
                    self.has_begun = true;
                    let ended = object.begin_end(key, shared, acts);
                    debug_assert!(ended == Ended::Stays, "a handle still holds the object");
                }
                object.take_closed()
            })
        });
        closed.unwrap_or_else(|| Some(Err(wrong_kernel())))
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        let Id { kernel, key } = self.handle.id;
        let ticket = self.ticket;
        let mut own = Own(Some(waker.clone()));
        let parked = home::with_kernel(kernel, |core| {
            core.with_io(|io, acts| {
                let object = io.object(key).ok_or_else(closed)?;
                Ok(object.wait_closed(ticket, own.take(), acts))
            })
        });
        match parked.unwrap_or_else(|| Err(wrong_kernel())) {
            Ok(ticket) => self.ticket = Some(ticket),
            Err(error) => return Park::Ended(Err(error)),
        }
        match self.take() {
            Some(closed) => Park::Ended(closed),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.leave_ticket();
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Close
    }
}

impl Drop for CloseOp {
    fn drop(&mut self) {
        self.leave_ticket();
    }
}

impl fmt::Debug for CloseOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Close").field(&self.handle).finish()
    }
}
