//! The point: one question put to a chooser.
//!
//! A point borrows everything from whoever asks, so building one costs nothing but filling it in. The
//! numbers of operations and objects are opaque here: whoever asks gives them meaning, and a name for
//! people to read.

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::{Choice, Site, TaskPath};

/// What is being chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Which of the ready tasks runs next.
    Ready,
    /// Whether a task goes on or lets others run.
    Yield,
    /// Which of equal timers comes first, or whether one comes early or late.
    Timer,
    /// The order, size or latency of input and output.
    Io,
    /// Whether a cancellation or a completion comes first.
    Race,
    /// Whether something fails.
    Fault,
    /// A choice of the program under test itself.
    User,
}

const KINDS: [(Kind, char); 7] = [
    (Kind::Ready, 'r'),
    (Kind::Yield, 'y'),
    (Kind::Timer, 't'),
    (Kind::Io, 'i'),
    (Kind::Race, 'x'),
    (Kind::Fault, 'f'),
    (Kind::User, 'u'),
];

impl Kind {
    /// The letter that stands for the kind in written deviations.
    #[must_use]
    pub const fn letter(self) -> char {
        KINDS[self as usize].1
    }

    /// The kind that a letter stands for.
    #[must_use]
    pub fn from_letter(letter: char) -> Option<Self> {
        let found = KINDS.iter().find(|known| known.1 == letter)?;
        Some(found.0)
    }
}

/// The letter that stands for the kind.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

/// What an alternative does: a number, and its name for people. Equal numbers are the same operation.
#[derive(Clone, Copy, Debug)]
pub struct OpKind {
    /// The number.
    pub number: u32,
    /// The name.
    pub name: &'static str,
}

/// To what an alternative does it: a number, and a name for people. Equal numbers are the same object.
#[derive(Clone, Copy, Debug)]
pub struct ObjectId {
    /// The number.
    pub number: u64,
    /// The name.
    pub name: &'static str,
}

impl OpKind {
    /// Nothing in particular.
    pub const NONE: Self = Self::new(0, "none");

    /// An operation.
    #[must_use]
    pub const fn new(number: u32, name: &'static str) -> Self {
        Self { number, name }
    }
}

impl ObjectId {
    /// Nothing in particular.
    pub const NONE: Self = Self::new(0, "none");

    /// An object.
    #[must_use]
    pub const fn new(number: u64, name: &'static str) -> Self {
        Self { number, name }
    }
}

impl PartialEq for OpKind {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for OpKind {}

impl Hash for OpKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl PartialEq for ObjectId {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for ObjectId {}

impl Hash for ObjectId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

/// How an alternative touches its object. Two that touch one object and do not both read depend on
/// their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// Not at all.
    #[default]
    None,
    /// It looks at it.
    Read,
    /// It changes it.
    Write,
}

/// One of the ways things may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alt<'a> {
    /// Which task does it.
    pub task: TaskPath<'a>,
    /// What it does.
    pub op: OpKind,
    /// To what.
    pub object: ObjectId,
    /// How.
    pub access: Access,
}

impl<'a> Alt<'a> {
    /// A task that goes on, nothing else being known.
    #[must_use]
    pub const fn of(task: TaskPath<'a>) -> Self {
        Self {
            task,
            op: OpKind::NONE,
            object: ObjectId::NONE,
            access: Access::None,
        }
    }
}

/// One question put to a chooser.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// What is being chosen.
    pub kind: Kind,
    /// Where, in terms that stay the same from run to run.
    pub at: Site<'a>,
    /// The ways things may go on, what production would do first, never ordered by address or hash.
    /// Empty if the alternatives are plain numbers.
    pub alternatives: &'a [Alt<'a>],
    len: usize,
}

impl<'a> Point<'a> {
    /// A question with described alternatives.
    #[must_use]
    pub const fn new(kind: Kind, at: Site<'a>, alternatives: &'a [Alt<'a>]) -> Self {
        Self {
            kind,
            at,
            alternatives,
            len: alternatives.len(),
        }
    }

    /// A question about a number below `len`, 0 being what production would do.
    #[must_use]
    pub const fn plain(kind: Kind, at: Site<'a>, len: usize) -> Self {
        Self {
            kind,
            at,
            alternatives: &[],
            len,
        }
    }

    /// How many alternatives there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts the question. A question with one alternative is answered without asking.
    ///
    /// # Panics
    ///
    /// If there is no alternative, or the chooser's answer is none of them.
    pub fn ask<C: Choice + ?Sized>(&self, choice: &mut C) -> usize {
        assert!(self.len > 0, "the point {self} has no alternatives");
        if self.len == 1 {
            return 0;
        }
        let answer = choice.choose(self);
        assert!(answer < self.len, "answer {answer} at the point {self}");
        answer
    }
}

/// Kind, site and number of alternatives, as in `r[2,1].7 of 3`.
impl fmt::Display for Point<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} of {}", self.kind, self.at, self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Production;

    struct Wild;

    impl Choice for Wild {
        fn choose(&mut self, at: &Point<'_>) -> usize {
            at.len()
        }
    }

    #[test]
    fn each_kind_has_a_letter_of_its_own() {
        for (index, (kind, letter)) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(kind.letter(), letter);
            assert_eq!(Kind::from_letter(letter), Some(kind));
        }
        assert_eq!(Kind::from_letter('z'), None);
    }

    #[test]
    fn a_single_alternative_is_taken_without_asking() {
        assert_eq!(
            Point::plain(Kind::User, Site::default(), 1).ask(&mut Wild),
            0
        );
    }

    #[test]
    #[should_panic(expected = "answer 3 at the point u[].0 of 3")]
    fn an_answer_that_is_no_alternative_is_refused() {
        Point::plain(Kind::User, Site::default(), 3).ask(&mut Wild);
    }

    #[test]
    #[should_panic(expected = "the point u[].0 of 0 has no alternatives")]
    fn a_point_without_alternatives_is_refused() {
        Point::plain(Kind::User, Site::default(), 0).ask(&mut Production);
    }
}
