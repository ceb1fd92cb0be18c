//! The budget: how many operations a task may end without parking before others get their turn.
//!
//! Code whose operations are always ready would never come back to the kernel. Each that ends at once
//! takes one from the poll's budget; when it is used up the next one is not begun, wakes its task and
//! parks. A kernel may be built so that every operation does that once, as in Trio. Outside a kernel's
//! poll nothing is counted.

use std::cell::Cell;

/// How many operations may end in one poll.
const PER_POLL: u32 = 128;

/// The bits that count them; those above count refusals.
const COUNT: u32 = 0xffff;
const REFUSAL: u32 = COUNT + 1;

/// After so many refusals in one poll there is a new budget: whoever polls does not mean to give way, like
/// another executor that blocks inside of a task, and would never come to an end.
const REFUSALS_MAX: u32 = 1024;

/// Every operation parks before it begins.
const EVERYWHERE: u32 = 1 << 31;

const UNLIMITED: u32 = EVERYWHERE - 1;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(UNLIMITED) };
}

/// What a poll begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget(u32);

impl Budget {
    /// With `everywhere` each operation parks before it begins.
    pub(crate) fn new(everywhere: bool) -> Self {
        Self(if everywhere {
            PER_POLL | EVERYWHERE
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
    LEFT.set(UNLIMITED);
}

/// Whether an operation must park first, which is new or has parked before.
#[inline]
pub(crate) fn is_used_up(is_new: bool) -> bool {
    let left = LEFT.get();
    if left & COUNT == 0 {
        refuse(left);
        return true;
    }
    is_new && left & EVERYWHERE != 0
}

#[cold]
fn refuse(left: u32) {
    let refused = left + REFUSAL;
    LEFT.set(if (refused & UNLIMITED) / REFUSAL < REFUSALS_MAX {
        refused
    } else {
        PER_POLL | (left & EVERYWHERE)
    });
}

/// An operation has ended without parking.
#[inline]
pub(crate) fn spend() {
    let left = LEFT.get();
    if left != UNLIMITED && left & COUNT != 0 {
        LEFT.set(left - 1);
    }
}
