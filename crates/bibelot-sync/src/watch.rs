//! The watch: the latest value, and word that it has changed.
//!
//! The value is a counted pointer. Who reads it has a pointer of its own, so that a reader may keep it as
//! long as it likes and never makes a sender wait. `state` is the machine, `wait` the futures.

mod blocking;
mod receiver;
mod sender;
mod state;
mod wait;

use std::fmt;
use std::ops::Deref;

pub use receiver::WatchReceiver;
pub use sender::WatchSender;
pub use wait::{Changed, WaitFor, WatchClosed};

use crate::shell::Shell;
use crate::shell::sealed::{Cell, Shared};
use state::State;

/// A watch of `value` for any shell: what sends a new value, and what reads it. In the universal shell the
/// value is shared between threads, so it has to be `Send + Sync`.
pub fn watch<T, S: Shell>(value: T) -> (WatchSender<T, S>, WatchReceiver<T, S>) {
    let cell = Cell::new(State::<T, S>::new(S::Shared::new(value)));
    let sender = WatchSender::new(&cell);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// All senders of a watch are gone: its value will not change any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all senders of the watch are gone")]
pub struct SendersGone;

/// A value that a watch had when this was taken; it stays as it is.
pub struct Latest<T, S: Shell>(S::Shared<T>);

impl<T, S: Shell> Deref for Latest<T, S> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T, S: Shell> Clone for Latest<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug, S: Shell> fmt::Debug for Latest<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
