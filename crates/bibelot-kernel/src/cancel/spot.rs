//! The spot: in which task and when a trap parked; and where it is listed, if its waker is not the task's.
//!
//! Every waiting future holds one. A stamp and a number are all that most of them need; the few that are
//! polled with a waker of their own pay for a box.
//!
//! # Invariants
//!
//! - A [`Listed`] is in its task's list of traps with wakers of their own until it is dropped.

use crate::home::{self, KernelId};
use crate::remote::{self, Message};
use crate::tasks::TaskKey;

/// In which task and when a trap parked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// The number of the task.
    pub task: u64,
    pub stamp: u64,
}

impl Spot {
    /// Under an executor that is not ours.
    pub(crate) const NOWHERE: Self = Self { task: 0, stamp: 0 };
}

/// What a parked trap holds.
#[derive(Debug)]
pub(crate) enum Parking {
    /// It is woken by its task's own waker.
    Own(Spot),
    /// It has a waker of its own.
    Listed(Box<Listed>),
}

impl Parking {
    #[inline]
    pub(crate) fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    #[inline]
    pub(crate) fn spot(&self) -> Spot {
        match self {
            Self::Own(spot) => *spot,
            Self::Listed(listed) => listed.spot,
        }
    }
}

/// A trap's place in its task's list of traps with wakers of their own.
#[derive(Debug)]
pub(crate) struct Listed {
    pub spot: Spot,
    pub kernel: KernelId,
    pub key: TaskKey,
    pub place: u32,
}

impl Drop for Listed {
    /// Takes the trap off its task's list, from any thread.
    fn drop(&mut self) {
        let (key, place) = (self.key, self.place);
        let here = home::with_kernel(self.kernel, |core| core.leave_foreign(key, place));
        if here.is_none() {
            remote::send(self.kernel, Message::LeaveForeign(key, place));
        }
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn a_parked_trap_holds_three_words() {
        assert_eq!(size_of::<Parking>(), 24);
    }
}
