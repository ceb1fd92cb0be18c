//! The watch: the latest value, and word that it has changed.

use std::fmt;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::SendersGone;
use bibelot_sync::generic::{self, Latest, Shell};

use super::error::ClosedError;
use super::wait_or::WaitOr;

/// The future of [`WatchReceiver::changed`].
pub type WatchChanged<'a, T, S> = WaitOr<generic::Changed<'a, T, S>, ClosedError>;

/// The future of [`WatchReceiver::wait_for`].
pub type WatchWaitFor<'a, T, S, F> = WaitOr<generic::WaitFor<'a, T, S, F>, ClosedError>;

/// The future of [`WatchSender::closed`].
pub type WatchClosing<'a, T, S> = WaitFuture<generic::WatchClosed<'a, T, S>>;

/// Sends the values of a watch; see [`watch`](crate::watch()).
///
/// Clones send into the same watch.
pub struct WatchSender<T, S: Shell>(pub(super) generic::WatchSender<T, S>);

/// Reads the values of a watch, and waits for the next; see [`watch`](crate::watch()).
///
/// It skips: of several values sent between two looks it sees the last. Clones have seen what the original
/// has, and go on by themselves.
pub struct WatchReceiver<T, S: Shell>(pub(super) generic::WatchReceiver<T, S>);

/// A watch of `value` for any shell: what sends a new value, and what reads it.
pub fn watch<T, S: Shell>(value: T) -> (WatchSender<T, S>, WatchReceiver<T, S>) {
    let (sender, receiver) = generic::watch(value);
    (WatchSender(sender), WatchReceiver(receiver))
}

impl<T, S: Shell> WatchSender<T, S> {
    /// Makes `value` the latest, and tells all receivers. It never waits, and goes for those that
    /// [subscribe](Self::subscribe) later, if there is no receiver now.
    pub fn send(&self, value: T) {
        self.0.send(value);
    }

    /// Changes a copy of the latest value, and sends that. If another value is sent meanwhile, `change`
    /// runs again on that one, so that no change is lost.
    pub fn update(&self, change: impl FnMut(&mut T))
    where
        T: Clone,
    {
        self.0.update(change);
    }

    /// The latest value.
    #[must_use]
    pub fn latest(&self) -> Latest<T, S> {
        self.0.latest()
    }

    /// A receiver that takes the latest value as seen.
    #[must_use]
    pub fn subscribe(&self) -> WatchReceiver<T, S> {
        WatchReceiver(self.0.subscribe())
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.0.receiver_count()
    }

    /// Whether there is no receiver.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits until there is no receiver, so that work for them can be stopped.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once.
    #[track_caller]
    pub fn closed(&self) -> WatchClosing<'_, T, S> {
        wait_future(Wait::Send, self.0.closed())
    }
}

impl<T, S: Shell> WatchReceiver<T, S> {
    /// The latest value, which is not taken as seen by that.
    #[must_use]
    pub fn latest(&self) -> Latest<T, S> {
        self.0.latest()
    }

    /// The latest value, taken as seen.
    pub fn see(&mut self) -> Latest<T, S> {
        self.0.see()
    }

    /// Whether there is a value that was not seen yet.
    ///
    /// # Errors
    ///
    /// [`SendersGone`], when there is none and none will come.
    pub fn has_changed(&self) -> Result<bool, SendersGone> {
        self.0.has_changed()
    }

    /// Waits for a value that was not seen yet, and takes it as seen.
    ///
    /// # Errors
    ///
    /// [`ClosedError`], when there is none and none will come, or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Cut or dropped, it has seen nothing, and the next call ends at once if there was a change.
    #[track_caller]
    pub fn changed(&mut self) -> WatchChanged<'_, T, S> {
        WaitOr::new(Wait::Receive, self.0.changed())
    }

    /// Waits until the latest value is as `wanted` says, and takes it as seen. It looks at it now, and
    /// whenever it changes.
    ///
    /// # Errors
    ///
    /// [`ClosedError`], when it is not and will not be, or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Cut or dropped, it has taken the values it looked at as seen.
    #[track_caller]
    pub fn wait_for<F>(&mut self, wanted: F) -> WatchWaitFor<'_, T, S, F>
    where
        F: FnMut(&T) -> bool,
    {
        WaitOr::new(Wait::Receive, self.0.wait_for(wanted))
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_count(&self) -> usize {
        self.0.sender_count()
    }
}

impl<T, S: Shell> Clone for WatchSender<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, S: Shell> Clone for WatchReceiver<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, S: Shell> fmt::Debug for WatchSender<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T, S: Shell> fmt::Debug for WatchReceiver<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
