//! The hand-over: how a task's output and its joiner pass between the home and a `JoinHandle`.
//!
//! The handle may be on any thread. Before the end it owns the joiner slot, and lends it to the home by
//! setting [`AWAY_JOINER`]; to change the waker it takes the slot back first. The end is one step of the
//! home that sets [`AWAY_ENDED`]: whatever is in the slot at that moment is the home's to wake, and the
//! output is the handle's. A handle that goes clears [`AWAY_HANDLE`], also in one step, so that of
//! the two the later one drops the output.
//!
//! # Invariants
//!
//! - In a task with a handle, nothing but the end sets `AWAY_ENDED`.
//! - Once it is set the home touches neither the output nor, if `AWAY_JOINER` was clear, the slot.

use crate::shared::Ordering;
use crate::state::{AWAY_ENDED, AWAY_HANDLE, AWAY_JOINER, AWAY_OUTPUT, End, State, TOLD};

/// What a `JoinHandle` finds.
#[must_use]
pub(crate) enum Look {
    /// The task has not ended, and the joiner slot is the handle's.
    Pending,
    /// The task has ended, and its output is the handle's, if there is one.
    Ended { has_output: bool },
}

impl State {
    /// The end of a task with a `JoinHandle`.
    pub(crate) fn hand_over(&self, flags: u16, has_output: bool) -> End {
        self.flags.set(flags | TOLD);
        let mut bits = AWAY_ENDED;
        if has_output {
            bits |= AWAY_OUTPUT;
        }
        // Release hands the output over, acquire takes the joiner slot.
        let before = self.word.fetch_or(bits, Ordering::AcqRel);
        End {
            wake_joiner: before & AWAY_JOINER != 0,
            drop_output: has_output && before & AWAY_HANDLE == 0,
        }
    }

    /// A `JoinHandle` asks for the joiner slot, and looks whether it needs it.
    pub(crate) fn claim_slot(&self) -> Look {
        // Acquire pairs with the release of `hand_over`.
        let mut word = self.word.load(Ordering::Acquire);
        if word & (AWAY_JOINER | AWAY_ENDED) == AWAY_JOINER {
            word = self.word.fetch_and(!AWAY_JOINER, Ordering::AcqRel);
        }
        Look::from(word)
    }

    /// A `JoinHandle` has put a waker into the slot. If it comes too late, the slot stays the handle's.
    pub(crate) fn give_slot(&self) -> Look {
        // Release gives the waker to `hand_over`; acquire in case that came first.
        Look::from(self.word.fetch_or(AWAY_JOINER, Ordering::AcqRel))
    }

    /// A `JoinHandle` goes.
    pub(crate) fn leave(&self) -> Look {
        // Acquire pairs with the release of `hand_over`: an output may be there to be dropped.
        Look::from(
            self.word
                .fetch_and(!(AWAY_HANDLE | AWAY_JOINER), Ordering::AcqRel),
        )
    }

    /// Whether a task with a `JoinHandle` has ended.
    pub(crate) fn is_handed_over(&self) -> bool {
        self.word.load(Ordering::Acquire) & AWAY_ENDED != 0
    }
}

impl Look {
    fn from(word: usize) -> Self {
        if word & AWAY_ENDED == 0 {
            return Look::Pending;
        }
        Look::Ended {
            has_output: word & AWAY_OUTPUT != 0,
        }
    }
}
