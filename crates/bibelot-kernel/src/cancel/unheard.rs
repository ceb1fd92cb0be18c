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

thread_local! {
    /// Where the request belongs, as one number: a scope's id or one of the above.
    static LEFT: Cell<u64> = const { Cell::new(NOTHING) };
}

/// What was left in the scope around; given back at the end.
#[must_use]
pub(crate) struct Outer(u64);

/// Begins the poll of a scope's body.
pub(crate) fn begin() -> Outer {
    Outer(LEFT.replace(NOTHING))
}

/// Ends it; what was left inside is passed on to the scope around if the body waits on.
pub(crate) fn end(outer: &Outer, waits: bool) {
    if !waits || outer.0 != NOTHING {
        LEFT.set(outer.0);
    }
}

/// Leaves word of a request that the arm just polled cannot hear.
pub(crate) fn leave(origin: Origin) {
    LEFT.set(match origin {
        Origin::Cancel => CANCEL,
        Origin::Note => NOTE,
        Origin::Scope(id) => id,
    });
}

/// The request that an arm inside could not hear.
pub(crate) fn left() -> Option<Origin> {
    match LEFT.get() {
        NOTHING => None,
        CANCEL => Some(Origin::Cancel),
        NOTE => Some(Origin::Note),
        id => Some(Origin::Scope(id)),
    }
}

/// Forgets what a poll that panicked left.
pub(crate) fn clear() {
    LEFT.set(NOTHING);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_inside_is_passed_on_only_by_a_body_that_waits() {
        clear();
        let outer = begin();
        leave(Origin::Scope(5));
        assert_eq!(left(), Some(Origin::Scope(5)));
        end(&outer, false);
        assert_eq!(left(), None);

        let outer = begin();
        leave(Origin::Cancel);
        end(&outer, true);
        assert_eq!(left(), Some(Origin::Cancel));
        let outer = begin();
        leave(Origin::Note);
        end(&outer, true);
        assert_eq!(left(), Some(Origin::Cancel), "the first stands");
        clear();
    }
}
