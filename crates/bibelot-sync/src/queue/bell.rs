//! The bell: tells the world outside whether a queue has something for a getter.
//!
//! A bell is rung through the wakes of a change, so outside the lock, where changes overtake one another.
//! So it is not told what has changed but looks at how it is: whoever rings first rings also for those
//! that come meanwhile, one call after the other, and the last call has seen the last change.
//!
//! # Invariants
//!
//! - `up` is changed under the lock, and after each change somebody rings.
//! - No two calls of one bell overlap, the code of users runs under no lock, and its panics end there.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use super::Queue;
use super::store::Store;
use crate::shell::Universal;
use crate::shell::sealed::act;
use crate::wakes::{Wakes, contain, discard};

/// The bells of one queue.
#[derive(Default)]
pub(super) struct Bells {
    bells: Vec<(u64, Arc<Bell>)>,
    next: u64,
    up: bool,
}

struct Bell {
    up: AtomicBool,
    /// How many have rung and were not seen to.
    due: AtomicUsize,
    ring: Box<dyn Fn(bool) + Send + Sync>,
}

impl Bells {
    fn add(&mut self, bell: Arc<Bell>) -> u64 {
        self.next += 1;
        self.bells.push((self.next, bell));
        self.next
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Bell>> {
        let at = self.bells.iter().position(|(its, _)| *its == number)?;
        Some(self.bells.remove(at).1)
    }

    /// Rings, if this is a change.
    pub(super) fn set(&mut self, up: bool, wakes: &mut Wakes) {
        if self.up != up {
            self.up = up;
            self.ring_all(wakes);
        }
    }

    fn ring_all(&self, wakes: &mut Wakes) {
        for (_, bell) in &self.bells {
            // Seen by whoever counts the ring of this change, which comes after.
            bell.up.store(self.up, Ordering::Release);
            wakes.push(Waker::from(bell.clone()));
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Whoever counts from 0 goes on; to the others it will have looked after they counted.
        if self.due.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let mut due = 1;
        while due > 0 {
            contain(|| (self.ring)(self.up.load(Ordering::Acquire)));
            due = self.due.fetch_sub(due, Ordering::AcqRel) - due;
        }
    }
}

/// A bell that hangs at a queue until this is dropped; made by [`Queue::on_readable`].
#[must_use = "the bell is taken down when this is dropped"]
pub struct QueueBell<B: Store> {
    queue: Queue<B, Universal>,
    number: u64,
}

impl<B: Store> Queue<B, Universal> {
    /// Calls `ring` now, and whenever there begins or ceases to be something for a getter: `true` while
    /// there are items, and when the queue is closed and empty, which a getter is to hear too.
    ///
    /// It is for those who wait with something else than a waker, such as a poller of descriptors. It is
    /// called by whoever changes the queue, after the change and outside of any lock; changes that follow
    /// fast are told as one, and the last call tells how it is. It has to be quick; and it should hold no
    /// handle to this queue, which would keep it alive.
    ///
    /// # Panics
    ///
    /// When the queue is a [`rendezvous`](Self::rendezvous), where nothing ever lies.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let queue = bibelot_sync::Queue::unbounded();
    /// let lamp = Arc::new(AtomicBool::new(true));
    /// let bell = queue.on_readable({
    ///     let lamp = lamp.clone();
    ///     move |up| lamp.store(up, Ordering::Relaxed)
    /// });
    /// assert!(!lamp.load(Ordering::Relaxed));
    /// queue.try_put("a curio").unwrap();
    /// assert!(lamp.load(Ordering::Relaxed));
    /// # drop(bell);
    /// ```
    pub fn on_readable(&self, ring: impl Fn(bool) + Send + Sync + 'static) -> QueueBell<B> {
        assert_ne!(self.capacity(), Some(0), "nothing lies in a rendezvous");
        let bell = Arc::new(Bell {
            up: AtomicBool::new(false),
            due: AtomicUsize::new(0),
            ring: Box::new(ring),
        });
        let number = act(&self.cell, |state, wakes| {
            let up = state.is_readable();
            let bells = &mut state.outside.get_or_insert_default().bells;
            bells.up = up;
            let number = bells.add(bell);
            bells.ring_all(wakes);
            number
        });
        let queue = self.clone();
        QueueBell { queue, number }
    }
}

impl<B: Store> Drop for QueueBell<B> {
    fn drop(&mut self) {
        let bell = act(&self.queue.cell, |state, _| {
            let outside = state.outside.as_mut()?;
            outside.bells.remove(self.number)
        });
        discard(bell.map(Waker::from));
    }
}

impl<B: Store> fmt::Debug for QueueBell<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueBell").field(&self.queue).finish()
    }
}
