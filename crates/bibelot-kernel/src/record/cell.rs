//! One record: a cache line that the home thread writes and any thread reads.
//!
//! The layout is 64 bytes, in this order: sequence (8), number (8), parent (8), polls (8), deadline (8),
//! spawn site (8), wait site (8), generation (4), state (1), flags (1), two bytes free.
//!
//! What belongs together is written in a *section*: the sequence number is odd while it lasts and grows
//! by two with each. A section begins and ends a tenancy, and sets the reason and the place of a wait.
//! All else (ready, running, polls, deadline, the cancel mark) is a word of its own that is true of the
//! tenant whenever it is read, and takes one store outside any section.
//!
//! # Orderings
//!
//! All words are relaxed. Four points order them:
//!
//! - *W1*, a release fence after the odd number is stored. It pairs with *R2*: a reader that copied any
//!   word stored after W1, in the section or later, finds that number or a higher one at its second look.
//! - *W2*, the release store of the even number. It pairs with *R1*, the acquire load of the first look:
//!   a reader that starts from this number copies words at least as new as the section.
//! - *R2*, an acquire fence between the copy and the second look.
//!
//! So with equal, even numbers at both looks every copied word is of that section or of the single
//! stores after it, hence of one tenant and one wait.
//!
//! # Invariants
//!
//! - One thread writes. It is the only one that stores, so a load and a store make an increment.
//! - `number` is 0 exactly while the record has no tenant.
//! - The sequence number would wrap after 2^63 sections, which no kernel lives to see.

use std::panic::Location;

use super::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
use super::info::TaskState;
use super::site::SiteCell;
use super::wait::Wait;

/// In `deadline_ns`: there is none.
const NO_DEADLINE: u64 = u64::MAX;

/// The task's kernel ends without waiting for it.
const DAEMON: u8 = 1;
/// The task was asked to end.
const CANCELLED: u8 = 2;
/// The task has an entry in the table of names.
const NAMED: u8 = 4;

const INITIAL: u8 = 0;
const READY: u8 = 1;
const RUNNING: u8 = 2;
const TERMINATED: u8 = 3;
/// The byte of the wait is added to this.
const PARKED: u8 = 16;

/// What other threads may read of the task in one slot.
#[repr(C, align(64))]
pub(crate) struct Record {
    sequence: AtomicU64,
    number: AtomicU64,
    parent: AtomicU64,
    polls: AtomicU64,
    deadline_ns: AtomicU64,
    spawn_site: SiteCell,
    site: SiteCell,
    generation: AtomicU32,
    state: AtomicU8,
    flags: AtomicU8,
}

/// What does not change while a task lives.
#[derive(Clone, Copy)]
pub(super) struct Birth {
    pub number: u64,
    pub generation: u32,
    pub parent: u64,
    pub spawn_site: &'static Location<'static>,
    pub daemon: bool,
    pub named: bool,
}

/// What one look found.
#[derive(Clone, Copy)]
pub(super) enum Look {
    /// Nobody has the slot.
    Vacant,
    /// The words of one tenant.
    Tenant(Words),
    /// They changed during the look, which says nothing.
    Changing,
}

/// A consistent copy of a record.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub number: u64,
    pub generation: u32,
    pub parent: u64,
    pub polls: u64,
    pub deadline_ns: Option<u64>,
    pub spawn_site: Option<&'static Location<'static>>,
    pub site: Option<&'static Location<'static>>,
    pub state: TaskState,
    pub daemon: bool,
    pub cancelled: bool,
    pub named: bool,
}

/// The kernel's side: the home thread only.
impl Record {
    /// A record without a tenant.
    pub(super) fn new() -> Self {
        Self {
            sequence: AtomicU64::new(0),
            number: AtomicU64::new(0),
            parent: AtomicU64::new(0),
            polls: AtomicU64::new(0),
            deadline_ns: AtomicU64::new(NO_DEADLINE),
            spawn_site: SiteCell::new(),
            site: SiteCell::new(),
            generation: AtomicU32::new(0),
            state: AtomicU8::new(INITIAL),
            flags: AtomicU8::new(0),
        }
    }

    /// Begins a tenancy.
    #[inline]
    pub(super) fn begin(&self, birth: Birth) {
        debug_assert_ne!(birth.number, 0, "numbers begin at 1");
        debug_assert!(!self.is_taken(), "a slot has one tenant at a time");
        let flags = if birth.daemon { DAEMON } else { 0 } | if birth.named { NAMED } else { 0 };
        self.section(|| {
            self.number.store(birth.number, Ordering::Relaxed);
            self.parent.store(birth.parent, Ordering::Relaxed);
            self.polls.store(0, Ordering::Relaxed);
            self.deadline_ns.store(NO_DEADLINE, Ordering::Relaxed);
            self.spawn_site.set(Some(birth.spawn_site));
            self.site.set(None);
            self.generation.store(birth.generation, Ordering::Relaxed);
            self.state.store(INITIAL, Ordering::Relaxed);
            self.flags.store(flags, Ordering::Relaxed);
        });
    }

