//! A handle to a queue that does not keep it.

use std::fmt;

use super::state::State;
use super::{Queue, Store};
use crate::shell::Shell;
use crate::shell::sealed::Cell;

type Weak<B, S> = <<S as Shell>::Cell<State<B>> as Cell<State<B>>>::Weak;

/// A handle to a [`Queue`] that does not keep it alive; made by [`Queue::downgrade`].
pub struct WeakQueue<B: Store, S: Shell> {
    cell: Weak<B, S>,
}

impl<B: Store, S: Shell> Queue<B, S> {
    /// A handle that does not keep the queue alive: with the last other one goes the queue, and with it the
    /// items that lie in it. For a table of queues that are in use, and for an item that holds the queue that
    /// it came from.
    ///
    /// ```
    /// let queue = bibelot_sync::Queue::unbounded();
    /// let weak = queue.downgrade();
    /// weak.upgrade().unwrap().try_put("a curio").unwrap();
    /// assert_eq!(queue.try_get(), Ok("a curio"));
    /// drop(queue);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakQueue<B, S> {
        let cell = self.cell.downgrade();
        WeakQueue { cell }
    }
}

impl<B: Store, S: Shell> WeakQueue<B, S> {
    /// The queue, if there still is one.
    #[must_use]
    pub fn upgrade(&self) -> Option<Queue<B, S>> {
        let cell = <S::Cell<State<B>>>::upgrade(&self.cell)?;
        Some(Queue { cell })
    }
}

impl<B: Store, S: Shell> Clone for WeakQueue<B, S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<B: Store, S: Shell> fmt::Debug for WeakQueue<B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakQueue").finish_non_exhaustive()
    }
}
