//! The reader: everybody else's side of the records.
//!
//! A look copies a record and compares its sequence number before and after. If the kernel wrote in
//! between, the look is repeated, a bounded number of times: a kernel thread that was put aside in the
//! middle of its dozen stores makes a reader give that one task up, never wait for it.

use std::fmt;
use std::sync::Arc;

use bibelot_timer::Instant;

use super::atomic::{spin_loop, yield_now};
use super::cell::{Look, Record, Words};
use super::info::TaskInfo;
use super::writer::Shared;

/// Looks at one record before it is given up.
const LOOKS: u32 = 64;
/// Of these, so many come at once; before each of the others the thread offers its processor, which
/// the writer may be waiting for.
const QUICK_LOOKS: u32 = 16;

/// Reads what a kernel's tasks do, from any thread, also while the kernel is stuck.
///
/// Reading asks nothing of the kernel and never waits for it. A reader keeps the memory of the records,
/// not the kernel: when the kernel has ended there are no tasks to see.
///
/// Each [`TaskInfo`] is true of its task at one moment; those of one snapshot are of moments close to
/// each other.
#[derive(Clone)]
pub struct RecordReader {
    shared: Arc<Shared>,
}

impl RecordReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// All tasks there are, oldest first.
    ///
    /// A task whose record was being changed at every look is left out; that takes a kernel thread
    /// stopped in the middle of a few stores. [`snapshot_into`](Self::snapshot_into) counts them.
    #[must_use]
    #[doc(alias = "all_tasks")]
    #[doc(alias = "get_all_tasks")]
    #[doc(alias = "ps")]
    pub fn snapshot(&self) -> Vec<TaskInfo> {
        let mut tasks = Vec::new();
        self.snapshot_into(&mut tasks);
        tasks
    }

    /// Like [`snapshot`](Self::snapshot), into memory that is there; returns how many were left out.
    ///
    /// What `tasks` held is removed.
    pub fn snapshot_into(&self, tasks: &mut Vec<TaskInfo>) -> usize {
        tasks.clear();
        if self.has_ended() {
            return 0;
        }
        let mut named = Vec::new();
        let mut missed = 0;
        for (slot, record) in self.shared.blocks.iter() {
            match look(record) {
                Look::Vacant => {}
                Look::Changing => missed += 1,
                Look::Tenant(words) => {
                    if words.named {
                        named.push(tasks.len());
                    }
                    tasks.push(self.info(slot, &words));
                }
            }
        }
        if !named.is_empty() {
            let names = self.shared.names();
            for index in named {
                tasks[index].name = names.get(&tasks[index].number).cloned();
            }
        }
        tasks.sort_unstable_by_key(|task| task.number);
        missed
    }

    /// The task with this number, if it is there.
    ///
    /// Looks through all slots; [`get_at`](Self::get_at) goes straight to one.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<TaskInfo> {
        let mut records = self.shared.blocks.iter();
        records.find_map(|(slot, record)| self.tenant(slot, record, |words| words.number == number))
    }

    /// The task in a slot, if it is the one of this generation.
    #[must_use]
    pub fn get_at(&self, slot: u32, generation: u32) -> Option<TaskInfo> {
        let record = self.shared.blocks.get(slot)?;
        self.tenant(slot, record, |words| words.number as u32 == generation)
    }

    /// How many tasks there are that are no daemons and have not ended, the main one included; one load.
    #[must_use]
    pub fn live(&self) -> usize {
        if self.has_ended() {
            return 0;
        }
        usize::try_from(self.shared.live()).unwrap_or(usize::MAX)
    }

    /// Whether the kernel has ended, after which there is nothing to read any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.has_ended()
    }

    fn tenant(
        &self,
        slot: u32,
        record: &Record,
        is_meant: impl FnOnce(&Words) -> bool,
    ) -> Option<TaskInfo> {
        match look(record) {
            Look::Tenant(words) if is_meant(&words) && !self.has_ended() => {
                let mut task = self.info(slot, &words);
                if words.named {
                    task.name = self.shared.names().get(&words.number).cloned();
                }
                Some(task)
            }
            _ => None,
        }
    }

    /// A parent that is far away is lost with a task that ends during the look.
    fn parent(&self, words: &Words) -> u64 {
        words.parent.unwrap_or_else(|| {
            let parents = self.shared.parents();
            parents.get(&words.number).copied().unwrap_or(0)
        })
    }

    fn info(&self, slot: u32, words: &Words) -> TaskInfo {
        TaskInfo {
            number: words.number,
            slot,
            generation: words.number as u32,
            parent: self.parent(words),
            name: None,
            state: words.state,
            site: words.site,
            spawn_site: words.spawn_site,
            polls: words.polls,
            deadline: words.deadline_ns.map(Instant::from_nanos),
            daemon: words.daemon,
            cancelled: words.cancelled,
        }
    }
}

impl fmt::Debug for RecordReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordReader")
            .field("ended", &self.has_ended())
            .finish_non_exhaustive()
    }
}

/// Looks until the record holds still, a bounded number of times.
fn look(record: &Record) -> Look {
    for looks in 1..LOOKS {
        match record.look() {
            Look::Changing if looks < QUICK_LOOKS => spin_loop(),
            Look::Changing => yield_now(),
            found => return found,
        }
    }
    record.look()
}
