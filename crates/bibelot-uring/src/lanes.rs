//! The lanes: one operation at a time in each direction of a socket, in the order of submission.
//!
//! The operating system may finish two sends on one socket in either order when the first had to wait, so
//! the second is not begun before the first has ended; likewise for receives. A lane is a chain through
//! the slots, so lining up allocates nothing.
//!
//! # Invariants
//!
//! - The head of a lane is under way; all behind it are `Queued` or `Withdrawn`.
//! - A descriptor with something in its lanes is held open by what is in them.

use std::os::fd::{AsRawFd, RawFd};

use bibelot_reactor::Op;

use crate::slots::{NONE, Slots, Stage};

/// A direction of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LaneId(usize);

impl LaneId {
    /// The lane that an operation goes through, if it goes through one.
    pub(crate) fn of(op: &Op) -> Option<Self> {
        let (Op::Receive { socket } | Op::ReceiveInto { socket, .. } | Op::Send { socket, .. }) =
            op
        else {
            return None;
        };
        let outward = matches!(op, Op::Send { .. });
        let fd: RawFd = socket.as_fd().ok()?.as_raw_fd();
        let fd = usize::try_from(fd).expect("an open descriptor is not negative");
        Some(Self(2 * fd + usize::from(outward)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    head: u32,
    tail: u32,
}

const EMPTY: Lane = Lane {
    head: NONE,
    tail: NONE,
};

#[derive(Debug, Default)]
pub(crate) struct Lanes(Vec<Lane>);

impl Lanes {
    /// Lines an operation up. Whether it is first and begins now.
    #[must_use]
    pub(crate) fn join(&mut self, slots: &mut Slots, id: LaneId, index: u32) -> bool {
        if self.0.len() <= id.0 {
            self.0.resize((id.0 + 1).next_power_of_two(), EMPTY);
        }
        let lane = &mut self.0[id.0];
        if lane.head == NONE {
            *lane = Lane {
                head: index,
                tail: index,
            };
            return true;
        }
        slots.at(lane.tail).next = index;
        lane.tail = index;
        false
    }

    /// Lets the head go, which is about to be released. The new head, which begins now.
    #[must_use]
    pub(crate) fn leave(&mut self, slots: &mut Slots, id: LaneId, index: u32) -> Option<u32> {
        let lane = &mut self.0[id.0];
        assert_eq!(lane.head, index, "only the head of a lane ends");
        let mut next = slots.at(index).next;
        while next != NONE && slots.at(next).stage == Stage::Withdrawn {
            let behind = slots.at(next).next;
            slots.release(next);
            next = behind;
        }
        lane.head = next;
        if next == NONE {
            lane.tail = NONE;
            return None;
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bibelot_reactor::Token;

    #[test]
    fn the_next_begins_when_the_first_has_left_and_the_withdrawn_never() {
        let (mut slots, mut lanes) = (Slots::new(), Lanes::default());
        let id = LaneId(9);
        let [a, b, c] = [0, 1, 2].map(|slot| slots.insert(Token::new(slot, 0), Op::Nop));
        assert!(lanes.join(&mut slots, id, a));
        assert!(!lanes.join(&mut slots, id, b));
        assert!(!lanes.join(&mut slots, id, c));
        slots.withdraw(b);
        assert_eq!(lanes.leave(&mut slots, id, a), Some(c));
        slots.release(a);
        assert_eq!(lanes.leave(&mut slots, id, c), None);
        slots.release(c);
        assert_eq!(slots.occupied().count(), 0);
        let d = slots.insert(Token::new(3, 0), Op::Nop);
        assert!(lanes.join(&mut slots, id, d));
    }
}
