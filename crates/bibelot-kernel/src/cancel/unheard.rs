//! The unheard: what an arm of a combinator could not hear, told to the scope around it.
//!
//! An arm is told of a request by itself. One in which nothing of ours is parked cannot be told, whatever
//! the arms beside it heard; while one of those still cleans up, it is waited for. So an arm whose poll
//! was pending leaves word here, and the scope around it, once nothing inside can hear any more, drops
//! its body for that request as it does for one of its own.
//!
//! # Invariants
//!
//! - While a scope's body is polled, what is here was left by an arm inside that scope, in this poll.

use std::cell::Cell;

use super::request::Origin;

const NOTHING: u64 = 0;
const CANCEL: u64 = u64::MAX;
const NOTE: u64 = u64::MAX - 1;

/// Where the request belongs, as one number: a scope's id or one of the above.
pub(crate) struct Unheard(Cell<u64>);

/// What was left in the scope around; given back at the end.
#[must_use]
pub(crate) struct Outer(u64);

impl Unheard {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(NOTHING))
    }

    /// Begins the poll of a scope's body.
    #[inline]
    pub(crate) fn begin(&self) -> Outer {
        Outer(self.0.replace(NOTHING))
    }

    /// Ends it; what was left inside is passed on to the scope around if the body waits on.
    #[inline]
    pub(crate) fn end(&self, outer: &Outer, waits: bool) {
        if !waits || outer.0 != NOTHING {
            self.0.set(outer.0);
        }
    }

    /// Leaves word of a request that the arm just polled cannot hear.
    pub(crate) fn leave(&self, origin: Origin) {
        self.0.set(match origin {
            Origin::Cancel => CANCEL,
            Origin::Note => NOTE,
            Origin::Scope(id) => id,
        });
    }

    /// The request that an arm inside could not hear.
    pub(crate) fn left(&self) -> Option<Origin> {
        match self.0.get() {
            NOTHING => None,
            CANCEL => Some(Origin::Cancel),
            NOTE => Some(Origin::Note),
            id => Some(Origin::Scope(id)),
        }
    }

    /// Forgets what a poll that panicked left.
    #[inline]
    pub(crate) fn clear(&self) {
        self.0.set(NOTHING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_inside_is_passed_on_only_by_a_body_that_waits() {
        let unheard = Unheard::new();
        let outer = unheard.begin();
        unheard.leave(Origin::Scope(5));
        assert_eq!(unheard.left(), Some(Origin::Scope(5)));
        unheard.end(&outer, false);
        assert_eq!(unheard.left(), None);

        let outer = unheard.begin();
        unheard.leave(Origin::Cancel);
        unheard.end(&outer, true);
        assert_eq!(unheard.left(), Some(Origin::Cancel));
        let outer = unheard.begin();
        unheard.leave(Origin::Note);
        unheard.end(&outer, true);
        assert_eq!(unheard.left(), Some(Origin::Cancel), "the first stands");
    }
}
