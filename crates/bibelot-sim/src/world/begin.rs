//! The beginning of operations: the `match` over the vocabulary.
//!
//! What can be answered now is, and comes back from `submit` itself in production; the world may also
//! choose to let it lie until the next poll, as a ring does.

use std::io;
use std::net::{IpAddr, SocketAddr};

use bibelot_reactor::{Completion, Interest, Op, Outcome, Token, unsupported};

use super::World;
use crate::agenda::Event;
use crate::errno::Errno;
use crate::object::{Id, Object};
use crate::stream::{Readable, Writable};

impl World {
    /// Begins `op`; gives its first completion if it came at once.
    pub(crate) fn begin(&mut self, token: Token, op: Op) -> Option<Completion> {
        self.sweep();
        self.counters.operations += 1;
        let was_empty = self.ready.is_empty();
        let mut id = None;
        match op.fd().map(|fd| self.resolve(fd)) {
            None => self.begin_free(token, op),
            Some(Err(error)) => self.ready.end(token, Err(error), op),
            Some(Ok(found)) => {
                id = Some(found);
                self.begin_on(token, found, op);
            }
        }
        // What lies ready already must not be overtaken; the rest the world may let lie.
        let at_once =
            was_empty && self.ready.begins_with(token) && !id.is_some_and(|id| self.deviates(id));
        if at_once { self.give_one() } else { None }
    }

    /// Begins what works on no descriptor.
    fn begin_free(&mut self, token: Token, op: Op) {
        match op {
            Op::Nop => self.ready.end(token, Ok(Outcome::Done), op),
            Op::Resolve { ref host, port } => {
                if let Ok(ip) = host.parse::<IpAddr>() {
                    let found = vec![SocketAddr::new(ip, port)];
                    return self.ready.end(token, Ok(Outcome::Resolved(found)), op);
                }
                let span = self.settings.latency;
                let takes_ns = self.decider.draw(&mut self.spots.resolver, span);
                self.finish_in(token, op, takes_ns);
            }
            Op::Job(_) => {
                let span = self.settings.latency;
                let takes_ns = self.decider.draw(&mut self.spots.workers, span);
                self.finish_in(token, op, takes_ns);
            }
            Op::Open { .. } => {
                let takes_ns = self.decider.draw(&mut self.spots.disk, self.settings.disk);
                self.finish_in(token, op, takes_ns);
            }
            _ => self.ready.end(token, Err(unsupported(op.kind())), op),
        }
    }

    /// Begins what works on the object `id`.
    fn begin_on(&mut self, token: Token, id: Id, op: Op) {
        match op {
            Op::Accept { .. } => self.begin_accept(token, id, op),
            Op::Receive { .. } | Op::ReceiveInto { .. } => self.begin_receive(token, id, op),
            Op::Send { .. } => self.begin_send(token, id, op),
            Op::Connect { peer, .. } => self.begin_connect(token, id, peer, op),
            // It is let go of with the completion, and closed if nobody else holds it then.
            Op::Close { .. } => self.ready.end(token, Ok(Outcome::Done), op),
            Op::Ready { interest, .. } => self.begin_ready(token, id, interest, op),
            Op::ReadAt { .. } | Op::WriteAt { .. } | Op::Sync { .. } => {
                let Some(file) = self.objects.file(id) else {
                    let errno = match op {
                        Op::Sync { .. } => Errno::INVAL,
                        _ => Errno::SPIPE,
                    };
                    return self.ready.end(token, Err(errno.into()), op);
                };
                let takes_ns = self.decider.draw(&mut file.spot, self.settings.disk);
                self.finish_in(token, op, takes_ns);
            }
            _ => self.ready.end(token, Err(unsupported(op.kind())), op),
        }
    }

    /// Leaves `op` to whoever does it, who takes `takes_ns`.
    fn finish_in(&mut self, token: Token, op: Op, takes_ns: u64) {
        let at_ns = self.now_ns().saturating_add(takes_ns);
        let serial = self.flights.insert(token, op);
        self.agenda.plan(at_ns, Event::Finish(token, serial));
    }

    fn begin_ready(&mut self, token: Token, id: Id, interest: Interest, op: Op) {
        if self.is_ready(id, interest) {
            return self.ready.end(token, Ok(Outcome::Done), op);
        }
        match self.objects.get_mut(id) {
            Some(Object::Stream(stream)) => stream.watchers.push((token, interest)),
            Some(Object::Listener(listener)) => listener.watchers.push((token, interest)),
            Some(Object::File(_)) | None => {}
        }
        self.flights.insert(token, op);
        self.plan_room(id);
    }

    /// Whether the object `id` would answer in that direction without waiting.
    fn is_ready(&mut self, id: Id, interest: Interest) -> bool {
        let now_ns = self.now_ns();
        let most = self.settings.send_buffer;
        match (self.objects.get_mut(id), interest) {
            (Some(Object::Listener(listener)), Interest::Readable) => listener.is_readable(),
            (Some(Object::Listener(_)), Interest::Writable) => false,
            (Some(Object::Stream(stream)), Interest::Readable) => {
                stream.readable() != Readable::Nothing
            }
            (Some(Object::Stream(stream)), Interest::Writable) => match stream.writable() {
                Writable::Open => stream.outgoing.room(now_ns, most) > 0,
                Writable::NotYet => false,
                Writable::Error(_) => true,
            },
            (Some(Object::File(_)) | None, _) => true,
        }
    }

    /// Ends the waits for readiness that have come true.
    pub(super) fn serve_watchers(&mut self, id: Id) {
        for interest in [Interest::Readable, Interest::Writable] {
            let watchers = match self.objects.get(id) {
                Some(Object::Stream(stream)) => &stream.watchers,
                Some(Object::Listener(listener)) => &listener.watchers,
                Some(Object::File(_)) | None => return,
            };
            let concerns = |watcher: &(Token, Interest)| watcher.1 == interest;
            if !watchers.iter().any(concerns) || !self.is_ready(id, interest) {
                continue;
            }
            let watchers = match self.objects.get_mut(id) {
                Some(Object::Stream(stream)) => &mut stream.watchers,
                Some(Object::Listener(listener)) => &mut listener.watchers,
                Some(Object::File(_)) | None => return,
            };
            let served: Vec<_> = watchers
                .extract_if(.., |watcher| concerns(watcher))
                .collect();
            for (token, _) in served {
                self.end(token, Ok(Outcome::Done));
            }
        }
        self.plan_room(id);
    }
}

/// The error of an operation on something of another kind.
pub(super) fn wrong_kind(object: Option<&Object>, socket: Errno) -> io::Error {
    match object {
        Some(Object::File(_)) => Errno::NOTSOCK.into(),
        Some(_) => socket.into(),
        None => Errno::BADF.into(),
    }
}
