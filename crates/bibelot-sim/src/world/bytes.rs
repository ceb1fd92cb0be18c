//! Bytes: sent into the peer's pipe, received from this end's.
//!
//! Sends on a stream are served in order, and so are receives: who comes while others wait waits behind
//! them.

use std::io;

use bibelot_reactor::{Buf, Op, Outcome, Token};
use bibelot_sched::Kind;

use super::World;
use super::begin::wrong_kind;
use crate::agenda::Event;
use crate::errno::Errno;
use crate::object::Id;
use crate::pipe::Segment;
use crate::stream::{Readable, Writable};

/// How many buffers a flow fills without a break; one that has filled so many ends, and is asked for
/// again by whoever wants more.
const BURST: usize = 4;

impl World {
    pub(super) fn begin_send(&mut self, token: Token, id: Id, op: Op) {
        let wrong = wrong_kind(self.objects.get(id), Errno::PIPE);
        let Some(stream) = self.objects.stream(id) else {
            return self.ready.end(token, Err(wrong), op);
        };
        if stream.senders.is_empty()
            && let Op::Send { buf, .. } = &op
            && let Some(result) = self.try_send(id, buf)
        {
            return self.ready.end(token, result.map(Outcome::Count), op);
        }
        if let Some(stream) = self.objects.stream(id) {
            stream.senders.push_back(token);
        }
        self.flights.insert(token, op);
        self.plan_room(id);
    }

    /// Gives the sends that wait what room there is, in order.
    pub(super) fn serve_senders(&mut self, id: Id) {
        loop {
            let front = self
                .objects
                .stream(id)
                .and_then(|stream| stream.senders.front());
            let Some(&token) = front else {
                return;
            };
            let Some(flight) = self.flights.remove(token) else {
                return;
            };
            let Op::Send { buf, .. } = &flight.op else {
                return;
            };
            let Some(result) = self.try_send(id, buf) else {
                self.flights.restore(token, flight);
                return self.plan_room(id);
            };
            if let Some(stream) = self.objects.stream(id) {
                stream.senders.pop_front();
            }
            self.ready.end(token, result.map(Outcome::Count), flight.op);
        }
    }

    /// Sends as much of `data` as there is room for; `None` if there is none.
    fn try_send(&mut self, id: Id, data: &[u8]) -> Option<io::Result<usize>> {
        let now_ns = self.now_ns();
        let most = self.settings.send_buffer;
        let stream = self.objects.stream(id)?;
        match stream.writable() {
            Writable::NotYet => return None,
            Writable::Error(errno) => {
                stream.error = None;
                return Some(Err(errno.into()));
            }
            Writable::Open => {}
        }
        if data.is_empty() {
            return Some(Ok(0));
        }
        let room = stream.outgoing.room(now_ns, most);
        if room == 0 {
            return None;
        }
        let count = self.share(id, room.min(data.len()));
        if let Some(stream) = self.objects.stream(id) {
            stream.outgoing.take(count);
        }
        self.dispatch(id, &data[..count]);
        Some(Ok(count))
    }

    /// Puts bytes on the network, in one segment or two.
    fn dispatch(&mut self, id: Id, data: &[u8]) {
        let cut = if data.len() < 2 || !self.settings.split || !self.decider.is_asked() {
            0
        } else {
            match self
                .objects
                .spot(id)
                .map(|spot| self.decider.ask(Kind::Io, spot, 4))
            {
                Some(1) => 1,
                Some(2) => data.len() / 2,
                Some(3) => data.len() - 1,
                _ => 0,
            }
        };
        let (first, second) = data.split_at(cut);
        for part in [first, second] {
            if part.is_empty() {
                continue;
            }
            let at_ns = self.travel(id);
            match self.objects.stream(id).and_then(|stream| stream.peer) {
                Some(peer) => {
                    if let Some(other) = self.objects.stream(peer) {
                        other.incoming.send(part, at_ns);
                    }
                    self.plan_arrival(peer);
                }
                // Nobody is there any more; the answer is a reset.
                None => self.reset(id, at_ns, at_ns),
            }
        }
    }

    pub(super) fn begin_receive(&mut self, token: Token, id: Id, mut op: Op) {
        let wrong = wrong_kind(self.objects.get(id), Errno::NOTCONN);
        let Some(stream) = self.objects.stream(id) else {
            return self.ready.end(token, Err(wrong), op);
        };
        let waits_behind = !stream.receivers.is_empty();
        if let Op::ReceiveInto { buf, .. } = &mut op {
            if buf.spare_len() == 0 {
                return self.ready.end(token, Ok(Outcome::Count(0)), op);
            }
            if !waits_behind && let Some(result) = self.try_receive(id, buf) {
                return self.ready.end(token, result.map(Outcome::Count), op);
            }
        }
        if let Some(stream) = self.objects.stream(id) {
            stream.receivers.push_back(token);
        }
        self.flights.insert(token, op);
        if !waits_behind {
            self.serve_receivers(id);
        }
    }

