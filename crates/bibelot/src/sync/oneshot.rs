//! The oneshot: one value from one to one.

use std::fmt;
use std::future::IntoFuture;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::generic::{self, Shell};
use bibelot_sync::{SendError, TryRecvError};

use super::error::ClosedError;
use super::wait_or::WaitOr;

/// The future of an [`OneshotReceiver`] that is awaited.
pub type OneshotWait<T, S> = WaitOr<generic::OneshotReceiver<T, S>, ClosedError>;

/// The future of [`OneshotReceiver::recv`].
pub type OneshotRecv<'a, T, S> = WaitOr<generic::OneshotReceiving<'a, T, S>, ClosedError>;

/// The future of [`OneshotSender::closed`].
pub type OneshotClosing<'a, T, S> = WaitFuture<generic::OneshotClosed<'a, T, S>>;

/// Sends one value; see [`oneshot`](crate::oneshot).
pub struct OneshotSender<T, S: Shell>(pub(super) generic::OneshotSender<T, S>);

/// Receives one value, by being awaited; see [`oneshot`](crate::oneshot).
///
/// Await it to use it up, or call [`recv`](Self::recv) to keep it should the wait be cut.
pub struct OneshotReceiver<T, S: Shell>(pub(super) generic::OneshotReceiver<T, S>);

/// A sender of one value and its receiver, for any shell.
pub fn oneshot<T, S: Shell>() -> (OneshotSender<T, S>, OneshotReceiver<T, S>) {
    let (sender, receiver) = generic::oneshot();
    (OneshotSender(sender), OneshotReceiver(receiver))
}

impl<T, S: Shell> OneshotSender<T, S> {
    /// Sends the value. It never waits.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, when the receiver is gone.
    pub fn send(self, value: T) -> Result<(), SendError<T>> {
        self.0.send(value)
    }

    /// Whether nobody will receive what is sent.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits until the receiver is gone, so that work for it can be stopped.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, also when it is dropped.
    #[track_caller]
    pub fn closed(&mut self) -> OneshotClosing<'_, T, S> {
        wait_future(Wait::Promise, self.0.closed())
    }
}

impl<T, S: Shell> OneshotReceiver<T, S> {
    /// Waits for the value.
    ///
    /// # Errors
    ///
    /// [`ClosedError`], when the sender is gone without having sent, when the value was received already,
    /// or when the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, also when it is dropped; the value waits for the next call.
    #[track_caller]
    pub fn recv(&mut self) -> OneshotRecv<'_, T, S> {
        WaitOr::new(Wait::Promise, self.0.recv())
    }

    /// The value, if it has been sent and not received.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.0.try_recv()
    }

    /// Refuses a value from now on; one that was sent already can still be received.
    pub fn close(&mut self) {
        self.0.close();
    }
}

impl<T, S: Shell> IntoFuture for OneshotReceiver<T, S> {
    type Output = Result<T, ClosedError>;
    type IntoFuture = OneshotWait<T, S>;

    /// Waits for the value, as [`recv`](Self::recv) does; cut, the receiver is gone, and the sender gets its
    /// value back.
    #[track_caller]
    fn into_future(self) -> OneshotWait<T, S> {
        WaitOr::new(Wait::Promise, self.0)
    }
}

impl<T, S: Shell> fmt::Debug for OneshotSender<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T, S: Shell> fmt::Debug for OneshotReceiver<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
