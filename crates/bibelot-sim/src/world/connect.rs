//! Connections: listening, knocking, being accepted.
//!
//! A call travels to its listener and is answered. If somebody listens there, both ends exist from then
//! on; the caller learns of it when the answer has travelled back. A full backlog makes callers wait
//! outside until there is room.

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bibelot_reactor::{Fd, ListenHow, Op, Outcome, Token};
use bibelot_sched::Kind;

use super::World;
use super::begin::wrong_kind;
use crate::agenda::Event;
use crate::errno::Errno;
use crate::listener::Listener;
use crate::object::{Id, Object};
use crate::pipe::Segment;
use crate::settings::nanos;
use crate::spot::Spot;
use crate::stream::{Phase, Stream};

/// How long Linux goes on calling a host that does not answer.
const UNANSWERED: Duration = Duration::from_secs(127);

impl World {
    pub(super) fn listen(&mut self, address: SocketAddr, how: ListenHow) -> Result<Fd, Errno> {
        if !self.has_room() {
            return Err(Errno::MFILE);
        }
        let address = self.ports.bind(address, how.reuse_port)?;
        let nth = self.ports.count_listener(address.port());
        let listener = Listener::new(address, how.backlog, nth);
        let id = self.objects.insert(Object::Listener(Box::new(listener)));
        self.ports.name(address, id);
        Ok(self.descriptor(id))
    }

    pub(super) fn socket(&mut self, is_v6: bool) -> Result<Fd, Errno> {
        if !self.has_room() {
            return Err(Errno::MFILE);
        }
        let spot = Spot::socket(self.sockets);
        self.sockets = self.sockets.wrapping_add(1);
        let stream = Stream::new(is_v6, spot);
        let id = self.objects.insert(Object::Stream(Box::new(stream)));
        Ok(self.descriptor(id))
    }

    pub(super) fn begin_connect(&mut self, token: Token, id: Id, peer: SocketAddr, op: Op) {
        match self.call_out(id, peer) {
            Ok(()) => {
                if let Some(stream) = self.objects.stream(id) {
                    stream.connect = Some(token);
                }
                self.flights.insert(token, op);
            }
            Err(error) => self.ready.end(token, Err(error), op),
        }
    }

    /// Sends the request to be connected on its way.
    fn call_out(&mut self, id: Id, peer: SocketAddr) -> io::Result<()> {
        let wrong = wrong_kind(self.objects.get(id), Errno::ISCONN);
        let Some(stream) = self.objects.stream(id) else {
            return Err(wrong);
        };
        match stream.phase {
            Phase::Idle => {}
            Phase::Connecting => return Err(Errno::ALREADY.into()),
            Phase::Open | Phase::Dead => return Err(Errno::ISCONN.into()),
        }
        if peer.is_ipv6() != stream.is_v6 {
            return Err(Errno::AFNOSUPPORT.into());
        }
        let port = self.ports.take()?;
        let target = SocketAddr::new(concrete(peer.ip()), peer.port());
        stream.phase = Phase::Connecting;
        stream.requests = stream.requests.wrapping_add(1);
        let request = (id, stream.requests);
        stream.own_port = Some(port);
        stream.local = Some(SocketAddr::new(self.ports.source(target.ip()), port));
        stream.peer_address = Some(target);
        if self.ports.is_here(target.ip()) {
            let at_ns = self.travel(id);
            self.agenda.plan(at_ns, Event::Knock(request.0, request.1));
        } else {
            let at_ns = self.now_ns().saturating_add(nanos(UNANSWERED));
            self.mark(id, Segment::TimedOut, at_ns);
        }
        Ok(())
    }

    /// A request to be connected has reached the host it is for.
    pub(super) fn knock(&mut self, request: (Id, u32)) {
        let (caller, _) = request;
        let Some(address) = self.called_address(request) else {
            return;
        };
        let mut found = mem::take(&mut self.found);
        self.ports.listeners(address, &mut found);
        // Those that share an address take turns, unless the world chooses otherwise.
        let objects = &mut self.objects;
        found.sort_by_key(|id| objects.listener(*id).map(|listener| listener.connections));
        let shift = match self.objects.spot(caller) {
            Some(spot) if found.len() > 1 => self.decider.ask(Kind::Io, spot, found.len()),
            _ => 0,
        };
        let chosen = found.get(shift).copied();
        self.found = found;
        match chosen.and_then(|id| self.objects.listener(id).map(|listener| (id, listener))) {
            None => self.refuse(request),
            Some((_, listener)) if listener.is_full() => listener.waiting.push_back(request),
            Some((id, _)) => {
                self.establish(id, request);
                self.touch(id);
            }
        }
    }

