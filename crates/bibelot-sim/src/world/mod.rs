//! The world: all that exists, and what it does when programs ask and when time passes.
//!
//! | File | What it holds |
//! |---|---|
//! | `begin` | the `match` over operations |
//! | `call` | the `match` over calls |
//! | `connect` | listening, knocking, accepting |
//! | `bytes` | sending and receiving |
//! | `close` | shutting down, letting go, resetting |
//! | `finish` | what the disk, the resolver and workers do |
//! | `cancel` | early ends |
//! | `turn` | the passage of time |
//!
//! # Invariants
//!
//! - Every operation is in `flights` from its submission to its end, and a socket's queues name exactly
//!   those that wait for it.
//! - What happens to a socket is followed by `touch`, which serves everyone it concerns.

mod begin;
mod bytes;
mod call;
mod cancel;
mod close;
mod connect;
mod finish;
mod turn;

pub(crate) use turn::Passed;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use bibelot_reactor::{Counters, Fd, Outcome, Token};
use bibelot_sched::Kind;

use crate::agenda::{Agenda, Event};
use crate::clock::SimClock;
use crate::decide::Decider;
use crate::disk::Disk;
use crate::flight::Flights;
use crate::handle::Link;
use crate::names::Names;
use crate::object::{Id, Object, Objects};
use crate::pieces::Pieces;
use crate::ports::Ports;
use crate::ready::Ready;
use crate::settings::Settings;
use crate::spot::Spot;

/// A simulated world and everything in it.
pub(crate) struct World {
    pub(crate) clock: SimClock,
    pub(crate) settings: Settings,
    pub(crate) decider: Decider,
    pub(crate) link: Arc<Link>,
    pub(crate) counters: Counters,
    agenda: Agenda,
    objects: Objects,
    /// How many descriptors the program holds.
    held: usize,
    flights: Flights,
    ports: Ports,
    names: Names,
    disk: Disk,
    pieces: Pieces,
    ready: Ready,
    /// Where questions are asked that belong to no object.
    spots: Spots,
    sockets: u32,
    /// Scratch: events that are due, objects let go of, listeners found.
    due: VecDeque<Event>,
    swept: Vec<Id>,
    found: Vec<Id>,
}

/// Where questions are asked that belong to no object.
struct Spots {
    order: Spot,
    resolver: Spot,
    workers: Spot,
    disk: Spot,
}

/// What a world begins with.
pub(crate) struct Origin {
    pub(crate) settings: Settings,
    pub(crate) hosts: Vec<IpAddr>,
    pub(crate) names: Names,
    pub(crate) disk: Disk,
}

impl World {
    pub(crate) fn new(origin: Origin, clock: SimClock, decider: Decider) -> Self {
        Self {
            clock,
            decider,
            link: Arc::new(Link::default()),
            counters: Counters::default(),
            agenda: Agenda::default(),
            objects: Objects::default(),
            held: 0,
            flights: Flights::default(),
            ports: Ports::new(origin.hosts),
            names: origin.names,
            disk: origin.disk,
            pieces: Pieces::new(origin.settings.piece_len),
            settings: origin.settings,
            ready: Ready::default(),
            spots: Spots {
                order: Spot::world(0),
                resolver: Spot::world(1),
                workers: Spot::world(2),
                disk: Spot::world(3),
            },
            sockets: 0,
            due: VecDeque::new(),
            swept: Vec::new(),
            found: Vec::new(),
        }
    }

    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// Ends the operation `token`, if it is under way.
    fn end(&mut self, token: Token, result: io::Result<Outcome>) {
        if let Some(flight) = self.flights.remove(token) {
            self.ready.end(token, result, flight.op);
        }
    }

    /// When a packet arrives that the object `id` sends now.
    fn travel(&mut self, id: Id) -> u64 {
        let span = self.settings.latency;
        let drawn = match self.objects.spot(id) {
            Some(spot) => self.decider.draw(spot, span),
            None => span.least_ns,
        };
        self.now_ns().saturating_add(drawn)
    }

    /// How much is done of what could be: all of it, or less where counts may come out short.
    fn share(&mut self, id: Id, most: usize) -> usize {
        if most < 2 || !self.settings.split || !self.decider.is_asked() {
            return most;
        }
        let Some(spot) = self.objects.spot(id) else {
            return most;
        };
        match self.decider.ask(Kind::Io, spot, 3) {
            0 => most,
            1 => 1,
            _ => most / 2,
        }
    }

    /// A yes or no about the object `id` that production always answers with no.
    fn deviates(&mut self, id: Id) -> bool {
        self.decider.is_asked()
            && self
                .objects
                .spot(id)
                .is_some_and(|spot| self.decider.ask(Kind::Io, spot, 2) == 1)
    }

    /// The object behind a descriptor, and a descriptor for an object.
    fn resolve(&self, fd: &Fd) -> io::Result<Id> {
        self.link.resolve(fd)
    }

    /// Whether the program may hold one more descriptor.
    fn has_room(&self) -> bool {
        self.held < self.settings.descriptors_max
    }

    /// A descriptor for the object `id`, which has none yet.
    fn descriptor(&mut self, id: Id) -> Fd {
        self.held += 1;
        self.link.descriptor(id)
    }

    /// Serves everyone whom a change of the object `id` concerns.
    fn touch(&mut self, id: Id) {
        match self.objects.get(id) {
            Some(Object::Stream(_)) => {
                self.serve_receivers(id);
                self.serve_senders(id);
                self.serve_watchers(id);
            }
            Some(Object::Listener(_)) => {
                self.serve_accepts(id);
                self.serve_watchers(id);
            }
            Some(Object::File(_)) | None => {}
        }
    }

    /// What waits, for people.
    pub(crate) fn waiting(&self) -> String {
        let census = self.flights.census();
        let parts: Vec<String> = census
            .iter()
            .map(|(kind, count)| format!("{count} {kind:?}"))
            .collect();
        parts.join(", ")
    }
}

impl Objects {
    /// Where an object asks its questions.
    fn spot(&mut self, id: Id) -> Option<&mut Spot> {
        match self.get_mut(id)? {
            Object::Listener(listener) => Some(&mut listener.spot),
            Object::Stream(stream) => Some(&mut stream.spot),
            Object::File(file) => Some(&mut file.spot),
        }
    }
}
