//! The hub: which of many arms were woken since the last poll.
//!
//! # Invariants
//!
//! - An arm is on the list at most once.
//! - Whoever puts the first arm on the list after the parent's waker was left wakes the parent.
//! - No waker is cloned, woken or dropped under the lock.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Collects the wakes of many arms for one parent.
pub(crate) struct Hub(Mutex<Woken>);

#[derive(Default)]
struct Woken {
    arms: Vec<usize>,
    parent: Option<Waker>,
}

/// The waker of one arm.
struct ArmWaker {
    hub: Arc<Hub>,
    arm: usize,
    is_listed: AtomicBool,
}

/// One arm's place at the hub.
pub(crate) struct Line {
    state: Arc<ArmWaker>,
    waker: Waker,
}

impl Hub {
    /// A hub, and a line for each of `count` arms, all of which count as woken.
    pub(crate) fn new(count: usize) -> (Arc<Self>, Vec<Line>) {
        let woken = Woken {
            arms: (0..count).collect(),
            parent: None,
        };
        let hub = Arc::new(Self(Mutex::new(woken)));
        let lines = (0..count).map(|arm| hub.line(arm)).collect();
        (hub, lines)
    }

    /// Puts an arm on the list, and wakes the parent.
    pub(crate) fn list(&self, arm: usize) {
        let parent = {
            let mut woken = self.lock();
            woken.arms.push(arm);
            woken.parent.take()
        };
        if let Some(parent) = parent {
            parent.wake();
        }
    }

    /// The line of an arm that is on the list, or about to be put there.
    pub(crate) fn line(self: &Arc<Self>, arm: usize) -> Line {
        let state = Arc::new(ArmWaker {
            hub: self.clone(),
            arm,
            is_listed: AtomicBool::new(true),
        });
        Line {
            waker: Waker::from(state.clone()),
            state,
        }
    }

    /// Has `parent` woken when the next arm is, and moves the list of those that were into `arms`.
    pub(crate) fn drain(&self, parent: &Waker, arms: &mut Vec<usize>) {
        arms.clear();
        let parent = Some(parent.clone());
        let old = {
            let mut woken = self.lock();
            mem::swap(&mut woken.arms, arms);
            mem::replace(&mut woken.parent, parent)
        };
        drop(old);
    }

    /// Wakes the parent, for what is no arm's wake.
    pub(crate) fn wake_parent(&self) {
        let parent = self.lock().parent.take();
        if let Some(parent) = parent {
            parent.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Woken> {
        // Nothing under the lock can leave it half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// The waker to poll the arm with, which may be woken again from now on.
    pub(crate) fn begin(&self) -> &Waker {
        // Acquire pairs with the release in `wake_by_ref`: the poll sees what came before the wake.
        self.state.is_listed.swap(false, Ordering::AcqRel);
        &self.waker
    }
}

impl Wake for ArmWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_listed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.hub.list(self.arm);
    }
}
