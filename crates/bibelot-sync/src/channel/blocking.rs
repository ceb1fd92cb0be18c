//! The channel's blocking twins, for threads.

use std::time::Duration;

use super::{Receiver, Sender};
use crate::queue::{Closed, Fifo, PutError, PutPermit, TryGetError, TryPutError};
use crate::shell::Universal;

impl<T> Sender<T, Universal> {
    /// [`send`](Self::send), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the channel is closed first.
    pub fn send_blocking(&self, item: T) -> Result<(), PutError<T>> {
        self.queue.put_blocking(item)
    }

    /// [`send`](Self::send), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item, which is `Full` if the time was up first.
    pub fn send_timeout(&self, item: T, limit: Duration) -> Result<(), TryPutError<T>> {
        self.queue.put_timeout(item, limit)
    }

    /// [`reserve`](Self::reserve), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`PutError`], when the channel is closed first.
    ///
    /// # Panics
    ///
    /// When the channel is a rendezvous.
    pub fn reserve_blocking(&self) -> Result<PutPermit<'_, Fifo<T>, Universal>, PutError<()>> {
        self.queue.reserve_blocking()
    }
}

impl<T> Receiver<T, Universal> {
    /// [`recv`](Self::recv), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the channel is closed and all its items were received.
    pub fn recv_blocking(&self) -> Result<T, Closed> {
        self.queue.get_blocking()
    }

    /// [`recv`](Self::recv), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryGetError`], which is `Empty` if the time was up first.
    pub fn recv_timeout(&self, limit: Duration) -> Result<T, TryGetError> {
        self.queue.get_timeout(limit)
    }
}
