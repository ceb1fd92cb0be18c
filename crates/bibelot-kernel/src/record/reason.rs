//! Reasons of waits that programs name: texts of the process, told by their places.
//!
//! A record has one byte for what its task waits for, so a text is kept once, here, for all kernels of the process,
//! and a task that waits for it says where it lies. Nobody else pays for that.
//!
//! # Invariants
//!
//! - Places are taken in order, and what lies at one stays.

use std::fmt;
use std::sync::OnceLock;

/// How many there are; with the reasons that have a word, they fit into the states of a record.
pub(super) const ROOM: usize = 200;

static REASONS: [OnceLock<&str>; ROOM] = [const { OnceLock::new() }; ROOM];

/// A reason that a program [named](super::Wait::named).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason(u8);

impl Reason {
    /// The place of `text`, taken if it has none; `None` if there is no room.
    pub(super) fn of(text: &'static str) -> Option<Self> {
        let has = |place: &OnceLock<&str>| *place.get_or_init(|| text) == text;
        Self::at(REASONS.iter().position(has)?)
    }

    pub(super) fn at(place: usize) -> Option<Self> {
        REASONS.get(place)?.get()?;
        u8::try_from(place).ok().map(Self)
    }

    pub(super) const fn place(self) -> u8 {
        self.0
    }

    /// The text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let text = REASONS[usize::from(self.0)].get();
        text.expect("a reason has its text")
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
