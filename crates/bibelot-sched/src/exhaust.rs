//! Exhaustion: every way a run can go, one run after the other.
//!
//! A depth-first walk over the tree of answers. Each run repeats the answers of the one before up to
//! the last that can be raised, raises that, and answers 0 beyond. Deviations can be bounded: then only
//! runs with at most so many are made.
//!
//! # Invariants
//!
//! - `log` holds the answers of the present run so far, and those it still has to repeat; `asked` says
//!   how many points have been asked.
//! - `deviations` counts the answers in `log` that are not 0; it never exceeds its bound.

use alloc::string::{String, ToString};
use core::fmt;

use crate::log::{Asked, Log};
use crate::{Choice, Point};

/// Gives every sequence of answers, a run each.
///
/// ```
/// use bibelot_sched::{Bag, Exhaust, Scheduler, Wake};
///
/// let mut orders = std::collections::BTreeSet::new();
/// let mut every = Exhaust::new();
/// while every.next_run()? {
///     let mut bag = Bag::new(&mut every);
///     (0..4).for_each(|item| bag.push(item, Wake::Spawned));
///     orders.insert(Vec::from_iter(std::iter::from_fn(|| bag.pop())));
/// }
/// assert_eq!(orders.len(), 4 * 3 * 2);
/// assert_eq!(every.runs(), 24);
/// # Ok::<(), bibelot_sched::Unrepeatable>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exhaust {
    log: Log,
    asked: usize,
    deviations: usize,
    deviations_max: usize,
    runs: u64,
    done: bool,
    differs: Option<Unrepeatable>,
}

impl Exhaust {
    /// All runs.
    #[must_use]
    pub const fn new() -> Self {
        Self::within(usize::MAX)
    }

    /// All runs with at most so many answers other than 0.
    #[must_use]
    pub const fn within(deviations_max: usize) -> Self {
        Self {
            log: Log::new(),
            asked: 0,
            deviations: 0,
            deviations_max,
            runs: 0,
            done: false,
            differs: None,
        }
    }

    /// Prepares for the next run; false when there is none. To be called before each run.
    ///
    /// # Errors
    ///
    /// If the run before did not repeat as its answers required: something other than the chooser
    /// decided in it.
    pub fn next_run(&mut self) -> Result<bool, Unrepeatable> {
        self.verify()?;
        if self.runs > 0 && !self.done {
            self.done = !self.raise();
        }
        self.asked = 0;
        if !self.done {
            self.runs += 1;
        }
        Ok(!self.done)
    }

    /// How many runs were made, or begun.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// What has been asked and answered in the present run, and before it began what it will repeat.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    fn verify(&mut self) -> Result<(), Unrepeatable> {
        if self.differs.is_none() && !self.done && self.asked < self.log.len() {
            let index = self.asked;
            self.differs = Some(Unrepeatable {
                index,
                before: self.log.get(index).map_or_else(String::new, name),
                now: None,
            });
        }
        match &self.differs {
            Some(differs) => Err(differs.clone()),
            None => Ok(()),
        }
    }

    /// Goes to the next sequence of answers; false if this was the last.
    fn raise(&mut self) -> bool {
        while let Some(index) = self.log.len().checked_sub(1) {
            let Some(Asked { len, answer, .. }) = self.log.get(index) else {
                break;
            };
            if answer > 0 {
                self.deviations -= 1;
            }
            if answer + 1 < len && self.deviations < self.deviations_max {
                self.deviations += 1;
                self.log.set_answer(index, answer + 1);
                return true;
            }
            self.log.truncate(index);
        }
        false
    }
}

impl Default for Exhaust {
    fn default() -> Self {
        Self::new()
    }
}

impl Choice for Exhaust {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        let index = self.asked;
        self.asked += 1;
        let Some(before) = self.log.get(index) else {
            self.log.push(at, 0);
            return 0;
        };
        let now = Asked {
            kind: at.kind,
            at: at.at,
            len: at.len(),
            answer: before.answer,
        };
        if before.asks_the_same(&now) {
            return before.answer;
        }
        if self.differs.is_none() {
            self.differs = Some(Unrepeatable {
                index,
                before: name(before),
                now: Some(name(now)),
            });
        }
        before.answer.min(at.len() - 1)
    }
}

