//! The quiet sends: those whose success nobody waits for, and no completion tells.
//!
//! The operating system carries such a send out when it takes its entry, without ever waiting, and makes a
//! completion only if not everything was sent. So when an entry has been taken and the completions were
//! looked through, silence means that all was sent. What a completion does tell of is a send like any
//! other from then on. So an enter that submits the answers of one turn can wait for the questions of the
//! next, instead of returning with the news that they were sent.
//!
//! # Invariants
//!
//! - The line is in the order of the submission queue.
//! - Whoever is in the line and still `quiet` in its slot has had no completion.

use std::collections::VecDeque;

use bibelot_reactor::{Op, Outcome};

use crate::tag::Tag;
use crate::{Ability, Uring, entry};

#[derive(Debug, Default)]
pub(crate) struct Quiet {
    line: VecDeque<Sent>,
}

/// A send whose entry was queued as the `number`th.
#[derive(Clone, Copy, Debug)]
struct Sent {
    number: u64,
    tag: Tag,
}

impl Quiet {
    /// The operation's entry was queued.
    pub(crate) fn push(&mut self, number: u64, tag: Tag) {
        self.line.push_back(Sent { number, tag });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Whether one is among the first `taken` entries.
    pub(crate) fn has_any(&self, taken: u64) -> bool {
        self.line.front().is_some_and(|first| first.number <= taken)
    }

    /// Takes out the first if it is among the first `taken` entries.
    fn next(&mut self, taken: u64) -> Option<Tag> {
        match self.has_any(taken) {
            true => self.line.pop_front().map(|sent| sent.tag),
            false => None,
        }
    }
}

impl Uring {
    /// Whether `op` can be carried out quietly.
    pub(crate) fn may_be_quiet(&self, op: &Op) -> bool {
        matches!(op, Op::Send { .. }) && self.has(Ability::Send) && self.has(Ability::SkipSuccess)
    }

    /// Ends the quiet sends among the first `taken` entries: all completions made for them are settled.
    pub(crate) fn end_quiet(&mut self, taken: u64) {
        while let Some(tag) = self.quiet.next(taken) {
            let Some(index) = self.slots.tagged(tag) else {
                continue;
            };
            if let slot = self.slots.at(index)
                && slot.quiet
                && let Some(Op::Send { buf, .. }) = &slot.op
            {
                let count = entry::len(buf) as usize;
                self.finish(index, (Ok(Outcome::Count(count)), None));
            }
        }
    }
}
