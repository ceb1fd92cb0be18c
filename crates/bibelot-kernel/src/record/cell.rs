//! One record: three quarters of a cache line that the home thread writes and any thread reads.
//!
//! The layout is 48 bytes, in this order: sequence (4), parent (4), number (8), life (8), deadline (8), spawn
//! site (8), wait site (8). The *life* is what changes most in one word, so that a step takes one store:
//! the state (8 bits), flags (8 bits) and the count of polls (48 bits, a year of nothing else at nine million
//! a second). Of the parent's number the record has the lower half; the upper one is that of the child's, or
//! of the number nearest to it. A parent further away than that (2^31 spawns) is in a side table.
//!
//! What belongs together is written in a *section*: the sequence number is odd while it lasts and grows
//! by two with each. A section begins a tenancy, and sets the reason and the place of a wait. All else (ready,
//! running, polls, deadline, the cancel mark, the end of the tenancy, which takes away the number alone) is true
//! of the tenant whenever it is read, and takes one store outside any section.
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
//! stores after it, hence of one tenant and one wait. That the sequence number has not come round between
//! them, 2^31 sections later, is seen by the second look, too: nearly each follows a poll of its own, which
//! the life counts, and the others change the number.
//!
//! # Invariants
//!
//! - One thread writes. It is the only one that stores, so a load and a store make an increment.
//! - `number` is 0 exactly while the record has no tenant.

use std::panic::Location;

use super::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use super::info::TaskState;
use super::site::SiteCell;
use super::wait::Wait;

/// In `deadline_ns`: there is none.
const NO_DEADLINE: u64 = u64::MAX;

/// The task's kernel ends without waiting for it.
const DAEMON: u64 = 1 << 8;
/// The task was asked to end.
const CANCELLED: u64 = 2 << 8;
/// The task has an entry in the table of names.
const NAMED: u64 = 4 << 8;
/// The task has no parent.
const ORPHAN: u64 = 8 << 8;
/// The parent's number is in the table of those far away.
const FAR: u64 = 16 << 8;
/// The kernel has to look at its table before it polls the task.
const HEEDED: u64 = 32 << 8;

/// One poll, in the life.
const POLL: u64 = 1 << 16;
const POLLS_SHIFT: u32 = POLL.ilog2();
/// Above this many polls, two looks with one sequence number are of different times.
const EPOCH: u32 = POLLS_SHIFT + 24;

/// The state's bits of the life.
const STATE: u64 = 0xff;
const INITIAL: u64 = 0;
const READY: u64 = 1;
const RUNNING: u64 = 2;
const TERMINATED: u64 = 3;
/// The byte of the wait is added to this.
const PARKED: u64 = 16;

/// What other threads may read of the task in one slot.
#[repr(C)]
pub(crate) struct Record {
    sequence: AtomicU32,
    parent: AtomicU32,
    number: AtomicU64,
    life: AtomicU64,
    deadline_ns: AtomicU64,
    spawn_site: SiteCell,
    site: SiteCell,
}

/// What does not change while a task lives.
#[derive(Clone, Copy)]
pub(super) struct Birth {
    pub number: u64,
    pub parent: u64,
    pub spawn_site: &'static Location<'static>,
    pub daemon: bool,
    pub named: bool,
}

impl Birth {
    /// Whether the parent is too far away to be told by the lower half of its number.
    #[inline]
    pub(super) fn is_far(self) -> bool {
        // The distance within -2^31..2^31, moved up by its half.
        let moved = self.parent.wrapping_sub(self.number).wrapping_add(1 << 31);
        self.parent != 0 && moved >> 32 != 0
    }
}

