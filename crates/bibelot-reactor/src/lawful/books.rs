//! The books: every token in use, with what its operation owned and has done.
//!
//! # Invariants
//!
//! - `records` holds exactly the tokens that were submitted and have not ended.
//! - `released` holds descriptors that nobody but an operation held, from its end to the next look.

use std::collections::HashMap;

use super::broken::{Promise, broken, misused};
use super::order::{Order, moved_bytes};
use super::outcome::{Lent, unfit, unfit_buf};
use crate::{Completion, Op, OpKind, Outcome, Token, WeakFd};

/// How often in a row a flow may pause while nothing else happens.
const PAUSES_MAX: u32 = 100;

#[derive(Debug, Default)]
pub(crate) struct Books {
    records: HashMap<Token, Record>,
    order: Order,
    released: Vec<Released>,
    pauses: Pauses,
}

/// An operation in flight.
#[derive(Debug)]
struct Record {
    kind: OpKind,
    fd: Option<WeakFd>,
    /// Whether the operation alone held its descriptor, which nobody can have cloned since.
    is_only_holder: bool,
    lent: Option<Lent>,
    number: u64,
    has_moved: bool,
    cancelled: bool,
}

/// A descriptor whose only holder has ended.
#[derive(Debug)]
struct Released {
    token: Token,
    kind: OpKind,
    fd: WeakFd,
}

/// Pauses of one flow in a row, with nothing between them.
#[derive(Debug, Default)]
struct Pauses {
    fd: Option<WeakFd>,
    count: u32,
}

impl Books {
    pub(crate) fn in_flight(&self) -> usize {
        self.records.len()
    }

    /// An operation is about to be submitted.
    pub(crate) fn open(&mut self, reactor: &str, token: Token, op: &Op) {
        let kind = op.kind();
        if let Some(record) = self.records.get(&token) {
            misused(
                reactor,
                format_args!(
                    "{token:?} {kind:?} submitted while its {:?} is in flight",
                    record.kind
                ),
            );
        }
        let fd = op.fd().map(crate::Fd::downgrade);
        let number = self.order.open(fd.as_ref());
        let record = Record {
            kind,
            is_only_holder: fd.as_ref().is_some_and(|fd| fd.holders() == 1),
            fd,
            lent: op.buf().map(Lent::of),
            number,
            has_moved: false,
            cancelled: false,
        };
        self.records.insert(token, record);
    }

    /// An early end was asked for.
    pub(crate) fn cancel(&mut self, token: Token) {
        self.pauses.fd = None;
        if let Some(record) = self.records.get_mut(&token) {
            record.cancelled = true;
        }
    }

    /// Right after its submission, an operation that may wait must hold its descriptor.
    pub(crate) fn check_held(&self, reactor: &str, token: Token) {
        let record = &self.records[&token];
        if waits_for_its_descriptor(record.kind)
            && record.fd.as_ref().is_some_and(|fd| fd.holders() == 0)
        {
            broken(
                reactor,
                Promise::ComesBack,
                format_args!(
                    "{token:?} {:?}: its descriptor was let go of before its end",
                    record.kind
                ),
            );
        }
    }

    /// A completion was given out.
    pub(crate) fn settle(&mut self, reactor: &str, completion: &Completion) {
        let token = completion.token;
        let Some(record) = self.records.get_mut(&token) else {
            broken(
                reactor,
                Promise::EndsOnce,
                format_args!("{token:?} is not in use, but came with {completion:?}"),
            );
        };
        let kind = record.kind;
        if let Some(wrong) = unfit(kind, completion, record.cancelled) {
            let promise = match completion.more {
                true => Promise::EndsOnce,
                false => Promise::NothingLost,
            };
            broken(
                reactor,
                promise,
                format_args!("{token:?} {kind:?}: {wrong}: {completion:?}"),
            );
        }
        if moved_bytes(completion)
            && !record.has_moved
            && let Some(fd) = &record.fd
        {
            record.has_moved = true;
            if self.order.is_overtaken(fd, kind, record.number) {
                broken(
                    reactor,
                    Promise::Order,
                    format_args!("{token:?} {kind:?} was overtaken by a later one"),
                );
            }
        }
        self.pauses.note(reactor, completion, record);
        if !completion.more {
            self.close(reactor, completion);
        } else if completion.buf.is_some() {
            broken(
                reactor,
                Promise::ComesBack,
                format_args!("{token:?} {kind:?}: a buffer came with an item"),
            );
        }
    }

    /// A token has ended.
    fn close(&mut self, reactor: &str, completion: &Completion) {
        let token = completion.token;
        let Some(record) = self.records.remove(&token) else {
            return;
        };
        let kind = record.kind;
        let back = completion.buf.as_ref();
        if let Some(wrong) = unfit_buf(kind, record.lent, &completion.result, back) {
            broken(
                reactor,
                Promise::ComesBack,
                format_args!("{token:?} {kind:?}: {wrong}: {completion:?}"),
            );
        }
        if let Some(fd) = record.fd {
            self.order.close(&fd);
            if record.is_only_holder {
                self.released.push(Released { token, kind, fd });
            }
        }
    }

    /// Some time after its end, an operation must have let go of its descriptor.
    pub(crate) fn check_released(&mut self, reactor: &str) {
        for Released { token, kind, fd } in self.released.drain(..) {
            if fd.holders() > 0 {
                broken(
                    reactor,
                    Promise::ComesBack,
                    format_args!("{token:?} {kind:?} has ended, but {fd:?} is still held"),
                );
            }
        }
    }

    /// The reactor was dropped, and with it everything that waited.
    pub(crate) fn check_dropped(&mut self, reactor: &str) {
        self.check_released(reactor);
        for (token, record) in self.records.drain() {
            let waited = record.is_only_holder && waits_for_its_descriptor(record.kind);
            if waited && record.fd.is_some_and(|fd| fd.holders() > 0) {
                broken(
                    reactor,
                    Promise::DropEnds,
                    format_args!(
                        "{token:?} {:?} still holds its descriptor after the drop",
                        record.kind
                    ),
                );
            }
        }
    }
}

impl Pauses {
    fn note(&mut self, reactor: &str, completion: &Completion, record: &Record) {
        let paused = matches!(completion.result, Ok(Outcome::Paused)) && !record.cancelled;
        if !paused || self.fd != record.fd {
            self.count = 0;
            self.fd.clone_from(&record.fd);
        }
        if paused {
            self.count += 1;
        }
        if self.count > PAUSES_MAX {
            broken(
                reactor,
                Promise::NeverSpins,
                format_args!(
                    "{:?} {:?} paused {} times in a row while nothing else happened",
                    completion.token, record.kind, self.count
                ),
            );
        }
    }
}

/// Whether an operation of this kind holds its descriptor for as long as it waits. The others may be
/// done by another thread, and have let go of it before their end is given out.
fn waits_for_its_descriptor(kind: OpKind) -> bool {
    matches!(
        kind,
        OpKind::Accept
            | OpKind::Receive
            | OpKind::ReceiveInto
            | OpKind::Send
            | OpKind::Connect
            | OpKind::Ready
    )
}