    /// Ends the tenancy; whether the tenant had a name, and its number.
    #[inline]
    pub(super) fn end(&self) -> (bool, u64) {
        let number = self.number.load(Ordering::Relaxed);
        self.section(|| self.number.store(0, Ordering::Relaxed));
        (self.has(NAMED), number)
    }

    /// The task waits for something, at a place in the source if that is known.
    #[inline]
    pub(crate) fn parked(&self, wait: Wait, site: Option<&'static Location<'static>>) {
        self.section(|| {
            self.site.set(site);
            self.state.store(PARKED + wait.to_byte(), Ordering::Relaxed);
        });
    }

    /// The task is about to be polled; counts the poll.
    #[inline]
    pub(crate) fn running(&self) {
        let polls = self.polls.load(Ordering::Relaxed);
        self.polls.store(polls + 1, Ordering::Relaxed);
        self.state.store(RUNNING, Ordering::Relaxed);
    }

    /// How often it has been polled.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// The task was woken.
    #[inline]
    pub(crate) fn ready(&self) {
        self.state.store(READY, Ordering::Relaxed);
    }

    /// The task has ended, and its slot is not free yet.
    #[inline]
    pub(crate) fn terminated(&self) {
        self.state.store(TERMINATED, Ordering::Relaxed);
    }

    /// Whether the kernel waits for the task when it ends: it is no daemon, and has not ended.
    #[inline]
    pub(super) fn is_missed(&self) -> bool {
        !self.has(DAEMON) && self.state.load(Ordering::Relaxed) != TERMINATED
    }

    /// The earliest deadline of the task is now this.
    #[inline]
    pub(crate) fn deadline(&self, at_ns: Option<u64>) {
        self.deadline_ns
            .store(at_ns.unwrap_or(NO_DEADLINE), Ordering::Relaxed);
    }

    pub(super) fn cancelled(&self) {
        let flags = self.flags.load(Ordering::Relaxed);
        self.flags.store(flags | CANCELLED, Ordering::Relaxed);
    }

    /// Whether the record has a tenant.
    pub(super) fn is_taken(&self) -> bool {
        self.number.load(Ordering::Relaxed) != 0
    }

    fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// Makes the stores of `write` appear together.
    #[inline(always)]
    fn section(&self, write: impl FnOnce()) {
        let before = self.sequence.load(Ordering::Relaxed);
        self.sequence
            .store(before.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release); // W1
        write();
        self.sequence
            .store(before.wrapping_add(2), Ordering::Release); // W2
    }
}

/// Everybody else's side.
impl Record {
    /// Looks once; never waits.
    pub(super) fn look(&self) -> Look {
        let first = self.sequence.load(Ordering::Acquire); // R1
        if first % 2 == 1 {
            return Look::Changing;
        }
        let number = self.number.load(Ordering::Relaxed);
        if number == 0 {
            // True on its own, at the moment of this load.
            return Look::Vacant;
        }
        let flags = self.flags.load(Ordering::Relaxed);
        let deadline_ns = self.deadline_ns.load(Ordering::Relaxed);
        let words = Words {
            number,
            generation: self.generation.load(Ordering::Relaxed),
            parent: self.parent.load(Ordering::Relaxed),
            polls: self.polls.load(Ordering::Relaxed),
            deadline_ns: (deadline_ns != NO_DEADLINE).then_some(deadline_ns),
            spawn_site: self.spawn_site.get(),
            site: self.site.get(),
            state: decode(self.state.load(Ordering::Relaxed)),
            daemon: flags & DAEMON != 0,
            cancelled: flags & CANCELLED != 0,
            named: flags & NAMED != 0,
        };
        fence(Ordering::Acquire); // R2
        if self.sequence.load(Ordering::Relaxed) == first {
            Look::Tenant(words)
        } else {
            Look::Changing
        }
    }
}

fn decode(state: u8) -> TaskState {
    match state {
        INITIAL => TaskState::Initial,
        READY => TaskState::Ready,
        RUNNING => TaskState::Running,
        TERMINATED => TaskState::Terminated,
        parked => TaskState::Parked(Wait::from_byte(parked - PARKED)),
    }
}