    /// Where a stream that asked to be connected calls, if it still does, and has not hung up and called anew.
    fn called_address(&mut self, (caller, nth): (Id, u32)) -> Option<SocketAddr> {
        let stream = self.objects.stream(caller)?;
        if stream.phase != Phase::Connecting || stream.requests != nth {
            return None;
        }
        stream.peer_address
    }

    /// Tells a caller that nobody listens there.
    pub(super) fn refuse(&mut self, request: (Id, u32)) {
        if self.called_address(request).is_some() {
            let (caller, _) = request;
            let at_ns = self.travel(caller);
            self.mark(caller, Segment::Refused, at_ns);
        }
    }

    /// Makes the other end of a caller that is still there, in the backlog of `listener`, and answers.
    fn establish(&mut self, listener: Id, request: (Id, u32)) {
        let (caller, _) = request;
        let Some(address) = self.called_address(request) else {
            return;
        };
        let Some(host) = self.objects.listener(listener) else {
            return;
        };
        let port = host.address.port();
        host.connections = host.connections.wrapping_add(1);
        let nth = self.ports.count_connection(port);
        let is_v6 = host.address.is_ipv6();
        let no_delay = host.no_delay;

        let mut called = Stream::new(is_v6, Spot::called(port, nth));
        called.phase = Phase::Open;
        called.local = Some(in_family(address, is_v6));
        called.peer = Some(caller);
        called.no_delay = no_delay;
        if let Some(stream) = self.objects.stream(caller) {
            called.peer_address = stream.local.map(|local| in_family(local, is_v6));
            stream.spot = Spot::caller(port, nth);
        }
        let called = self.objects.insert(Object::Stream(Box::new(called)));
        if let Some(stream) = self.objects.stream(caller) {
            stream.peer = Some(called);
        }
        if let Some(host) = self.objects.listener(listener) {
            host.backlog.push_back(called);
        }
        let at_ns = self.travel(called);
        self.mark(caller, Segment::Established, at_ns);
    }

    pub(super) fn begin_accept(&mut self, token: Token, id: Id, op: Op) {
        let wrong = wrong_kind(self.objects.get(id), Errno::INVAL);
        let Some(host) = self.objects.listener(id) else {
            return self.ready.end(token, Err(wrong), op);
        };
        host.accepts.push_back(token);
        self.flights.insert(token, op);
        self.serve_accepts(id);
    }

    /// Gives connections to those who accept, and places in the backlog to those who wait outside.
    pub(super) fn serve_accepts(&mut self, id: Id) {
        loop {
            let has_room = self.has_room();
            let Some(listener) = self.objects.listener(id) else {
                return;
            };
            let Some(&token) = listener.accepts.front() else {
                return;
            };
            if listener.closed {
                listener.accepts.pop_front();
                self.end(token, Err(Errno::INVAL.into()));
                continue;
            }
            if listener.backlog.is_empty() {
                return;
            }
            if !has_room {
                listener.accepts.pop_front();
                self.end(token, Err(Errno::MFILE.into()));
                continue;
            }
            let Some(called) = listener.backlog.pop_front() else {
                return;
            };
            self.admit(id);
            let goes_on = self
                .flights
                .get(token)
                .is_some_and(|flight| matches!(flight.op, Op::Accept { many, .. } if many))
                && !self.deviates(id);
            let peer = self.objects.stream(called).and_then(|end| end.peer_address);
            let socket = self.descriptor(called);
            let outcome = Outcome::Accepted { socket, peer };
            if goes_on {
                self.ready.item(token, outcome);
                continue;
            }
            if let Some(listener) = self.objects.listener(id) {
                listener.accepts.pop_front();
            }
            self.end(token, Ok(outcome));
        }
    }

    /// Lets callers in who wait outside while the backlog has room.
    fn admit(&mut self, id: Id) {
        while let Some(listener) = self.objects.listener(id) {
            if listener.is_full() {
                return;
            }
            let Some(caller) = listener.waiting.pop_front() else {
                return;
            };
            self.establish(id, caller);
        }
    }
}

/// An address that stands for all, called, means this host.
fn concrete(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// The address as a socket of that family shows it.
fn in_family(address: SocketAddr, is_v6: bool) -> SocketAddr {
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(ip) if is_v6 => ip.to_ipv6_mapped().into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
