//! Early ends: a cancel against the completion it races with.
//!
//! What waits for somebody else ends at once in production, without effect; the world may also let the
//! cancel come late, and then whichever is first wins. What the disk is at is finished all the same in
//! production, and may also be taken back before it began.

use bibelot_reactor::{OpKind, Outcome, Token, cancelled};
use bibelot_sched::Kind;

use super::{Spots, World};
use crate::agenda::Event;
use crate::object::{Id, Object, Objects};
use crate::spot::Spot;

impl World {
    /// Asks the operation `token` to end early.
    pub(crate) fn cancel(&mut self, token: Token) {
        self.sweep();
        let Some(flight) = self.flights.get_mut(token) else {
            return;
        };
        if flight.cancelled {
            return;
        }
        flight.cancelled = true;
        let serial = flight.serial;
        let kind = flight.op.kind();
        let id = flight.op.fd().and_then(|fd| self.link.resolve(fd).ok());
        let asked = spot(&mut self.objects, &mut self.spots, id, kind);
        let is_late = self.decider.ask(Kind::Race, asked, 2) == 1;
        match kind {
            OpKind::ReadAt | OpKind::WriteAt | OpKind::Sync | OpKind::Open => {
                if is_late {
                    self.abort(token);
                }
            }
            _ if is_late => {
                let span = self.settings.latency;
                let late_ns = self
                    .decider
                    .draw(spot(&mut self.objects, &mut self.spots, id, kind), span);
                let at_ns = self.now_ns().saturating_add(late_ns);
                self.agenda.plan(at_ns, Event::Cancel(token, serial));
            }
            _ => self.abort(token),
        }
    }

    /// A cancel that came late has reached its operation.
    pub(super) fn cancel_late(&mut self, token: Token, serial: u64) {
        if self
            .flights
            .get(token)
            .is_some_and(|flight| flight.serial == serial)
        {
            self.abort(token);
        }
    }

    /// Ends an operation that has had no effect.
    fn abort(&mut self, token: Token) {
        let Some(flight) = self.flights.remove(token) else {
            return;
        };
        let kind = flight.op.kind();
        let id = flight.op.fd().and_then(|fd| self.link.resolve(fd).ok());
        match id.and_then(|id| self.objects.get_mut(id)) {
            Some(Object::Stream(stream)) => {
                stream.receivers.retain(|waits| *waits != token);
                stream.senders.retain(|waits| *waits != token);
                stream.watchers.retain(|(waits, _)| *waits != token);
                stream.connect = stream.connect.filter(|waits| *waits != token);
            }
            Some(Object::Listener(listener)) => {
                listener.accepts.retain(|waits| *waits != token);
                listener.watchers.retain(|(waits, _)| *waits != token);
            }
            Some(Object::File(_)) | None => {}
        }
        let result = if kind.is_flow() {
            Ok(Outcome::Paused)
        } else {
            Err(cancelled())
        };
        self.ready.end(token, result, flight.op);
        if let Some(id) = id {
            self.touch(id);
        }
    }
}

/// Where it is asked how a race with an operation of that kind goes: at its object, or at whoever does it.
fn spot<'a>(
    objects: &'a mut Objects,
    spots: &'a mut Spots,
    id: Option<Id>,
    kind: OpKind,
) -> &'a mut Spot {
    match (id.and_then(|id| objects.spot(id)), kind) {
        (Some(spot), _) => spot,
        (None, OpKind::Open) => &mut spots.disk,
        (None, OpKind::Resolve) => &mut spots.resolver,
        (None, _) => &mut spots.workers,
    }
}
