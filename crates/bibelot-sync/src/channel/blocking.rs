//! The channel's blocking twins, for threads.

use super::{Receiver, Sender};
use crate::queue::{Closed, Fifo, PutError, PutPermit};
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
}
