//! The spot: in which task and when a trap parked; and where it is listed, if its waker is not the task's.
//!
//! Every waiting future holds one. A stamp and a number are all that most of them need; the few that are
//! polled with a waker of their own, or wait for the end of what is on its way, pay for a box.
//!
//! # Invariants
//!
//! - A [`Listed`] is in its task's list of traps with wakers of their own until it is dropped.

use super::request::Request;
use crate::home::{self, KernelId};
use crate::remote::{self, Message};
use crate::tasks::TaskKey;

/// In which task and when a trap parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The number of the task.
    pub task: u64,
    /// Never 0 where something has parked.
    pub stamp: u64,
}

impl Spot {
    /// Nothing has parked yet. Its words differ, so that setting it is two stores: zeros side by side become one of
    /// sixteen bytes, which costs more than a wait that is ready when it falls across the end of a cache line.
    pub(crate) const NEW: Self = Self {
        task: 0,
        stamp: u64::MAX - 1,
    };
    /// Under an executor that is not ours.
    pub(crate) const NOWHERE: Self = Self { task: 0, stamp: 1 };
    /// It parked or not, and is over.
    pub(crate) const GONE: Self = Self {
        task: 0,
        stamp: u64::MAX,
    };
}

/// What a trap holds while it is parked, and what says that it is not.
#[derive(Debug)]
pub(crate) struct Parking {
    pub spot: Spot,
    pub aside: Option<Box<Aside>>,
}

/// What few parked traps need.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    /// It has a waker of its own.
    pub listed: Option<Listed>,
    /// It was asked to stop for this, and waits for the end of what is on its way.
    pub asked: Option<Request>,
}

impl Parking {
    /// At `spot`, to be woken by the task's own waker.
    #[inline]
    pub(crate) const fn own(spot: Spot) -> Self {
        Self { spot, aside: None }
    }

    #[inline]
    pub(crate) fn is_new(&self) -> bool {
        self.spot.stamp == Spot::NEW.stamp
    }

    /// Where it has parked, if it has.
    #[inline]
    pub(crate) fn parked(&self) -> Option<Spot> {
        (!self.is_new()).then_some(self.spot)
    }

    /// Whether it is woken by its task's own waker.
    #[inline]
    pub(crate) fn is_own(&self) -> bool {
        self.listed().is_none()
    }

    #[inline]
    pub(crate) fn listed(&self) -> Option<&Listed> {
        self.aside.as_ref()?.listed.as_ref()
    }

    /// Whether it waits for the end of what is on its way.
    #[inline]
    pub(crate) fn is_draining(&self) -> bool {
        self.aside
            .as_ref()
            .is_some_and(|aside| aside.asked.is_some())
    }

    /// Off the list: it is woken by its task's own waker.
    pub(crate) fn unlist(&mut self) {
        let listed = self.aside.as_mut().and_then(|aside| aside.listed.take());
        drop(listed);
        if !self.is_draining() {
            self.aside = None;
        }
    }
}

/// A trap's place in its task's list of traps with wakers of their own.
#[derive(Debug)]
pub(crate) struct Listed {
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
