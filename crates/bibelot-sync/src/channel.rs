//! The channel: a queue whose sides are counted, and which closes when one of them is gone.
//!
//! Each handle of a side has a share in that side's *end*. The counted pointer to the end does the
//! counting: with the last share goes the end, and with the end the channel closes.
//!
//! # Invariants
//!
//! - The queue is closed if one of its ends is gone; no item stays in a queue without receivers, except
//!   what a permit puts there afterwards.

mod blocking;
mod receiver;
mod sender;

pub use receiver::Receiver;
pub use sender::{Sender, WeakSender};

use crate::queue::{Fifo, Queue};
use crate::shell::Shell;
use crate::shell::sealed::Shared;

/// What keeps the channel open for those who receive.
struct SendEnd<T, S: Shell>(Queue<Fifo<T>, S>);

/// What keeps the channel open for those who send.
struct ReceiveEnd<T, S: Shell>(Queue<Fifo<T>, S>);

/// A channel for any shell, with room for `capacity` items.
///
/// # Panics
///
/// When `capacity` is 0; that is [`rendezvous`].
pub fn channel<T, S: Shell>(capacity: usize) -> (Sender<T, S>, Receiver<T, S>) {
    of(Queue::bounded(capacity))
}

/// A channel for any shell that is never full.
pub fn unbounded<T, S: Shell>() -> (Sender<T, S>, Receiver<T, S>) {
    of(Queue::unbounded())
}

/// A channel for any shell without room, where a send waits until its item is received.
pub fn rendezvous<T, S: Shell>() -> (Sender<T, S>, Receiver<T, S>) {
    of(Queue::rendezvous())
}

fn of<T, S: Shell>(queue: Queue<Fifo<T>, S>) -> (Sender<T, S>, Receiver<T, S>) {
    let sends = S::Shared::new(SendEnd(queue.clone()));
    let receives = S::Shared::new(ReceiveEnd(queue.clone()));
    let sender = Sender::new(queue.clone(), sends.clone(), receives.downgrade());
    (sender, Receiver::new(queue, receives, sends.downgrade()))
}

impl<T, S: Shell> Drop for SendEnd<T, S> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T, S: Shell> Drop for ReceiveEnd<T, S> {
    fn drop(&mut self) {
        self.0.close();
        drop(self.0.drain());
    }
}