/// What a poll begins with.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    pub number: u64,
    /// The kernel has to look at its table first.
    pub is_heeded: bool,
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
    /// `None` if it is far away: see the side table.
    pub parent: Option<u64>,
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
    /// A record without a tenant, which is all zeros: what else it says is set as a tenancy begins.
    #[cfg(any(test, loom))]
    pub(super) fn new() -> Self {
        Self {
            sequence: AtomicU32::new(0),
            parent: AtomicU32::new(0),
            number: AtomicU64::new(0),
            life: AtomicU64::new(INITIAL),
            deadline_ns: AtomicU64::new(0),
            spawn_site: SiteCell::new(),
            site: SiteCell::new(),
        }
    }

    /// Whether all words are the same.
    #[cfg(all(test, not(loom)))]
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let words = |record: &Self| {
            let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
            (
                record.sequence.load(Ordering::Relaxed),
                record.parent.load(Ordering::Relaxed),
                [&record.number, &record.life, &record.deadline_ns].map(load),
                [&record.spawn_site, &record.site].map(SiteCell::get),
            )
        };
        words(self) == words(other)
    }

    /// Begins a tenancy.
    #[inline]
    pub(super) fn begin(&self, birth: Birth) {
        debug_assert_ne!(birth.number, 0, "numbers begin at 1");
        debug_assert!(!self.is_taken(), "a slot has one tenant at a time");
        let flag = |is_set: bool, flag: u64| if is_set { flag } else { 0 };
        let flags = flag(birth.daemon, DAEMON)
            | flag(birth.named, NAMED)
            | flag(birth.parent == 0, ORPHAN)
            | flag(birth.is_far(), FAR);
        self.section(|| {
            self.number.store(birth.number, Ordering::Relaxed);
            self.parent.store(birth.parent as u32, Ordering::Relaxed);
            self.life.store(INITIAL | flags, Ordering::Relaxed);
            self.deadline_ns.store(NO_DEADLINE, Ordering::Relaxed);
            self.spawn_site.set(Some(birth.spawn_site));
            self.site.set(None);
        });
    }

    /// Ends the tenancy; the tenant's number if a side table has something of it.
    #[inline]
    pub(super) fn end(&self) -> Option<u64> {
        let number = self.number();
        self.number.store(0, Ordering::Relaxed);
        self.has(NAMED | FAR).then_some(number)
    }

    /// The tenant's number; 0 without one.
    #[inline]
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// The task waits for something, at a place in the source if that is known.
    #[inline]
    pub(crate) fn parked(&self, wait: Wait, site: Option<&'static Location<'static>>) {
        self.section(|| {
            self.site.set(site);
            self.set_state(PARKED + u64::from(wait.to_byte()));
        });
    }

    /// The task is about to be polled; counts the poll.
    #[inline]
    pub(crate) fn running(&self) -> Begun {
        let life = self.life.load(Ordering::Relaxed);
        // The count stops at its end.
        let counted = life.checked_add(POLL).unwrap_or(life);
        self.life
            .store(counted & !STATE | RUNNING, Ordering::Relaxed);
        Begun {
            number: self.number(),
            is_heeded: life & HEEDED != 0,
        }
    }

    /// How often it has been polled.
    pub(crate) fn polls(&self) -> u64 {
        self.life.load(Ordering::Relaxed) >> POLLS_SHIFT
    }

    /// The task was woken.
    #[inline]
    pub(crate) fn ready(&self) {
        self.set_state(READY);
    }

    /// The task has ended, and its slot is not free yet. Whether the kernel has waited for that: it was no
    /// daemon, and had not ended before.
    #[inline]
    pub(super) fn terminated(&self) -> bool {
        let life = self.life.load(Ordering::Relaxed);
        self.life
            .store(life & !STATE | TERMINATED, Ordering::Relaxed);
        life & DAEMON == 0 && life & STATE != TERMINATED
    }

    /// The earliest deadline of the task is now this.
    #[inline]
    pub(crate) fn deadline(&self, at_ns: Option<u64>) {
        self.deadline_ns
            .store(at_ns.unwrap_or(NO_DEADLINE), Ordering::Relaxed);
    }

    pub(super) fn cancelled(&self) {
        self.mark(CANCELLED);
    }

    /// From now on the kernel looks at its table before it polls the task.
    pub(crate) fn heed(&self) {
        self.mark(HEEDED);
    }

    /// Whether the record has a tenant.
    pub(super) fn is_taken(&self) -> bool {
        self.number() != 0
    }

    #[inline]
    fn has(&self, flags: u64) -> bool {
        self.life.load(Ordering::Relaxed) & flags != 0
    }

    fn mark(&self, flag: u64) {
        let life = self.life.load(Ordering::Relaxed);
        self.life.store(life | flag, Ordering::Relaxed);
    }

    #[inline]
    fn set_state(&self, state: u64) {
        let life = self.life.load(Ordering::Relaxed);
        self.life.store(life & !STATE | state, Ordering::Relaxed);
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
        let life = self.life.load(Ordering::Relaxed);
        let parent = self.parent.load(Ordering::Relaxed);
        let deadline_ns = self.deadline_ns.load(Ordering::Relaxed);
        let words = Words {
            number,
            parent: match life {
                _ if life & ORPHAN != 0 => Some(0),
                _ if life & FAR != 0 => None,
                _ => Some(nearest(number, parent)),
            },
            polls: life >> POLLS_SHIFT,
            deadline_ns: (deadline_ns != NO_DEADLINE).then_some(deadline_ns),
            spawn_site: self.spawn_site.get(),
            site: self.site.get(),
            state: decode(life & STATE),
            daemon: life & DAEMON != 0,
            cancelled: life & CANCELLED != 0,
            named: life & NAMED != 0,
        };
        fence(Ordering::Acquire); // R2
        let is_same = self.sequence.load(Ordering::Relaxed) == first
            && self.number.load(Ordering::Relaxed) == number
            && (self.life.load(Ordering::Relaxed) ^ life) >> EPOCH == 0;
        if is_same {
            Look::Tenant(words)
        } else {
            Look::Changing
        }
    }
}

/// The number with this lower half that is nearest to `number`.
#[inline]
fn nearest(number: u64, low: u32) -> u64 {
    let distance = low.wrapping_sub(number as u32).cast_signed();
    number.wrapping_add_signed(distance.into())
}

fn decode(state: u64) -> TaskState {
    match state {
        INITIAL => TaskState::Initial,
        READY => TaskState::Ready,
        RUNNING => TaskState::Running,
        TERMINATED => TaskState::Terminated,
        parked => TaskState::Parked(Wait::from_byte((parked - PARKED) as u8)),
    }
}
