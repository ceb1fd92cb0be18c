//! The current task: whose poll is under way on this kernel's thread.

use std::cell::Cell;
use std::panic::Location;
use std::ptr;
use std::task::Waker;

use bibelot_task::{WakerData, is_waker_of};
use bibelot_timer::Instant;

use crate::record::Wait;
use crate::tasks::TaskKey;

/// Whose poll is under way, and what it has said so far.
pub(crate) struct Current {
    key: Cell<Option<TaskKey>>,
    number: Cell<u64>,
    own: Cell<Own>,
    /// A cancel or note was made that concerns the task itself.
    pub asked: Cell<bool>,
    /// What the trap that parked last waits for.
    wait: Cell<Option<Parked>>,
}

/// How the waker of the poll under way is told from others.
#[derive(Clone, Copy)]
pub(crate) enum Own {
    Nobody,
    Main(*const ()),
    Task(WakerData),
}

/// What a trap that parked said.
#[derive(Clone, Copy)]
pub(crate) struct Parked {
    pub wait: Wait,
    pub site: &'static Location<'static>,
    /// The earliest deadline around it.
    pub alarm: Instant,
    /// It was polled with the task's own waker.
    pub is_own: bool,
}

impl Current {
    pub(crate) const fn new() -> Self {
        Self {
            key: Cell::new(None),
            number: Cell::new(0),
            own: Cell::new(Own::Nobody),
            asked: Cell::new(false),
            wait: Cell::new(None),
        }
    }

    /// A poll of the task begins; `own` tells its waker from others.
    #[inline]
    pub(crate) fn begin(&self, key: TaskKey, number: u64, own: Own, asked: bool) {
        self.key.set(Some(key));
        self.number.set(number);
        self.own.set(own);
        self.asked.set(asked);
        self.wait.set(None);
    }

    /// The poll is over.
    #[inline]
    pub(crate) fn end(&self) {
        self.key.set(None);
        self.number.set(0);
        self.own.set(Own::Nobody);
        self.asked.set(false);
    }

    #[inline]
    pub(crate) fn key(&self) -> Option<TaskKey> {
        self.key.get()
    }

    /// The number of the task; 0 if there is none.
    #[inline]
    pub(crate) fn number(&self) -> u64 {
        self.number.get()
    }

    /// Whether `waker` is the task's own, and not one that a combinator put around a part of it.
    #[inline]
    pub(crate) fn is_own(&self, waker: &Waker) -> bool {
        match self.own.get() {
            Own::Task(data) => is_waker_of(waker, data),
            Own::Main(data) => ptr::eq(waker.data(), data),
            Own::Nobody => false,
        }
    }

    /// A trap parks; which one did before in this poll.
    #[inline]
    pub(crate) fn note_wait(&self, parked: Parked) -> Option<Parked> {
        self.wait.replace(Some(parked))
    }

    /// What the trap that parked last in this poll waits for.
    #[inline]
    pub(crate) fn wait(&self) -> Option<Parked> {
        self.wait.get()
    }
}
