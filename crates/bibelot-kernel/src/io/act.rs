//! Acts: what a change of the table makes necessary, done when nothing is borrowed.

use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::task::Waker;

use bibelot_reactor::{Call, Completion, Fd, Op, Pending, Reply, Token};
use bibelot_timer::{Instant, Key as TimerKey};

use super::closed;
use super::table::Key;
use crate::core::{Core, contain};

/// So many bytes at once need not gather with others: they may leave before the turn ends.
const PASSES_MIN: usize = 8 * 1024;

/// Something to be done outside the table.
pub(crate) enum Act {
    Wake(Waker),
    /// Code of users may hide in what a waker or a completion owns.
    Drop(Trash),
    Submit(Token, Op),
    /// The same for what nobody waits for.
    SubmitQuietly(Token, Op),
    /// Somebody waits after all for what was submitted quietly.
    WantEnds,
    Cancel(Token),
    /// Tells the peer that nothing more comes.
    ShutDown(Fd),
    /// Closes a socket on which raw sends have sent something, as a stream is closed.
    CloseSent(Fd),
    /// Asks what closing an object now would lose.
    Ask(Key, Fd),
    Arm(Alarm, Instant),
    Disarm(TimerKey),
}

/// What is dropped outside the table.
#[expect(dead_code, reason = "held to be dropped")]
pub(crate) enum Trash {
    Waker(Waker),
    Completion(Box<Completion>),
    Slot(Box<super::table::Slot>),
}

/// A timer of the table's own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alarm {
    /// A flow paused for want of descriptors or memory may go on.
    Resume(Key),
    /// An object that is being closed is to be looked at, or has had its time.
    Linger(Key),
}

impl Core {
    /// Carries the acts out, and those that follow from them.
    pub(crate) fn carry_out(self: &Rc<Self>, mut acts: Vec<Act>) {
        let mut next = 0;
        // Acts are carried out in their order; what an act brings goes to the end.
        while next < acts.len() {
            let act =
                std::mem::replace(&mut acts[next], Act::Cancel(Token::new(Token::RESERVED, 0)));
            next += 1;
            match act {
                Act::Wake(waker) => contain(|| waker.wake()),
                Act::Drop(trash) => contain(|| drop(trash)),
                Act::Submit(token, op) => {
                    let end = self.reactor.borrow_mut().submit(token, op);
                    if let Some(end) = end {
                        self.io.borrow_mut().settle(end, &mut acts);
                    }
                }
                Act::SubmitQuietly(token, op) => {
                    let end = self.reactor.borrow_mut().submit_quietly(token, op);
                    if let Some(end) = end {
                        self.io.borrow_mut().settle(end, &mut acts);
                    }
                }
                Act::WantEnds => self.wants_ends.set(true),
                Act::Cancel(token) if token.slot() < Token::RESERVED => {
                    self.reactor.borrow_mut().cancel(token);
                }
                Act::Cancel(_) => {}
                Act::ShutDown(socket) => {
                    let how = Shutdown::Write;
                    let told = self.call(Call::Shutdown { socket, how });
                    // A peer that has hung up needs not be told.
                    drop(told);
                }
                Act::CloseSent(fd) => self.io.borrow_mut().close_sent(fd, &mut acts),
                Act::Ask(key, socket) => {
                    let pending = match self.call(Call::Pending { socket }) {
                        Ok(Reply::Pending(pending)) => pending,
                        // A reactor that cannot say, or a socket that is beyond that.
                        _ => Pending::default(),
                    };
                    self.io.borrow_mut().answered(key, pending, &mut acts);
                }
                Act::Arm(alarm, at) => {
                    let key = self.timers.insert(at, crate::timers::Other::Io(alarm));
                    let late = self.io.borrow_mut().armed(alarm, key);
                    if let Some(late) = late {
                        self.disarm(late);
                    }
                }
                Act::Disarm(key) => self.disarm(key),
            }
        }
        acts.clear();
        self.io.borrow_mut().recycle(acts);
    }

    /// Changes the table and does what follows.
    pub(crate) fn with_io<R>(
        self: &Rc<Self>,
        change: impl FnOnce(&mut super::Table, &mut Vec<Act>) -> R,
    ) -> R {
        let (value, acts) = {
            let mut io = self.io.borrow_mut();
            io.shared.now = self.now();
            let mut acts = io.acts();
            let value = change(&mut io, &mut acts);
            if acts.is_empty() {
                io.recycle(acts);
                return value;
            }
            (value, acts)
        };
        self.carry_out(acts);
        value
    }

    /// Takes as many of a writer's bytes as there is room for; many at once leave at once if they can.
    pub(crate) fn push_bytes(self: &Rc<Self>, key: Key, bytes: &[u8]) -> io::Result<usize> {
        let sent = match bytes.len() >= PASSES_MIN {
            true => self.send_past_outbox(key, bytes),
            false => 0,
        };
        if sent == bytes.len() && sent > 0 {
            return Ok(sent);
        }
        self.with_io(|io, acts| {
            let (object, shared) = io.object_and_shared(key).ok_or_else(closed)?;
            let rest = object.push(key, &bytes[sent..], shared, acts)?;
            Ok(sent + rest)
        })
    }

    /// Sends what of `bytes` can leave at once, if nothing goes before them; how much that was.
    fn send_past_outbox(&self, key: Key, bytes: &[u8]) -> usize {
        let socket = {
            let mut io = self.io.borrow_mut();
            match io.object_and_shared(key) {
                Some((object, shared)) if object.is_open() => match object.fd() {
                    Some(fd) if object.write.may_pass(bytes.len(), shared) => fd.clone(),
                    _ => return 0,
                },
                _ => return 0,
            }
        };
        let sent = self.reactor.borrow_mut().send_now(&socket, bytes);
        let mut io = self.io.borrow_mut();
        let Some((object, shared)) = io.object_and_shared(key) else {
            return 0;
        };
        match sent {
            Ok(count) => {
                object.write.passed(count);
                count
            }
            Err(error) => {
                // The push that follows tells of it.
                object.write.fail(Some(error), shared);
                0
            }
        }
    }

    /// Settles what the reactor gave.
    #[inline]
    pub(crate) fn settle(self: &Rc<Self>, ends: &mut Vec<Completion>) {
        if !ends.is_empty() {
            self.settle_all(ends);
        }
    }

    #[inline(never)]
    fn settle_all(self: &Rc<Self>, ends: &mut Vec<Completion>) {
        self.with_io(|io, acts| {
            for end in ends.drain(..) {
                io.settle(end, acts);
            }
        });
    }

    /// A timer of the table's has fired.
    pub(crate) fn io_alarm(self: &Rc<Self>, alarm: Alarm) {
        self.with_io(|io, acts| io.alarm(alarm, acts));
    }

    /// Sends what gathered in outboxes since the last time.
    #[inline]
    pub(crate) fn flush_outboxes(self: &Rc<Self>) {
        if self.io.borrow().has_dirty() {
            self.with_io(super::Table::flush_dirty);
        }
    }
}
