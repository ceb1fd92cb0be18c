//! Replay: a run that went another way, once more.
//!
//! Answers are found by kind and site, not by counting steps: where the program has changed elsewhere,
//! or its input has shrunk, the same deviations still happen at the same operations.
//!
//! # Invariants
//!
//! - A place's `asked` counts the questions of its kind at its site in this run.

use alloc::vec::Vec;
use core::fmt;

use crate::{Choice, Deviation, Point};

/// Answers as some deviations say, and 0 everywhere else. Says afterwards whether the run was the one
/// they were taken from, as far as they can tell.
///
/// ```
/// use bibelot_sched::{Bag, Logged, Replay, Scheduler, Seeded, Wake};
///
/// fn order<C: bibelot_sched::Choice>(choice: &mut C) -> Vec<char> {
///     let mut bag = Bag::new(choice);
///     "abcdef".chars().for_each(|item| bag.push(item, Wake::Spawned));
///     std::iter::from_fn(|| bag.pop()).collect()
/// }
///
/// let mut logged = Logged::new(Seeded::new(7));
/// let seen = order(&mut logged);
/// let mut replay = Replay::new(logged.deviations());
/// assert_eq!(order(&mut replay), seen);
/// assert_eq!(replay.parted(), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Replay {
    places: Vec<Place>,
    refused: Option<Parted>,
}

/// The deviations of one kind at one site, by `again`.
#[derive(Clone, Debug)]
struct Place {
    deviations: Vec<Deviation>,
    asked: u32,
}

impl Replay {
    /// Answers as `deviations` say. Of two for the same question the last one counts.
    #[must_use]
    pub fn new(deviations: Vec<Deviation>) -> Self {
        let mut sorted = deviations;
        sorted.sort_by(|one, two| {
            (one.kind, one.at(), one.again).cmp(&(two.kind, two.at(), two.again))
        });
        let mut places: Vec<Place> = Vec::new();
        for deviation in sorted {
            match places.last_mut() {
                Some(place) if place.is_of(&deviation) => place.add(deviation),
                _ => places.push(Place {
                    deviations: alloc::vec![deviation],
                    asked: 0,
                }),
            }
        }
        Self {
            places,
            refused: None,
        }
    }

    /// Where the run went another way than the one that the deviations were taken from: the first answer
    /// that was not possible, or else a deviation whose question never came. To be asked after the run.
    #[must_use]
    pub fn parted(&self) -> Option<Parted> {
        if let Some(refused) = &self.refused {
            return Some(refused.clone());
        }
        let missed = self.places.iter().find_map(Place::missed)?;
        Some(Parted::NeverAsked {
            deviation: missed.clone(),
        })
    }
}

impl Place {
    fn is_of(&self, deviation: &Deviation) -> bool {
        let own = &self.deviations[0];
        (own.kind, own.at()) == (deviation.kind, deviation.at())
    }

    fn add(&mut self, deviation: Deviation) {
        match self.deviations.last_mut() {
            Some(last) if last.again == deviation.again => *last = deviation,
            _ => self.deviations.push(deviation),
        }
    }

    fn missed(&self) -> Option<&Deviation> {
        self.deviations
            .iter()
            .find(|deviation| deviation.again >= self.asked)
    }
}

impl Choice for Replay {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        let found = self.places.binary_search_by(|place| {
            let own = &place.deviations[0];
            (own.kind, own.at()).cmp(&(at.kind, at.at))
        });
        let Ok(index) = found else {
            return 0;
        };
        let place = &mut self.places[index];
        let again = place.asked;
        place.asked += 1;
        let Ok(index) = place
            .deviations
            .binary_search_by_key(&again, |deviation| deviation.again)
        else {
            return 0;
        };
        let deviation = &place.deviations[index];
        if deviation.answer < at.len() {
            return deviation.answer;
        }
        self.refused.get_or_insert_with(|| Parted::NotPossible {
            deviation: deviation.clone(),
            len: at.len(),
        });
        0
    }
}

/// Where a replay met another run than the one it was taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parted {
    /// There are only `len` alternatives now; 0 was answered instead.
    NotPossible {
        /// What was to be answered.
        deviation: Deviation,
        /// How many alternatives there are.
        len: usize,
    },
    /// The question did not come up.
    NeverAsked {
        /// What was to be answered.
        deviation: Deviation,
    },
}

impl fmt::Display for Parted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPossible { deviation, len } => {
                write!(
                    f,
                    "the run parted at {deviation}: there are {len} alternatives now"
                )
            }
            Self::NeverAsked { deviation } => {
                write!(
                    f,
                    "the run parted before {deviation}, which was never asked"
                )
            }
        }
    }
}

impl core::error::Error for Parted {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::{Deviations, Kind, Site, TaskPath};

    fn replay(text: &str) -> Replay {
        Replay::new(text.parse::<Deviations>().unwrap().0)
    }

    fn ask(replay: &mut Replay, kind: Kind, task: &[u32], nth: u64, len: usize) -> usize {
        Point::plain(kind, Site::new(TaskPath::new(task), nth), len).ask(replay)
    }

    #[test]
    fn answers_are_found_by_kind_site_and_repetition() {
        let mut replay = replay("i[1].4+2=2:r[1].4=1:i[1].4=1");
        assert_eq!(ask(&mut replay, Kind::Io, &[1], 3, 3), 0);
        assert_eq!(ask(&mut replay, Kind::Io, &[1], 4, 3), 1);
        assert_eq!(ask(&mut replay, Kind::Io, &[1], 4, 3), 0);
        assert_eq!(ask(&mut replay, Kind::Ready, &[1], 4, 3), 1);
        assert!(matches!(replay.parted(), Some(Parted::NeverAsked { .. })));
        assert_eq!(ask(&mut replay, Kind::Io, &[1], 4, 3), 2);
        assert_eq!(ask(&mut replay, Kind::Io, &[1], 4, 3), 0);
        assert_eq!(ask(&mut replay, Kind::Io, &[1, 1], 4, 3), 0);
        assert_eq!(replay.parted(), None);
    }

    #[test]
    fn an_answer_that_is_not_possible_any_more_is_named() {
        let mut replay = replay("r[1].4=3:r[2].0=1");
        assert_eq!(ask(&mut replay, Kind::Ready, &[1], 4, 3), 0);
        assert_eq!(ask(&mut replay, Kind::Ready, &[2], 0, 2), 1);
        let parted = replay.parted().unwrap().to_string();
        assert_eq!(
            parted,
            "the run parted at r[1].4=3: there are 3 alternatives now"
        );
    }

    #[test]
    fn a_question_that_never_came_is_named() {
        let parted = replay("r[1].4=3").parted().unwrap().to_string();
        assert_eq!(
            parted,
            "the run parted before r[1].4=3, which was never asked"
        );
    }

    #[test]
    fn of_two_deviations_for_one_question_the_last_counts() {
        let mut replay = replay("r[1].4=1:r[1].4=2");
        assert_eq!(ask(&mut replay, Kind::Ready, &[1], 4, 3), 2);
        assert_eq!(replay.parted(), None);
    }
}
