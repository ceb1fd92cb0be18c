//! The budget: how many operations a task may end without parking before others get their turn.
//!
//! Code whose operations are always ready would never come back to the kernel. Each that ends at once
//! takes one from the poll's budget; when it is used up the next one is not begun, wakes its task and
//! parks. A kernel may be built so that every operation does that once, as in Trio. Outside a kernel's
//! poll nothing is counted.
//!
//! # Invariants
//!
//! - While the lower bits are not 0, an operation may end at once, whatever else there is: that is the one
//!   question of those that are ready. All else is asked when they are.

use std::cell::Cell;

/// How many operations may end in one poll.
const PER_POLL: u64 = 128;

/// The bits that count them.
const COUNT: u64 = 0xffff;

/// Above them, how often an operation was refused in this poll..
const REFUSAL: u64 = 1 << 16;
const REFUSALS: u64 = COUNT << 16;

/// ..and how many may end that have parked before, where every one has to.
const PARKED_ONE: u64 = 1 << 32;
const PARKED: u64 = COUNT << 32;

/// After so many refusals in one poll there is a new budget: whoever polls does not mean to give way, like
/// another executor that blocks inside of a task, and would never come to an end.
const REFUSALS_MAX: u64 = 1024;

/// Every operation parks before it begins.
const EVERYWHERE: u64 = 1 << 63;

/// No poll is under way.
const OUTSIDE: u64 = (1 << 62) | COUNT;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(OUTSIDE) };
}

/// What a poll begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget(u64);

impl Budget {
    /// With `everywhere` each operation parks before it begins.
    pub(crate) const fn new(everywhere: bool) -> Self {
        Self(if everywhere {
            EVERYWHERE | (PER_POLL * PARKED_ONE)
        } else {
            PER_POLL
        })
    }
}

/// A poll begins.
#[inline]
pub(crate) fn begin(budget: Budget) {
    LEFT.set(budget.0);
}

/// The poll is over.
#[inline]
pub(crate) fn end() {
    LEFT.set(OUTSIDE);
}

/// Whether an operation may end at once, new or not; if this says no, [`is_used_up`] knows better.
#[inline(always)]
pub(crate) fn has_some() -> bool {
    LEFT.get() & COUNT != 0
}

/// Whether an operation must park first, which is new or has parked before.
#[inline]
pub(crate) fn is_used_up(is_new: bool) -> bool {
    !has_some() && look(is_new)
}

/// An operation has ended without parking.
#[inline(always)]
pub(crate) fn spend() {
    let left = LEFT.get();
    if left & COUNT != 0 {
        LEFT.set(left - 1);
    } else {
        spend_parked();
    }
}

/// The same, of one that [had some](has_some), unless what it did has spent it.
#[inline(always)]
pub(crate) fn spend_some() {
    let left = LEFT.get();
    LEFT.set(left - u64::from(left & COUNT != 0));
}

#[cold]
#[inline(never)]
fn spend_parked() {
    let left = LEFT.get();
    if left & PARKED != 0 {
        LEFT.set(left - PARKED_ONE);
    }
}

#[cold]
#[inline(never)]
fn look(is_new: bool) -> bool {
    let left = LEFT.get();
    if left & OUTSIDE == OUTSIDE & !COUNT {
        // Counted down by so many operations outside of any poll.
        LEFT.set(OUTSIDE);
        return false;
    }
    if left & PARKED != 0 {
        return is_new;
    }
    let refused = left + REFUSAL;
    LEFT.set(if refused & REFUSALS < REFUSALS_MAX * REFUSAL {
        refused
    } else {
        Budget::new(left & EVERYWHERE != 0).0
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many operations of one poll end before one has to park.
    fn ends(is_new: bool) -> u64 {
        (0..1000)
            .take_while(|_| !is_used_up(is_new))
            .map(|_| spend())
            .count() as u64
    }

    #[test]
    fn so_many_end_in_a_poll_and_as_many_as_they_like_outside() {
        for _ in 0..70 {
            assert_eq!(ends(true), 1000);
        }
        begin(Budget::new(false));
        assert_eq!((ends(true), ends(false)), (PER_POLL, 0));
        begin(Budget::new(false));
        assert_eq!(ends(false), PER_POLL);
        end();
        assert_eq!(ends(true), 1000);
    }

    #[test]
    fn where_each_has_to_park_none_ends_that_is_new() {
        begin(Budget::new(true));
        assert_eq!((ends(true), ends(false)), (0, PER_POLL));
        assert_eq!((ends(true), ends(false)), (0, 0));
        end();
    }

    #[test]
    fn whoever_never_gives_way_gets_a_new_budget_in_the_end() {
        for everywhere in [false, true] {
            begin(Budget::new(everywhere));
            ends(false);
            let refused = (0..u64::MAX).take_while(|_| is_used_up(false)).count();
            assert_eq!(refused as u64, REFUSALS_MAX - 1);
            assert_eq!(ends(false), PER_POLL);
        }
        end();
    }
}