fn name(asked: Asked<'_>) -> String {
    Point::plain(asked.kind, asked.at, asked.len).to_string()
}

/// A run was repeated with the same answers, and other questions were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrepeatable {
    /// How many questions were the same.
    pub index: usize,
    /// The next question before.
    pub before: String,
    /// The next question now; `None` if there was none.
    pub now: Option<String>,
}

impl fmt::Display for Unrepeatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, before, now } = self;
        let now = now.as_deref().unwrap_or("nothing");
        write!(
            f,
            "the run does not repeat: as choice {index} it asked {before} before, and {now} now"
        )
    }
}

impl core::error::Error for Unrepeatable {}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::{Kind, Site, TaskPath};

    fn ask(every: &mut Exhaust, nth: u64, len: usize) -> usize {
        Point::plain(Kind::User, Site::new(TaskPath::ROOT, nth), len).ask(every)
    }

    #[test]
    fn every_path_of_a_lopsided_tree_is_walked_once() {
        let mut paths = Vec::new();
        let mut every = Exhaust::new();
        while every.next_run().unwrap() {
            let first = ask(&mut every, 0, 3);
            let rest: Vec<_> = (0..first as u64)
                .map(|nth| ask(&mut every, 1 + nth, 2))
                .collect();
            paths.push((first, rest));
        }
        let expected: [(usize, &[usize]); 7] = [
            (0, &[]),
            (1, &[0]),
            (1, &[1]),
            (2, &[0, 0]),
            (2, &[0, 1]),
            (2, &[1, 0]),
            (2, &[1, 1]),
        ];
        assert_eq!(paths.len(), expected.len());
        for ((first, rest), (expected_first, expected_rest)) in paths.iter().zip(expected) {
            assert_eq!((*first, &rest[..]), (expected_first, expected_rest));
        }
        assert_eq!(every.next_run(), Ok(false));
        assert_eq!(every.runs(), 7);
    }

    #[test]
    fn a_program_that_asks_nothing_runs_once() {
        let mut every = Exhaust::new();
        assert_eq!(every.next_run(), Ok(true));
        assert_eq!(every.next_run(), Ok(false));
        assert_eq!(every.next_run(), Ok(false));
        assert_eq!(every.runs(), 1);
    }

    #[test]
    fn a_bound_keeps_the_runs_with_few_deviations() {
        // Of 5 points with 3 alternatives each, at most d deviate: the sum of C(5, k) * 2^k.
        for (bound, expected) in [(0, 1), (1, 11), (2, 51), (5, 243), (9, 243)] {
            let mut every = Exhaust::within(bound);
            while every.next_run().unwrap() {
                let deviations = (0..5).filter(|&nth| ask(&mut every, nth, 3) > 0).count();
                assert!(deviations <= bound);
            }
            assert_eq!(every.runs(), expected, "within {bound}");
        }
    }

    #[test]
    fn a_run_that_does_not_repeat_is_reported() {
        let mut every = Exhaust::new();
        assert_eq!(every.next_run(), Ok(true));
        ask(&mut every, 0, 2);
        ask(&mut every, 1, 2);
        assert_eq!(every.next_run(), Ok(true));
        ask(&mut every, 7, 2);
        ask(&mut every, 1, 2);
        let error = every.next_run().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the run does not repeat: as choice 0 it asked u[].0 of 2 before, and u[].7 of 2 now"
        );
    }

    #[test]
    fn a_run_that_ends_early_is_reported() {
        let mut every = Exhaust::new();
        assert_eq!(every.next_run(), Ok(true));
        ask(&mut every, 0, 2);
        assert_eq!(every.next_run(), Ok(true));
        let error = every.next_run().unwrap_err();
        assert_eq!(error.now, None);
    }
}
