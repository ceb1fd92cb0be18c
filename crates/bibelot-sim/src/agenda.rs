//! The agenda: what will happen in the world, and when.
//!
//! A heap by time and, for the same time, by the order in which the events were planned. Events name
//! objects and operations with their generation, so what has gone meanwhile is met by nobody.
//!
//! # Invariants
//!
//! - Events come out by time; those of one time in the order they were planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use bibelot_reactor::Token;

use crate::object::Id;

/// Something that will happen in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// What is under way to this stream and due reaches it.
    Arrive(Id),
    /// The news that the peer has read reaches this stream's sender.
    Room(Id),
    /// The request of this stream to be connected reaches its peer; which of its requests it is.
    Knock(Id, u32),
    /// The operation is done by whoever does it: the disk, the resolver, a worker.
    Finish(Token, u64),
    /// A cancel that came late reaches the operation.
    Cancel(Token, u64),
}

#[derive(Debug)]
struct Entry {
    at_ns: u64,
    order: u64,
    event: Event,
}

/// The events to come.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Entry>,
    planned: u64,
}

impl Agenda {
    /// Plans `event` for the time `at_ns`.
    pub(crate) fn plan(&mut self, at_ns: u64, event: Event) {
        let order = self.planned;
        self.planned += 1;
        self.heap.push(Entry {
            at_ns,
            order,
            event,
        });
    }

    /// When the next event comes.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.at_ns)
    }

    /// Takes the next event, if it is due at `now_ns`.
    pub(crate) fn pop_due(&mut self, now_ns: u64) -> Option<Event> {
        if self.next_ns()? > now_ns {
            return None;
        }
        self.heap.pop().map(|entry| entry.event)
    }
}

impl Ord for Entry {
    /// Reversed, because the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_ns, other.order).cmp(&(self.at_ns, self.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_as_planned() {
        let mut agenda = Agenda::default();
        let event = |n| Event::Cancel(Token::new(n, 0), 0);
        for (at_ns, n) in [(5, 0), (3, 1), (5, 2), (3, 3), (u64::MAX, 4)] {
            agenda.plan(at_ns, event(n));
        }
        assert_eq!(agenda.pop_due(2), None);
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop_due(5)).collect();
        assert_eq!(order, [1, 3, 0, 2].map(event));
        assert_eq!(agenda.next_ns(), Some(u64::MAX));
        assert_eq!(agenda.pop_due(u64::MAX), Some(event(4)));
    }
}
