//! The line: who waits for room in a group, whoever came first being first.
//!
//! Only who stands at the front is woken, so a group that thousands want to get into pays for each of them
//! once.
//!
//! # Invariants
//!
//! - While there is room, whoever stands at the front has been woken, or is about to look.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

/// Places in the order of their tickets; one that was woken has no waker until it parks again.
#[derive(Default)]
pub(super) struct Line {
    last: u64,
    places: BTreeMap<u64, Option<Waker>>,
}

impl Line {
    /// Takes the place of the ticket, or the last one. Returns a waker to drop.
    pub(super) fn stand(&mut self, ticket: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        let number = *ticket.get_or_insert_with(|| {
            self.last += 1;
            self.last
        });
        self.places.insert(number, Some(waker)).flatten()
    }

    /// Whether whoever has the ticket, or comes now without one, is next.
    pub(super) fn is_next(&self, ticket: Option<u64>) -> bool {
        match self.places.first_key_value() {
            Some((front, _)) => ticket == Some(*front),
            None => true,
        }
    }

    /// Gives a place up. Returns its waker, to be dropped.
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        self.places.remove(&ticket).flatten()
    }

    /// Takes the waker of the place at the front, to be woken.
    pub(super) fn call_next(&mut self) -> Option<Waker> {
        self.places.first_entry()?.get_mut().take()
    }

    /// Takes all wakers, to be woken; the places stay.
    pub(super) fn call_all(&mut self) -> Vec<Waker> {
        self.places.values_mut().filter_map(mem::take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_came_first_is_called_once_and_is_next() {
        let mut line = Line::default();
        let mut tickets = [None; 3];
        assert!(line.is_next(None));
        for ticket in &mut tickets {
            assert!(line.stand(ticket, Waker::noop().clone()).is_none());
        }
        assert!(line.is_next(tickets[0]) && !line.is_next(tickets[1]) && !line.is_next(None));
        assert!(line.call_next().is_some());
        assert!(
            line.call_next().is_none(),
            "it was called, and its place stays"
        );
        assert!(line.leave(tickets[0].unwrap()).is_none());
        assert!(line.is_next(tickets[1]));
        assert_eq!(line.call_all().len(), 2);
        assert!(line.stand(&mut tickets[1], Waker::noop().clone()).is_none());
        assert!(line.is_next(tickets[1]), "its place is the one it had");
    }
}
