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
    /// The number of the task; 0 if there is none.
    number: Cell<u64>,
    slot: Cell<u32>,
    own: Cell<Own>,
    /// A cancel or note was made that concerns the task itself.
    pub asked: Cell<bool>,
    /// What the trap that parked last waits for.
    wait: Cell<Option<Parked>>,
    /// One did that was polled with the task's own waker.
    pub has_parked: Cell<bool>,
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
            number: Cell::new(0),
            slot: Cell::new(0),
            own: Cell::new(Own::Nobody),
            asked: Cell::new(false),
            wait: Cell::new(None),
            has_parked: Cell::new(false),
        }
    }

    /// A poll of the task begins; `own` tells its waker from others.
    #[inline]
    pub(crate) fn begin(&self, slot: u32, number: u64, own: Own) {
        self.number.set(number);
        self.slot.set(slot);
        self.own.set(own);
        self.asked.set(false);
        self.wait.set(None);
        self.has_parked.set(false);
    }

    /// The poll is over.
    #[inline]
    pub(crate) fn end(&self) {
        // What is not asked for without a task stays: the slot, whose waker, what was waited for.
        self.number.set(0);
        self.asked.set(false);
    }

    #[inline]
    pub(crate) fn key(&self) -> Option<TaskKey> {
        let number = self.number.get();
        (number != 0).then(|| TaskKey::new(self.slot.get(), number))
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

    /// A trap parks.
    #[inline]
    pub(crate) fn note_wait(&self, parked: Parked) {
        self.wait.set(Some(parked));
    }

    /// Whether the trap that parked last in this poll gave way: its task, woken already, is polled again.
    #[inline]
    pub(crate) fn gave_way(&self) -> bool {
        let wait = self.wait.get();
        wait.is_some_and(|parked| parked.wait == Wait::Yield && parked.is_own)
    }

    /// What the trap that parked last in this poll waits for.
    #[inline]
    pub(crate) fn wait(&self) -> Option<Parked> {
        self.wait.get()
    }
}
