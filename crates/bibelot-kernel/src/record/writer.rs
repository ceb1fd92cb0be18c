//! The kernel's side: tells the records what its tasks do.
//!
//! Every call is a handful of stores close together. A named task pays for a lock and a table entry
//! at its beginning and end; the others do not.
//!
//! # Invariants
//!
//! - A name is in its table from before its task's record begins until after it ends; so is the number of a
//!   parent that is too far away for the record.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::atomic::{AtomicBool, AtomicU64, Ordering};
use super::blocks::Blocks;
use super::cell::{Birth, Look, Record};
use super::reader::RecordReader;

/// What the kernel and its readers share.
pub(super) struct Shared {
    pub blocks: Blocks,
    /// The names of the tasks that have one, by number.
    names: Mutex<BTreeMap<u64, Arc<str>>>,
    /// The parents of the tasks whose records cannot hold them, by number.
    parents: Mutex<BTreeMap<u64, u64>>,
    /// The kernel has ended: whatever its records say is over.
    ended: AtomicBool,
    /// How many tasks there are that are no daemons and have not ended; the home thread stores it.
    live: AtomicU64,
}

impl Shared {
    pub(super) fn names(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<str>>> {
        // Nothing under the lock can leave the table half-changed.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn parents(&self) -> MutexGuard<'_, BTreeMap<u64, u64>> {
        self.parents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_ended(&self) -> bool {
        // Relaxed: a flag that says nothing about other memory.
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn live(&self) -> u64 {
        // Relaxed: a number that says nothing about other memory.
        self.live.load(Ordering::Relaxed)
    }
}

/// A task that begins.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    /// Grows with each spawn; at least 1.
    pub number: u64,
    /// The spawning task's number; 0 if there is none.
    pub parent: u64,
    pub spawn_site: &'static Location<'static>,
    pub daemon: bool,
    pub name: Option<Arc<str>>,
}

/// What a task is called by when it is gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub number: u64,
    pub name: Option<Arc<str>>,
    pub spawn_site: Option<&'static Location<'static>>,
    pub daemon: bool,
}

/// The records of one kernel, as the kernel writes them.
///
/// Dropping it tells the readers that the kernel has ended.
pub(crate) struct Records {
    shared: Arc<Shared>,
    /// One thread writes.
    home: PhantomData<Cell<()>>,
}

impl Records {
    /// No records yet, and no memory for any.
    pub(crate) fn new() -> Self {
        let shared = Arc::new(Shared {
            blocks: Blocks::new(),
            names: Mutex::default(),
            parents: Mutex::default(),
            ended: AtomicBool::new(false),
            live: AtomicU64::new(0),
        });
        Self {
            shared,
            home: PhantomData,
        }
    }

    /// A reader for any thread.
    pub(crate) fn reader(&self) -> RecordReader {
        RecordReader::new(self.shared.clone())
    }

    /// A task takes the slot.
    #[inline]
    pub(crate) fn begin(&self, slot: u32, tenant: Tenant) {
        let birth = Birth {
            number: tenant.number,
            parent: tenant.parent,
            spawn_site: tenant.spawn_site,
            daemon: tenant.daemon,
            named: tenant.name.is_some(),
        };
        if let Some(name) = tenant.name {
            self.name(birth.number, name);
        }
        if birth.is_far() {
            self.keep_parent(birth);
        }
        self.at(slot).begin(birth);
        if !birth.daemon {
            self.count(1);
        }
    }

    /// A task that has no name and is no daemon takes the slot.
    #[inline]
    pub(crate) fn begin_plain(
        &self,
        slot: u32,
        number: u64,
        parent: u64,
        spawn_site: &'static Location<'static>,
    ) {
        let birth = Birth {
            number,
            parent,
            spawn_site,
            daemon: false,
            named: false,
        };
        if birth.is_far() {
            self.keep_parent(birth);
        }
        self.at(slot).begin(birth);
        self.count(1);
    }

    /// One thread stores the count, so a load and a store change it.
    #[inline]
    fn count(&self, by: i64) {
        let live = self.shared.live().wrapping_add_signed(by);
        self.shared.live.store(live, Ordering::Relaxed);
    }

    #[inline(never)]
    fn name(&self, number: u64, name: Arc<str>) {
        self.shared.names().insert(number, name);
    }

    #[cold]
    fn keep_parent(&self, birth: Birth) {
        self.shared.parents().insert(birth.number, birth.parent);
    }

    /// The task in the slot was woken.
    #[inline]
    pub(crate) fn ready(&self, slot: u32) {
        self.tenant(slot).ready();
    }

    /// The task in the slot was asked to end.
    pub(crate) fn cancelled(&self, slot: u32) {
        self.tenant(slot).cancelled();
    }

    /// What was asked of the task in the slot, or what it was told, is to be looked at before its polls.
    pub(crate) fn heed(&self, slot: u32) {
        self.tenant(slot).heed();
    }

    /// The record's task has ended, and its slot is not free yet.
    #[inline]
    pub(crate) fn terminated(&self, record: &Record) {
        if record.terminated() {
            self.count(-1);
        }
    }

    /// What is known of the task in the slot, for telling of it when the slot is free.
    pub(crate) fn known(&self, slot: u32) -> Known {
        let Look::Tenant(words) = self.tenant(slot).look() else {
            return Known::default();
        };
        let name = match words.named {
            true => self.shared.names().get(&words.number).cloned(),
            false => None,
        };
        Known {
            number: words.number,
            name,
            spawn_site: words.spawn_site,
            daemon: words.daemon,
        }
    }

    /// The number of the task in the slot; 0 if that is free.
    #[inline]
    pub(crate) fn number(&self, slot: u32) -> u64 {
        self.shared.blocks.get(slot).map_or(0, Record::number)
    }

    /// The slot is free.
    #[inline]
    pub(crate) fn end(&self, slot: u32) {
        self.terminated(self.tenant(slot));
        self.vacate(slot);
    }

    /// The slot of a task that is known to have ended is free.
    #[inline]
    pub(crate) fn vacate(&self, slot: u32) {
        if let Some(number) = self.tenant(slot).end() {
            self.forget(number);
        }
    }

    #[inline(never)]
    fn forget(&self, number: u64) {
        self.shared.names().remove(&number);
        self.shared.parents().remove(&number);
    }

    #[inline]
    fn at(&self, slot: u32) -> &Record {
        self.shared.blocks.at(slot)
    }

    /// The record of a slot that is taken.
    #[inline]
    pub(crate) fn tenant(&self, slot: u32) -> &Record {
        let record = self.at(slot);
        debug_assert!(record.is_taken(), "slot {slot} has a tenant");
        record
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        // Relaxed: pairs with nothing; the records themselves stay readable.
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}
