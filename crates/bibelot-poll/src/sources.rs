//! The sources: what is known of each descriptor, and what waits for it.
//!
//! For each direction of a registered descriptor there is a flag, which is down only if trying would be
//! in vain. A try that would block takes it down, and so does one that moved fewer bytes than it could
//! on a TCP socket, which saves the next operation a useless call; the edge that follows puts it up
//! again. An edge that told of an end or an error tells it once, together with the last bytes, so from
//! then on only a try that would block counts.
//!
//! # Invariants
//!
//! - A flag is up whenever the descriptor may be ready without an edge still to come.
//! - Whatever waits holds its descriptor, so its number cannot be another's.
//! - Operations wait only for registered descriptors.

use std::io;
use std::os::fd::AsRawFd;

use bibelot_reactor::{Buf, Fd, Interest, Op, Outcome, Token, WeakFd};
use rustix::net::{ipproto, sockopt};

use crate::appetite::{Appetite, Size};
use crate::queue::{Line, LineKind, Queue, Where};
use crate::table::Table;
use crate::watch::{Readiness, Watch};

#[derive(Debug)]
pub(crate) struct Sources {
    rows: Table<Source>,
    queue: Queue,
    /// The room of the usual receive buffers.
    usual_len: usize,
}

/// What is known of the descriptor with a number.
#[derive(Debug, Default)]
struct Source {
    /// The descriptor that was registered last under this number; it may be gone.
    fd: Option<WeakFd>,
    /// Whether moving fewer bytes than asked for means that there are no more.
    is_tcp: bool,
    appetite: Appetite,
    read: Side,
    write: Side,
}

/// One direction of a descriptor.
#[derive(Debug)]
struct Side {
    may_be_ready: bool,
    /// An edge has told of the end of this direction.
    ends: bool,
    line: Line,
    watchers: Line,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            may_be_ready: true,
            ends: false,
            line: Line::default(),
            watchers: Line::default(),
        }
    }
}

/// What becomes of an operation that has just been submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Others wait before it, or trying would be in vain.
    Waits,
    /// It is to be tried; its descriptor is registered.
    Known,
    /// It is to be tried; its descriptor is not registered.
    Unknown,
}

impl Where {
    /// Where `op` would wait; `None` if no descriptor of the operating system can make it wait.
    pub(crate) fn of(op: &Op) -> Option<Self> {
        let kind = match (op, bibelot_sys::interest(op)?) {
            (Op::Ready { .. }, Interest::Readable) => LineKind::ReadWatchers,
            (Op::Ready { .. }, Interest::Writable) => LineKind::WriteWatchers,
            (_, Interest::Readable) => LineKind::Readers,
            (_, Interest::Writable) => LineKind::Writers,
        };
        Self::at(op.fd()?, kind)
    }

    /// The line of this kind at `fd`.
    pub(crate) fn at(fd: &Fd, kind: LineKind) -> Option<Self> {
        let number = fd.as_fd().ok()?.as_raw_fd();
        let number = usize::try_from(number).ok()?;
        Some(Self { number, kind })
    }

    fn is_read(self) -> bool {
        matches!(self.kind, LineKind::Readers | LineKind::ReadWatchers)
    }
}

impl Sources {
    pub(crate) fn new(usual_len: usize) -> Self {
        Self {
            rows: Table::default(),
            queue: Queue::default(),
            usual_len: usual_len.max(1),
        }
    }

    /// How many operations wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// What becomes of `op`, which would wait at `place`.
    pub(crate) fn standing(&self, place: Where, op: &Op) -> Standing {
        match op.fd() {
            Some(fd) => self.standing_at(place, fd, asks_for_nothing(op)),
            None => Standing::Unknown,
        }
    }

    /// What becomes of something that is to be done at `place`, which is a line of `fd`.
    pub(crate) fn standing_at(&self, place: Where, fd: &Fd, never_waits: bool) -> Standing {
        let Some(source) = self.rows.get(place.number).filter(|row| row.is(fd)) else {
            return Standing::Unknown;
        };
        let first = source.line(place).is_empty();
        if first && (source.side(place).may_be_ready || never_waits) {
            Standing::Known
        } else {
            Standing::Waits
        }
    }

    /// Lets an operation that would block wait at `place`; registers its descriptor if it is not.
    pub(crate) fn wait(
        &mut self,
        watch: &mut Watch,
        place: Where,
        token: Token,
        op: Op,
    ) -> Result<(), (io::Error, Op)> {
        let source = self.rows.row(place.number);
        if let Some(fd) = op.fd()
            && !source.is(fd)
        {
            if let Err(error) = watch.add(fd, place.number) {
                return Err((error, op));
            }
            *source = Source {
                fd: Some(fd.downgrade()),
                is_tcp: is_tcp(fd),
                ..Source::default()
            };
        }
        self.queue.push(source.line_mut(place), place, token, op);
        Ok(())
    }

