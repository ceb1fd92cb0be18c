//! The queue's blocking twins, for threads.

use super::error::{Closed, PutError};
use super::store::Store;
use super::{ItemGuard, PutPermit, Queue};
use crate::blocking::block_on;
use crate::shell::Universal;

impl<B: Store> Queue<B, Universal> {
    /// [`put`](Self::put), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the queue is closed before it took it.
    pub fn put_blocking(&self, item: B::Item) -> Result<(), PutError<B::Item>> {
        block_on(self.put(item))
    }

    /// [`get`](Self::get), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the queue is closed and all its items were taken.
    pub fn get_blocking(&self) -> Result<B::Item, Closed> {
        block_on(self.get())
    }

    /// [`join`](Self::join), blocking the thread.
    pub fn join_blocking(&self) {
        block_on(self.join());
    }

    /// [`reserve`](Self::reserve), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`PutError`], when the queue is closed first.
    ///
    /// # Panics
    ///
    /// When the queue is a rendezvous.
    pub fn reserve_blocking(&self) -> Result<PutPermit<'_, B, Universal>, PutError<()>> {
        block_on(self.reserve())
    }

    /// [`get_guard`](Self::get_guard), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the queue is closed and all its items were taken.
    pub fn get_guard_blocking(&self) -> Result<ItemGuard<'_, B, Universal>, Closed> {
        block_on(self.get_guard())
    }
}
