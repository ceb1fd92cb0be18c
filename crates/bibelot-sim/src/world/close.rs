//! Ends: shutting down, letting go, being reset, and what arrives meanwhile.
//!
//! As on Linux: who lets go of a stream whose bytes were not all read resets it, else the end of the
//! stream follows what was sent. Bytes that reach an end nobody holds are answered with a reset. A reset
//! takes along what has not arrived yet.

use std::net::Shutdown;

use bibelot_reactor::Outcome;

use super::World;
use crate::errno::Errno;
use crate::object::{Id, Object};
use crate::pipe::{Pipe, Segment};
use crate::stream::{Phase, Stream};

impl World {
    /// Closes every object that was let go of.
    pub(crate) fn sweep(&mut self) {
        while self.link.has_dropped() {
            let mut swept = std::mem::take(&mut self.swept);
            self.link.sweep(&mut swept);
            for id in swept.drain(..) {
                self.held -= 1;
                self.close(id);
            }
            self.swept = swept;
        }
    }

    /// Removes an object that nobody holds any more.
    fn close(&mut self, id: Id) {
        // The time it takes is drawn under the object's own name, so while it is still there.
        let at_ns = self.travel(id);
        match self.objects.remove(id) {
            Some(Object::Stream(stream)) => self.close_stream(*stream, at_ns),
            Some(Object::Listener(listener)) => {
                self.ports.release(listener.address, id);
                for called in listener.backlog {
                    self.discard(called);
                }
                for caller in listener.waiting {
                    self.refuse(caller);
                }
            }
            Some(Object::File(_)) | None => {}
        }
    }

    fn close_stream(&mut self, stream: Stream, at_ns: u64) {
        if let Some(port) = stream.own_port {
            self.ports.give_back(port);
        }
        let Some(peer) = stream.peer else {
            return;
        };
        if let Some(other) = self.objects.stream(peer) {
            other.peer = None;
        }
        if stream.phase == Phase::Connecting || stream.incoming.readable() > 0 {
            let now_ns = self.now_ns();
            return self.reset(peer, now_ns, at_ns);
        }
        if !stream.outgoing.shut {
            self.mark(peer, Segment::End, at_ns);
        }
        if let Some(first_ns) = stream.incoming.first_bytes_ns() {
            let answered_ns = first_ns.saturating_add(self.settings.latency.least_ns);
            let at_ns = answered_ns.max(at_ns);
            self.reset(peer, at_ns, at_ns);
        }
    }

    /// Resets the stream `id`, and loses what would arrive there after `last_ns`.
    pub(super) fn reset(&mut self, id: Id, last_ns: u64, at_ns: u64) {
        if let Some(stream) = self.objects.stream(id) {
            stream.incoming.cut(last_ns);
        }
        self.plan_reset(id, at_ns);
    }

    /// Ends a connection that nobody accepted.
    pub(super) fn discard(&mut self, called: Id) {
        let at_ns = self.travel(called);
        if let Some(Object::Stream(stream)) = self.objects.remove(called)
            && let Some(peer) = stream.peer
        {
            if let Some(other) = self.objects.stream(peer) {
                other.peer = None;
            }
            self.plan_reset(peer, at_ns);
        }
    }

    /// Resets the stream `id`, once, when a packet that is sent now or later arrives at `at_ns`.
    fn plan_reset(&mut self, id: Id, at_ns: u64) {
        if let Some(stream) = self.objects.stream(id)
            && !stream.reset_planned
        {
            stream.reset_planned = true;
            self.mark(id, Segment::Reset, at_ns);
        }
    }

    /// What is under way to the stream `id` and due has reached it.
    pub(super) fn arrive(&mut self, id: Id) {
        let now_ns = self.now_ns();
        if let Some(stream) = self.objects.stream(id) {
            stream.arrival_planned = stream.arrival_planned.filter(|at_ns| *at_ns > now_ns);
        }
        while let Some(stream) = self.objects.stream(id) {
            let Some(segment) = stream.incoming.arrive(now_ns) else {
                break;
            };
            match segment {
                Segment::Bytes(_) => {}
                Segment::Established => {
                    stream.phase = Phase::Open;
                    self.end_connect(id, Ok(()));
                }
                Segment::Refused => self.fail_connect(id, Errno::CONNREFUSED),
                Segment::TimedOut => self.fail_connect(id, Errno::TIMEDOUT),
                Segment::End => stream.ended = true,
                Segment::Reset => {
                    stream.error = Some(if stream.ended {
                        Errno::PIPE
                    } else {
                        Errno::CONNRESET
                    });
                    stream.phase = Phase::Dead;
                    stream.outgoing.shut = true;
                    stream.read_shut = true;
                }
            }
        }
        self.touch(id);
        self.plan_arrival(id);
    }

    /// Makes the stream `id` a new socket again, after a connect that came to nothing.
    fn fail_connect(&mut self, id: Id, errno: Errno) {
        let Some(stream) = self.objects.stream(id) else {
            return;
        };
        stream.phase = Phase::Idle;
        stream.local = None;
        stream.peer_address = None;
        if let Some(port) = stream.own_port.take() {
            self.ports.give_back(port);
        }
        self.end_connect(id, Err(errno));
    }

    fn end_connect(&mut self, id: Id, result: Result<(), Errno>) {
        let connect = self
            .objects
            .stream(id)
            .and_then(|stream| stream.connect.take());
        if let Some(token) = connect {
            let result = result.map(|()| Outcome::Done).map_err(Into::into);
            self.end(token, result);
        }
    }

    /// Ends one or both directions of a connection, or makes a listener deaf.
    pub(super) fn shut_down(&mut self, id: Id, how: Shutdown) -> Result<(), Errno> {
        let (reads, writes) = match how {
            Shutdown::Read => (true, false),
            Shutdown::Write => (false, true),
            Shutdown::Both => (true, true),
        };
        match self.objects.get_mut(id) {
            None => Err(Errno::BADF),
            Some(Object::File(_)) => Err(Errno::NOTSOCK),
            Some(Object::Listener(listener)) => {
                if reads && !listener.closed {
                    listener.closed = true;
                    let address = listener.address;
                    let backlog = std::mem::take(&mut listener.backlog);
                    let waiting = std::mem::take(&mut listener.waiting);
                    self.ports.release(address, id);
                    backlog.into_iter().for_each(|called| self.discard(called));
                    waiting.into_iter().for_each(|caller| self.refuse(caller));
                    self.touch(id);
                }
                Ok(())
            }
            Some(Object::Stream(stream)) => match stream.phase {
                Phase::Idle | Phase::Dead => Err(Errno::NOTCONN),
                Phase::Connecting => {
                    self.hang_up(id);
                    Ok(())
                }
                Phase::Open => {
                    stream.read_shut |= reads;
                    let ends = writes && !stream.outgoing.shut;
                    stream.outgoing.shut |= writes;
                    let peer = stream.peer;
                    if ends && let Some(peer) = peer {
                        let at_ns = self.travel(id);
                        self.mark(peer, Segment::End, at_ns);
                    }
                    self.touch(id);
                    Ok(())
                }
            },
        }
    }

    /// Gives up a connect that is under way.
    fn hang_up(&mut self, id: Id) {
        let at_ns = self.travel(id);
        let Some(stream) = self.objects.stream(id) else {
            return;
        };
        stream.incoming = Pipe::default();
        if let Some(peer) = stream.peer.take() {
            if let Some(other) = self.objects.stream(peer) {
                other.peer = None;
            }
            self.plan_reset(peer, at_ns);
        }
        self.fail_connect(id, Errno::CONNRESET);
        self.touch(id);
    }
}
