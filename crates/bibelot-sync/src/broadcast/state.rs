//! The state machine of a broadcast, as plain data.
//!
//! Items are numbered in the order in which they were sent, and a receiver is at the number of the next
//! item for it. Each item counts the receivers that have not got it; the last takes it out.
//!
//! # Invariants
//!
//! - Items are kept in order, the oldest first, and no more than the capacity.
//! - An item is left to as many receivers as are at its number or before, those included that have missed
//!   items before it. So it is left to no fewer than any item before it, and what is left to nobody is at
//!   the front.

use std::collections::VecDeque;

use super::error::TryBroadcastError;
use crate::shell::Shell;
use crate::wait_queue::WaitQueue;
use crate::wakes::Wakes;

pub(crate) struct State<T, S: Shell> {
    items: VecDeque<Item<S::Shared<T>>>,
    capacity: usize,
    /// The number of the oldest item that is kept.
    first: u64,
    senders: usize,
    receivers: usize,
    pub(super) waiters: WaitQueue,
}

struct Item<P> {
    value: P,
    left: usize,
}

/// What became of an item that was sent.
pub(super) struct Sent<P> {
    /// How many it goes to.
    pub(super) count: usize,
    /// The item that had to make way, to be dropped outside the lock.
    pub(super) shed: Option<P>,
}

impl<T, S: Shell> State<T, S> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            items: VecDeque::new(),
            capacity,
            first: 0,
            senders: 0,
            receivers: 0,
            waiters: WaitQueue::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn senders(&self) -> usize {
        self.senders
    }

    pub(super) fn receivers(&self) -> usize {
        self.receivers
    }

    /// The number of the next item that is sent.
    fn next(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Sends an item, if there is a receiver.
    pub(super) fn send(
        &mut self,
        value: S::Shared<T>,
        wakes: &mut Wakes,
    ) -> Result<Sent<S::Shared<T>>, S::Shared<T>> {
        let left = self.receivers;
        if left == 0 {
            return Err(value);
        }
        let shed = match self.items.len() == self.capacity {
            true => self.pop(),
            false => None,
        };
        self.items.push_back(Item { value, left });
        self.waiters.grant_all(wakes, |()| ());
        let count = left;
        Ok(Sent { count, shed })
    }

    /// Takes the item that a receiver is at, and moves it on.
    pub(super) fn receive(&mut self, at: &mut u64) -> Result<S::Shared<T>, TryBroadcastError> {
        let missed = self.first.saturating_sub(*at);
        if missed > 0 {
            *at = self.first;
            return Err(TryBroadcastError::Lagged(missed));
        }
        // The distance is less than the length, or the item is not there.
        let index = (*at - self.first) as usize;
        let Some(item) = self.items.get_mut(index) else {
            return Err(match self.senders {
                0 => TryBroadcastError::Closed,
                _ => TryBroadcastError::Empty,
            });
        };
        *at += 1;
        item.left -= 1;
        if index == 0 && item.left == 0 {
            return Ok(self.pop().expect("it was just there"));
        }
        Ok(item.value.clone())
    }

    pub(super) fn add_sender(&mut self) {
        self.senders += 1;
    }

    pub(super) fn remove_sender(&mut self, wakes: &mut Wakes) {
        self.senders -= 1;
        if self.senders == 0 {
            self.waiters.grant_all(wakes, |()| ());
        }
    }

    /// Counts a receiver for the items from number `at` on, or for those that are yet to be sent.
    pub(super) fn add_receiver(&mut self, at: Option<u64>) -> u64 {
        let at = at.unwrap_or(self.next());
        self.receivers += 1;
        self.items_from(at).for_each(|item| item.left += 1);
        at
    }

    /// Counts a receiver out; what is left to nobody by that is to be [taken out](Self::pop_done).
    pub(super) fn remove_receiver(&mut self, at: u64) {
        self.receivers -= 1;
        self.items_from(at).for_each(|item| item.left -= 1);
    }

    /// Takes out the oldest item if it is left to nobody.
    pub(super) fn pop_done(&mut self) -> Option<S::Shared<T>> {
        match self.items.front()?.left {
            0 => self.pop(),
            _ => None,
        }
    }

    fn pop(&mut self) -> Option<S::Shared<T>> {
        let item = self.items.pop_front()?;
        self.first += 1;
        Some(item.value)
    }

    fn items_from(&mut self, at: u64) -> impl Iterator<Item = &mut Item<S::Shared<T>>> {
        let skipped = at.saturating_sub(self.first) as usize;
        self.items.iter_mut().skip(skipped)
    }
}