    /// Gives what has arrived to the receives that wait, in order.
    pub(super) fn serve_receivers(&mut self, id: Id) {
        loop {
            let Some(stream) = self.objects.stream(id) else {
                return;
            };
            let Some(&token) = stream.receivers.front() else {
                return;
            };
            if stream.readable() == Readable::Nothing {
                return;
            }
            let Some(mut flight) = self.flights.remove(token) else {
                return;
            };
            let result = match &mut flight.op {
                Op::ReceiveInto { buf, .. } => {
                    let received = self.try_receive(id, buf);
                    received.map(|result| result.map(Outcome::Count))
                }
                _ => self.fill_flow(token, id),
            };
            let Some(result) = result else {
                return self.flights.restore(token, flight);
            };
            self.ready.end(token, result, flight.op);
            if let Some(stream) = self.objects.stream(id) {
                stream.receivers.pop_front();
            }
        }
    }

    /// Gives the flow `token` what has arrived, in buffers of ours; `None` if it goes on.
    fn fill_flow(&mut self, token: Token, id: Id) -> Option<io::Result<Outcome>> {
        for nth in 1.. {
            if self.objects.stream(id)?.readable() != Readable::Bytes {
                let ended = self.try_receive(id, &mut Buf::default())?;
                return Some(ended.map(|_| Outcome::EndOfStream));
            }
            let mut piece = self.pieces.lend();
            let received = self.try_receive(id, &mut piece)?;
            let outcome = received.map(|_| Outcome::Received(piece));
            if nth == BURST || (self.settings.split && self.deviates(id)) {
                return Some(outcome);
            }
            self.ready.item(token, outcome.ok()?);
        }
        None
    }

    /// Receives what there is into the room of `buf`; `None` if that has yet to come.
    fn try_receive(&mut self, id: Id, buf: &mut Buf) -> Option<io::Result<usize>> {
        let stream = self.objects.stream(id)?;
        match stream.readable() {
            Readable::Nothing => return None,
            Readable::End => return Some(Ok(0)),
            Readable::Error(errno) => {
                stream.error = None;
                return Some(Err(errno.into()));
            }
            Readable::Bytes => {}
        }
        let most = stream.incoming.readable().min(buf.spare_len());
        let count = self.share(id, most);
        let stream = self.objects.stream(id)?;
        stream.incoming.read(&mut buf.spare_mut()[..count]);
        buf.extend(count);
        let peer = stream.peer;
        if let Some(peer) = peer {
            let known_ns = self.now_ns().saturating_add(self.settings.latency.least_ns);
            if let Some(other) = self.objects.stream(peer) {
                other.outgoing.release(count, known_ns);
            }
            self.plan_room(peer);
        }
        Some(Ok(count))
    }

    /// Plans to tell the stream `id` of the next room, if somebody waits for it.
    pub(super) fn plan_room(&mut self, id: Id) {
        let Some(stream) = self.objects.stream(id) else {
            return;
        };
        if stream.outgoing.room_planned || !stream.wants_room() {
            return;
        }
        if let Some(at_ns) = stream.outgoing.news_ns() {
            stream.outgoing.room_planned = true;
            self.agenda.plan(at_ns, Event::Room(id));
        }
    }

    /// News of a read has reached the stream `id`.
    pub(super) fn hear_of_room(&mut self, id: Id) {
        if let Some(stream) = self.objects.stream(id) {
            stream.outgoing.room_planned = false;
            self.serve_senders(id);
            self.serve_watchers(id);
        }
    }

    /// Puts a segment without bytes under way to the stream `id`.
    pub(super) fn mark(&mut self, id: Id, segment: Segment, at_ns: u64) {
        if let Some(stream) = self.objects.stream(id) {
            stream.incoming.mark(segment, at_ns);
        }
        self.plan_arrival(id);
    }

    /// Plans to look after what is under way to the stream `id`, when the first of it is due.
    pub(super) fn plan_arrival(&mut self, id: Id) {
        if let Some(stream) = self.objects.stream(id)
            && let Some(next_ns) = stream.incoming.next_ns()
            && stream
                .arrival_planned
                .is_none_or(|planned_ns| planned_ns > next_ns)
        {
            stream.arrival_planned = Some(next_ns);
            self.agenda.plan(next_ns, Event::Arrive(id));
        }
    }
}
