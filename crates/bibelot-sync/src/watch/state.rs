//! The state machine of a watch, as plain data.
//!
//! # Invariants
//!
//! - The version grows with each value that is sent.
//! - Who is parked to hear of a change has seen the present version; nobody is parked for one when no
//!   sender is left, nor to hear that no receiver is left when none is.

use std::mem;

use crate::shell::Shell;
use crate::shell::sealed::Shared;
use crate::wait_queue::WaitQueue;
use crate::wakes::Wakes;

pub(crate) struct State<T, S: Shell> {
    value: S::Shared<T>,
    version: u64,
    senders: usize,
    receivers: usize,
    pub(super) watchers: WaitQueue,
    /// Those that wait for all receivers to be gone.
    pub(super) idlers: WaitQueue,
}

/// What a new value has replaced, to be dropped outside the lock.
pub(super) enum Old<T, P> {
    Value(T),
    Shared(P),
}

impl<T, S: Shell> State<T, S> {
    pub(super) fn new(value: S::Shared<T>) -> Self {
        Self {
            value,
            version: 0,
            senders: 0,
            receivers: 0,
            watchers: WaitQueue::new(),
            idlers: WaitQueue::new(),
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn senders(&self) -> usize {
        self.senders
    }

    pub(super) fn receivers(&self) -> usize {
        self.receivers
    }

    pub(super) fn latest(&self) -> (S::Shared<T>, u64) {
        (self.value.clone(), self.version)
    }

    /// Puts a new value: into the place of the old one, if nobody reads that, so that nothing is
    /// allocated.
    pub(super) fn send(&mut self, value: T, wakes: &mut Wakes) -> Old<T, S::Shared<T>> {
        self.version += 1;
        self.watchers.grant_all(wakes, |()| ());
        match self.value.sole() {
            Some(place) => Old::Value(mem::replace(place, value)),
            None => Old::Shared(mem::replace(&mut self.value, S::Shared::new(value))),
        }
    }

    /// Whether the value has changed since version `seen`; `None` if it has not, and cannot any more.
    pub(super) fn has_changed(&self, seen: u64) -> Option<bool> {
        match self.version != seen {
            false if self.senders == 0 => None,
            changed => Some(changed),
        }
    }

    pub(super) fn add_sender(&mut self) {
        self.senders += 1;
    }

    pub(super) fn remove_sender(&mut self, wakes: &mut Wakes) {
        self.senders -= 1;
        if self.senders == 0 {
            self.watchers.grant_all(wakes, |()| ());
        }
    }

    /// Counts one more receiver, and returns the version it is to take as seen.
    pub(super) fn add_receiver(&mut self) -> u64 {
        self.receivers += 1;
        self.version
    }

    pub(super) fn remove_receiver(&mut self, wakes: &mut Wakes) {
        self.receivers -= 1;
        if self.receivers == 0 {
            self.idlers.grant_all(wakes, |()| ());
        }
    }
}
