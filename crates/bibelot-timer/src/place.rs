//! The place: which of a wheel's lists a deadline belongs to.
//!
//! Read an instant as eleven digits of six bits. A deadline that has not come differs from the present
//! in some digit; the highest such digit is its *level*, the deadline's digit there its slot in that
//! level. Level 0 tells nanoseconds apart, a slot of level 5 spans about a second, one of level 10
//! thirty-six years.
//!
//! # Invariants
//!
//! - Deadlines in a lower level come before those in a higher one; within a level, those in a lower
//!   slot before those in a higher one.
//! - At a given present, equal deadlines have equal places.

use crate::Instant;

/// Bits of a digit.
pub(crate) const BITS: u32 = 6;
/// Slots of a level.
pub(crate) const SLOTS: usize = 1 << BITS;
/// Levels, enough for 64 bits.
pub(crate) const LEVELS: usize = 11;
/// The list of what is due; the first list that is not a slot.
pub(crate) const DUE: u16 = (LEVELS * SLOTS) as u16;
/// How many lists there are: the slots, and the one of what is due.
pub(crate) const LISTS: usize = DUE as usize + 1;
/// In no list: [`Instant::FAR`] never comes.
pub(crate) const NOWHERE: u16 = DUE + 1;

/// The list that `deadline` belongs to when it is `now`.
#[inline]
pub(crate) fn place_of(now: Instant, deadline: Instant) -> u16 {
    if deadline <= now {
        return if deadline.is_never() { NOWHERE } else { DUE };
    }
    if deadline.is_never() {
        return NOWHERE;
    }
    let level = level_of(now, deadline);
    (level * SLOTS + digit(deadline, level)) as u16
}

/// The highest digit in which two different instants differ.
#[inline]
pub(crate) fn level_of(one: Instant, other: Instant) -> usize {
    let differ = one.as_nanos() ^ other.as_nanos();
    ((63 - differ.leading_zeros()) / BITS) as usize
}

/// The digit of an instant at a level.
#[inline]
pub(crate) fn digit(at: Instant, level: usize) -> usize {
    (at.as_nanos() >> (level as u32 * BITS)) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn the_highest_differing_digit_is_the_level() {
        assert_eq!(place_of(at(0), at(1)), 1);
        assert_eq!(place_of(at(0), at(63)), 63);
        assert_eq!(place_of(at(63), at(64)), 64 + 1);
        assert_eq!(place_of(at(64), at(65)), 1);
        assert_eq!(place_of(at(0), at(u64::MAX - 1)), 10 * 64 + 15);
        assert_eq!(place_of(at(u64::MAX - 2), at(u64::MAX - 1)), 62);
    }

    #[test]
    fn what_has_come_is_due_and_never_is_nowhere() {
        assert_eq!(place_of(at(5), at(5)), DUE);
        assert_eq!(place_of(at(5), at(0)), DUE);
        assert_eq!(place_of(at(0), Instant::FAR), NOWHERE);
        assert_eq!(place_of(Instant::FAR, Instant::FAR), NOWHERE);
        assert_eq!(place_of(Instant::FAR, at(u64::MAX - 1)), DUE);
    }

    #[test]
    fn later_deadlines_have_later_places() {
        for now in [0, 1, 63, 64, 4_095, 1 << 36, u64::MAX / 2, u64::MAX - 70] {
            let mut last = 0;
            for shift in 0..64 {
                let Some(deadline) = (1_u64 << shift).checked_add(now) else {
                    break;
                };
                let place = place_of(at(now), at(deadline));
                assert!(last <= place, "{deadline} seen from {now}");
                last = place;
            }
        }
    }
}
