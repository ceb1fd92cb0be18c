//! The flag: raised once, from any thread, and whoever is to hear of it.
//!
//! A scope's future leaves its waker at each poll, and then looks whether the flag is up, so it misses
//! nothing. A flag below another is raised with it; below holds weakly, since it may be gone first.
//!
//! # Invariants
//!
//! - A flag below one that is up is up.
//! - No waker is cloned, woken or dropped under the lock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use crate::core::wake_all;

/// A flag that stops, and those to be woken when it is raised.
#[derive(Default)]
pub(super) struct Flag {
    is_stopped: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// In the order in which they came.
    wakers: BTreeMap<u64, Waker>,
    children: Vec<Weak<Flag>>,
    /// Children that are gone are looked for when there are so many.
    children_max: usize,
}

impl Flag {
    pub(super) fn is_stopped(&self) -> bool {
        // Acquire pairs with the release in `stop`: what was done before the stop is seen after it.
        self.is_stopped.load(Ordering::Acquire)
    }

    /// Stops it and all below it, which may be a long chain.
    pub(super) fn stop(&self) {
        let mut below = self.stop_alone();
        while let Some(child) = below.pop() {
            if let Some(child) = child.upgrade() {
                below.extend(child.stop_alone());
            }
        }
    }

    /// Stops it, if it was not stopped before, and gives its children.
    fn stop_alone(&self) -> Vec<Weak<Self>> {
        if self.is_stopped.swap(true, Ordering::AcqRel) {
            return Vec::new();
        }
        let (wakers, mut children) = {
            let mut waiting = self.lock();
            (
                std::mem::take(&mut waiting.wakers),
                std::mem::take(&mut waiting.children),
            )
        };
        wake_all(wakers.into_values());
        // The oldest is taken first, from the end.
        children.reverse();
        children
    }

    pub(super) fn add_child(&self, child: &Arc<Self>) {
        {
            let mut waiting = self.lock();
            if waiting.children.len() >= waiting.children_max {
                waiting.children.retain(|child| child.strong_count() > 0);
                waiting.children_max = 2 * waiting.children.len() + 4;
            }
            waiting.children.push(Arc::downgrade(child));
        }
        if self.is_stopped() {
            child.stop();
        }
    }

    /// Has `waker` woken by the stop; whoever listens looks afterwards whether that has come.
    fn listen(&self, ticket: &mut Option<u64>, waker: &Waker) {
        if let Some(number) = *ticket
            && let Some(kept) = self.lock().wakers.get(&number)
            && kept.will_wake(waker)
        {
            return;
        }
        let waker = waker.clone();
        let old = {
            let mut waiting = self.lock();
            let number = *ticket.get_or_insert_with(|| {
                waiting.next += 1;
                waiting.next
            });
            waiting.wakers.insert(number, waker)
        };
        drop(old);
    }

    fn leave(&self, ticket: u64) {
        let waker = self.lock().wakers.remove(&ticket);
        drop(waker);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing under the lock can leave the lists half-changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place on a flag's list.
pub(super) struct Listener {
    flag: Arc<Flag>,
    ticket: Option<u64>,
}

impl Listener {
    /// A place that is not taken yet.
    pub(super) fn new(flag: Arc<Flag>) -> Self {
        Self { flag, ticket: None }
    }

    /// Has `waker` woken by the stop; whether that has come already.
    pub(super) fn listen(&mut self, waker: &Waker) -> bool {
        self.flag.listen(&mut self.ticket, waker);
        self.flag.is_stopped()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.flag.leave(ticket);
        }
    }
}
