//! The queue's blocking twins, for threads.

use std::ops::RangeBounds;
use std::time::Duration;

use super::error::{Closed, PutError, TryGetError, TryPutError};
use super::store::Store;
use super::{ItemGuard, PutPermit, Queue};
use crate::blocking::{block_on, block_on_timeout};
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

    /// [`put`](Self::put), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item, which is `Full` if the time was up first.
    pub fn put_timeout(&self, item: B::Item, limit: Duration) -> Result<(), TryPutError<B::Item>> {
        let mut put = self.put(item);
        match block_on_timeout(&mut put, limit) {
            Some(end) => end.map_err(|PutError(item)| TryPutError::Closed(item)),
            // Without its item, a put of a rendezvous was taken at the last moment.
            None => put
                .into_item()
                .map_or(Ok(()), |item| Err(TryPutError::Full(item))),
        }
    }

    /// [`get`](Self::get), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryGetError`], which is `Empty` if the time was up first.
    pub fn get_timeout(&self, limit: Duration) -> Result<B::Item, TryGetError> {
        match block_on_timeout(&mut self.get(), limit) {
            Some(end) => end.map_err(|Closed| TryGetError::Closed),
            None => Err(TryGetError::Empty),
        }
    }

    /// [`join`](Self::join), blocking the thread for no longer than `limit`; `false` if the time was up
    /// first.
    pub fn join_timeout(&self, limit: Duration) -> bool {
        block_on_timeout(&mut self.join(), limit).is_some()
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

    /// [`until_len`](Self::until_len), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the queue is closed and will not have so many items any more.
    ///
    /// # Panics
    ///
    /// When the range is empty.
    pub fn until_len_blocking(&self, range: impl RangeBounds<usize>) -> Result<usize, Closed> {
        block_on(self.until_len(range))
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
