//! The budget: how many operations a task may end without parking before others get their turn.
//!
//! Code whose operations are always ready would never come back to the kernel. Each that ends at once
//! takes one from the poll's budget; when it is used up the next one is not begun, wakes its task and
//! parks. Outside a kernel's poll nothing is counted.

use std::cell::Cell;

/// How many operations may end in one poll.
pub(crate) const PER_POLL: u32 = 128;

const UNLIMITED: u32 = u32::MAX;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(UNLIMITED) };
}

/// A poll begins.
pub(crate) fn begin() {
    LEFT.set(PER_POLL);
}

/// The poll is over.
pub(crate) fn end() {
    LEFT.set(UNLIMITED);
}

/// Whether nothing is left.
pub(crate) fn is_used_up() -> bool {
    LEFT.get() == 0
}

/// An operation has ended without parking.
pub(crate) fn spend() {
    let left = LEFT.get();
    if left != UNLIMITED {
        LEFT.set(left.saturating_sub(1));
    }
}
