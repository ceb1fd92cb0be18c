//! The log: what was asked in a run, and what was answered.
//!
//! Task paths lie one after the other in one vector, so writing down a point allocates nothing of its
//! own.
//!
//! # Invariants
//!
//! - Entry `n` owns the steps from where it starts to where entry `n + 1` does.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use crate::{Choice, Deviation, Kind, Point, Site, TaskPath};

/// What was asked in a run, and what was answered.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Log {
    entries: Vec<Entry>,
    steps: Vec<u32>,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    start: usize,
    nth: u64,
    len: usize,
    answer: usize,
}

/// One entry of a [`Log`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// What was chosen.
    pub kind: Kind,
    /// Where.
    pub at: Site<'a>,
    /// Among how many alternatives.
    pub len: usize,
    /// Which was taken.
    pub answer: usize,
}

impl Asked<'_> {
    /// Whether the answer is other than production's.
    #[must_use]
    pub const fn is_deviation(&self) -> bool {
        self.answer != 0
    }

    /// Whether both are the same question, whatever the answers.
    pub(crate) fn asks_the_same(&self, other: &Asked<'_>) -> bool {
        (self.kind, self.at, self.len) == (other.kind, other.at, other.len)
    }
}

/// Point and answer, as in `r[2,1].7 of 3 = 1`.
impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            at,
            len,
            answer,
        } = self;
        write!(f, "{kind}{at} of {len} = {answer}")
    }
}

impl Log {
    /// An empty log.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Writes down a point and its answer.
    pub fn push(&mut self, point: &Point<'_>, answer: usize) {
        let start = self.steps.len();
        self.steps.extend_from_slice(point.at.task.steps());
        self.entries.push(Entry {
            kind: point.kind,
            start,
            nth: point.at.nth,
            len: point.len(),
            answer,
        });
    }

    /// How many points were asked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Asked<'_>> {
        let entry = self.entries.get(index)?;
        let end = match self.entries.get(index + 1) {
            Some(next) => next.start,
            None => self.steps.len(),
        };
        let task = TaskPath::new(&self.steps[entry.start..end]);
        Some(Asked {
            kind: entry.kind,
            at: Site::new(task, entry.nth),
            len: entry.len,
            answer: entry.answer,
        })
    }

    /// The entries, in the order of the run.
    pub fn iter(&self) -> impl Iterator<Item = Asked<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Forgets all entries but the first `len`.
    pub fn truncate(&mut self, len: usize) {
        if let Some(first) = self.entries.get(len) {
            self.steps.truncate(first.start);
            self.entries.truncate(len);
        }
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// The answers other than production's: with them, and 0 everywhere else, the run repeats.
    #[must_use]
    pub fn deviations(&self) -> Vec<Deviation> {
        let mut asked = BTreeMap::new();
        let mut deviations = Vec::new();
        for entry in self.iter() {
            let again = asked.entry((entry.kind, entry.at)).or_insert(0);
            if entry.is_deviation() {
                deviations.push(Deviation {
                    kind: entry.kind,
                    task: entry.at.task.steps().to_vec(),
                    nth: entry.at.nth,
                    again: *again,
                    answer: entry.answer,
                });
            }
            *again += 1;
        }
        deviations
    }

    /// The index of the first entry, point or answer, in which two logs differ.
    #[must_use]
    pub fn parting(&self, other: &Log) -> Option<usize> {
        (0..self.len().max(other.len())).find(|&index| self.get(index) != other.get(index))
    }

    pub(crate) fn set_answer(&mut self, index: usize, answer: usize) {
        self.entries[index].answer = answer;
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.iter().map(|entry| alloc::format!("{entry}"));
        f.debug_list().entries(entries).finish()
    }
}

/// Writes down what another chooser is asked and what it answers.
#[derive(Clone, Debug, Default)]
pub struct Logged<C> {
    choice: C,
    log: Log,
}

impl<C: Choice> Logged<C> {
    /// Listens to `choice`.
    #[must_use]
    pub const fn new(choice: C) -> Self {
        Self {
            choice,
            log: Log::new(),
        }
    }

    /// What was asked and answered so far.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// The answers other than production's, so far.
    #[must_use]
    pub fn deviations(&self) -> Vec<Deviation> {
        self.log.deviations()
    }

    /// The chooser that was listened to, and the log.
    #[must_use]
    pub fn into_parts(self) -> (C, Log) {
        (self.choice, self.log)
    }
}

impl<C: Choice> Choice for Logged<C> {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        let answer = self.choice.choose(at);
        self.log.push(at, answer);
        answer
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn log(points: &[(Kind, &[u32], u64, usize, usize)]) -> Log {
        let mut log = Log::new();
        for &(kind, task, nth, len, answer) in points {
            log.push(
                &Point::plain(kind, Site::new(TaskPath::new(task), nth), len),
                answer,
            );
        }
        log
    }

    #[test]
    fn a_log_gives_back_what_was_asked() {
        let log = log(&[
            (Kind::Ready, &[2, 1], 7, 3, 1),
            (Kind::Io, &[], 0, 2, 0),
            (Kind::Io, &[5], 1, 9, 8),
        ]);
        let text: Vec<_> = log.iter().map(|entry| format!("{entry}")).collect();
        assert_eq!(
            text,
            ["r[2,1].7 of 3 = 1", "i[].0 of 2 = 0", "i[5].1 of 9 = 8"]
        );
    }

    #[test]
    fn deviations_at_one_site_are_told_apart_by_their_order() {
        let log = log(&[
            (Kind::Io, &[1], 4, 3, 0),
            (Kind::Io, &[1], 4, 3, 2),
            (Kind::Ready, &[1], 4, 3, 1),
            (Kind::Io, &[1], 4, 3, 1),
        ]);
        let text: Vec<_> = log
            .deviations()
            .iter()
            .map(|deviation| format!("{deviation}"))
            .collect();
        assert_eq!(text, ["i[1].4+1=2", "r[1].4=1", "i[1].4+2=1"]);
    }

    #[test]
    fn two_logs_part_at_the_first_entry_that_differs() {
        let one = log(&[(Kind::Ready, &[1], 0, 3, 1), (Kind::Io, &[1, 2], 4, 3, 2)]);
        let two = log(&[(Kind::Ready, &[1], 0, 3, 1), (Kind::Io, &[1, 3], 4, 3, 2)]);
        assert_eq!(one.parting(&one.clone()), None);
        assert_eq!(one.parting(&two), Some(1));
        assert_eq!(one.parting(&Log::new()), Some(0));

        let mut cut = one.clone();
        cut.truncate(1);
        assert_eq!(one.parting(&cut), Some(1));
        cut.push(
            &Point::plain(Kind::Io, Site::new(TaskPath::new(&[1, 2]), 4), 3),
            2,
        );
        assert_eq!(one, cut);
    }
}