    /// Notes an edge.
    pub(crate) fn heard(&mut self, edge: Readiness) {
        if let Some(source) = self.rows.get_mut(edge.number) {
            source.read.may_be_ready |= edge.readable;
            source.read.ends |= edge.read_ends;
            source.write.may_be_ready |= edge.writable;
            source.write.ends |= edge.write_ends;
        }
    }

    /// Notes that an operation at `place` would have blocked.
    pub(crate) fn blocked(&mut self, place: Where) {
        if let Some(source) = self.rows.get_mut(place.number) {
            source.side_mut(place).may_be_ready = false;
        }
    }

    /// Notes that fewer bytes were sent at `place` than there were.
    pub(crate) fn sent_short(&mut self, place: Where) {
        if let Some(source) = self.rows.get_mut(place.number)
            && source.is_tcp
            && !source.write.ends
        {
            source.write.may_be_ready = false;
        }
    }

    /// Notes how an operation on the registered descriptor at `place` ended.
    pub(crate) fn ended(&mut self, place: Where, result: &io::Result<Outcome>, buf: Option<&Buf>) {
        let Some(source) = self.rows.get_mut(place.number) else {
            return;
        };
        if let Ok(Outcome::Received(got)) = result {
            source.appetite.fed(got.len(), self.usual_len);
        }
        if source.is_tcp && !source.side(place).ends && fell_short(place, result, buf) {
            source.side_mut(place).may_be_ready = false;
        }
    }

    /// How large a buffer the next receive at `place`, which is registered, should have.
    pub(crate) fn size(&self, place: Where) -> Size {
        let source = self.rows.get(place.number);
        source.map_or(Size::Usual, |source| source.appetite.size())
    }

    /// Whether trying what waits at `place` may help.
    pub(crate) fn may_be_ready(&self, place: Where) -> bool {
        let source = self.rows.get(place.number);
        source.is_some_and(|source| source.side(place).may_be_ready)
    }

    /// The operation that has waited longest at `place`.
    pub(crate) fn front(&self, place: Where) -> Option<u32> {
        self.rows.get(place.number)?.line(place).front()
    }

    /// The one behind it.
    pub(crate) fn behind(&self, index: u32) -> Option<u32> {
        self.queue.behind(index)
    }

    /// Where `token` waits.
    pub(crate) fn find(&self, token: Token) -> Option<(u32, Where)> {
        self.queue.find(token)
    }

    /// Takes an operation out to try it; its place stays.
    pub(crate) fn lift(&mut self, index: u32) -> Op {
        self.queue.lift(index)
    }

    /// Puts an operation back that still has to wait.
    pub(crate) fn put_back(&mut self, index: u32, op: Op) {
        self.queue.put_back(index, op);
    }

    /// Takes an operation out for good; `None` stands for one that is lifted.
    pub(crate) fn remove(&mut self, index: u32, place: Where) -> (Token, Option<Op>) {
        let source = self.rows.row(place.number);
        self.queue.remove(source.line_mut(place), index)
    }
}

impl Source {
    fn is(&self, fd: &Fd) -> bool {
        self.fd.as_ref().is_some_and(|known| known.is(fd))
    }

    fn side(&self, place: Where) -> &Side {
        if place.is_read() {
            &self.read
        } else {
            &self.write
        }
    }

    fn side_mut(&mut self, place: Where) -> &mut Side {
        if place.is_read() {
            &mut self.read
        } else {
            &mut self.write
        }
    }

    fn line(&self, place: Where) -> &Line {
        match place.kind {
            LineKind::Readers | LineKind::Writers => &self.side(place).line,
            LineKind::ReadWatchers | LineKind::WriteWatchers => &self.side(place).watchers,
        }
    }

    fn line_mut(&mut self, place: Where) -> &mut Line {
        match place.kind {
            LineKind::Readers | LineKind::Writers => &mut self.side_mut(place).line,
            LineKind::ReadWatchers | LineKind::WriteWatchers => &mut self.side_mut(place).watchers,
        }
    }
}

/// Whether an operation moves no bytes and so need not wait for room or data.
fn asks_for_nothing(op: &Op) -> bool {
    match op {
        Op::Send { buf, .. } => buf.is_empty(),
        Op::ReceiveInto { buf, .. } => buf.spare_len() == 0,
        _ => false,
    }
}

/// Whether fewer bytes were moved than could have been. The end of a stream is not: it can be read
/// again and again.
fn fell_short(place: Where, result: &io::Result<Outcome>, buf: Option<&Buf>) -> bool {
    match (result, buf) {
        (Ok(Outcome::Received(got)), _) => got.spare_len() > 0,
        (Ok(Outcome::Count(count)), Some(buf)) if place.is_read() => {
            *count > 0 && buf.spare_len() > 0
        }
        (Ok(Outcome::Count(count)), Some(buf)) => *count < buf.len(),
        _ => false,
    }
}

/// Other sockets may stop before the last byte: at a message's end, or where credentials change.
fn is_tcp(fd: &Fd) -> bool {
    let protocol = fd.as_fd().map(sockopt::socket_protocol);
    matches!(protocol, Ok(Ok(Some(ipproto::TCP))))
}
