//! The oneshot: one value from one to one.
//!
//! Each side has at most one waiter, so a waker beside the value takes the place of a line.
//!
//! # Invariants
//!
//! - A value is in one place: with the sender, here, or with the receiver. Whichever side goes first,
//!   the other one learns of it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::blocking::{block_on, block_on_timeout};
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, Universal, print};
use crate::wakes::{Wakes, discard};

/// Sends one value; see [`oneshot`](crate::oneshot).
pub struct OneshotSender<T, S: Shell> {
    cell: S::Cell<State<T>>,
}

/// Receives one value, by being awaited; see [`oneshot`](crate::oneshot).
///
/// It may be polled by reference and left, and awaited again later: the value waits in it.
#[must_use = "a future does nothing until it is polled"]
pub struct OneshotReceiver<T, S: Shell> {
    cell: S::Cell<State<T>>,
}

/// The sender is gone and has sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sender is gone and has sent nothing")]
pub struct SenderGone;

/// The receiver is gone; the value comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the receiver is gone")]
pub struct SendError<T>(pub T);

/// Why there is no value to be had without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryRecvError {
    /// It has not been sent yet.
    #[error("nothing has been sent yet")]
    Empty,
    /// It never will be, or was received already.
    #[error("the sender is gone and there is no value")]
    Gone,
}

struct State<T> {
    value: Option<T>,
    sender: Side,
    receiver: Side,
}

struct Side {
    here: bool,
    /// Waits for what the other side does.
    waker: Option<Waker>,
}

impl Side {
    const HERE: Self = Self {
        here: true,
        waker: None,
    };

    fn go(&mut self) -> Option<Waker> {
        self.here = false;
        self.waker.take()
    }

    fn wake(&mut self, wakes: &mut Wakes) {
        if let Some(waker) = self.waker.take() {
            wakes.push(waker);
        }
    }
}

/// A sender and its receiver, for any shell.
pub fn oneshot<T, S: Shell>() -> (OneshotSender<T, S>, OneshotReceiver<T, S>) {
    let cell = S::Cell::new(State {
        value: None,
        sender: Side::HERE,
        receiver: Side::HERE,
    });
    let sender = OneshotSender { cell: cell.clone() };
    (sender, OneshotReceiver { cell })
}

impl<T, S: Shell> OneshotSender<T, S> {
    /// Sends the value. It never waits.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the value, when the receiver is gone.
    pub fn send(self, value: T) -> Result<(), SendError<T>> {
        act(&self.cell, |state, wakes| {
            if !state.receiver.here {
                return Err(SendError(value));
            }
            state.value = Some(value);
            state.receiver.wake(wakes);
            Ok(())
        })
    }

    /// Whether nobody will receive what is sent.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.cell.look(|state| !state.receiver.here)
    }

    /// Waits until the receiver is gone, so that work for it can be stopped.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost by dropping it.
    pub fn closed(&mut self) -> OneshotClosed<'_, T, S> {
        OneshotClosed { sender: self }
    }
}

impl<T, S: Shell> OneshotReceiver<T, S> {
    /// Waits for the value without using up the receiver.
    ///
    /// # Errors
    ///
    /// [`SenderGone`], when there will be none, or it was received already.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves no trace; the value waits for the next call.
    pub fn recv(&mut self) -> OneshotReceiving<'_, T, S> {
        OneshotReceiving { receiver: self }
    }

    /// The value, if it has been sent and not received.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        act(&self.cell, |state, _| state.try_recv())
    }

    /// Refuses a value from now on; one that was sent already can still be received.
    pub fn close(&mut self) {
        let waker = act(&self.cell, |state, wakes| {
            state.sender.wake(wakes);
            state.receiver.go()
        });
        discard(waker);
    }
}

impl<T> OneshotReceiver<T, Universal> {
    /// Receives the value, blocking the thread.
    ///
    /// # Errors
    ///
    /// [`SenderGone`], when there will be none.
    pub fn recv_blocking(self) -> Result<T, SenderGone> {
        block_on(self)
    }

    /// Receives the value, blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], which is `Empty` if the time was up first.
    pub fn recv_timeout(&mut self, limit: Duration) -> Result<T, TryRecvError> {
        match block_on_timeout(self, limit) {
            Some(end) => end.map_err(|SenderGone| TryRecvError::Gone),
            None => Err(TryRecvError::Empty),
        }
    }
}

impl<T> State<T> {
    fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.value.take() {
            Some(value) => Ok(value),
            None if self.sender.here && self.receiver.here => Err(TryRecvError::Empty),
            None => Err(TryRecvError::Gone),
        }
    }
}

/// Waits until `ready` gives something, with the waker that `side` picks.
///
/// A waker is cloned only if the one held does not do, and outside the lock.
fn poll_side<T, R>(
    cell: &impl Cell<State<T>>,
    cx: &mut Context<'_>,
    side: fn(&mut State<T>) -> &mut Side,
    mut ready: impl FnMut(&mut State<T>) -> Option<R>,
) -> Poll<R> {
    let first = act(cell, |state, _| {
        if let Some(out) = ready(state) {
            return Ok(Poll::Ready(out));
        }
        match &side(state).waker {
            Some(waker) if waker.will_wake(cx.waker()) => Ok(Poll::Pending),
            _ => Err(()),
        }
    });
    let Err(()) = first else {
        return first.unwrap_or(Poll::Pending);
    };
    let waker = cx.waker().clone();
    let (out, spare) = act(cell, |state, _| match ready(state) {
        Some(out) => (Poll::Ready(out), Some(waker)),
        None => (Poll::Pending, side(state).waker.replace(waker)),
    });
    discard(spare);
    out
}

impl<T, S: Shell> Future for OneshotReceiver<T, S> {
    type Output = Result<T, SenderGone>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ready = |state: &mut State<T>| match state.try_recv() {
            Ok(value) => Some(Ok(value)),
            Err(TryRecvError::Gone) => Some(Err(SenderGone)),
            Err(TryRecvError::Empty) => None,
        };
        poll_side(&self.cell, cx, |state| &mut state.receiver, ready)
    }
}

/// The wait for the value, made by [`OneshotReceiver::recv`].
#[must_use = "a future does nothing until it is polled"]
pub struct OneshotReceiving<'a, T, S: Shell> {
    receiver: &'a mut OneshotReceiver<T, S>,
}

impl<T, S: Shell> Future for OneshotReceiving<'_, T, S> {
    type Output = Result<T, SenderGone>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.receiver).poll(cx)
    }
}

impl<T, S: Shell> Drop for OneshotReceiving<'_, T, S> {
    fn drop(&mut self) {
        let waker = act(&self.receiver.cell, |state, _| state.receiver.waker.take());
        discard(waker);
    }
}

/// The wait for the receiver to be gone, made by [`OneshotSender::closed`].
#[must_use = "a future does nothing until it is polled"]
pub struct OneshotClosed<'a, T, S: Shell> {
    sender: &'a mut OneshotSender<T, S>,
}

impl<T, S: Shell> Future for OneshotClosed<'_, T, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let ready = |state: &mut State<T>| (!state.receiver.here).then_some(());
        poll_side(&self.sender.cell, cx, |state| &mut state.sender, ready)
    }
}

impl<T, S: Shell> Drop for OneshotClosed<'_, T, S> {
    fn drop(&mut self) {
        discard(act(&self.sender.cell, |state, _| state.sender.waker.take()));
    }
}

impl<T, S: Shell> Drop for OneshotSender<T, S> {
    fn drop(&mut self) {
        let waker = act(&self.cell, |state, wakes| {
            state.receiver.wake(wakes);
            state.sender.go()
        });
        discard(waker);
    }
}

impl<T, S: Shell> Drop for OneshotReceiver<T, S> {
    fn drop(&mut self) {
        self.close();
        drop(act(&self.cell, |state, _| state.value.take()));
    }
}

fn print_state<T>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    cell: &impl Cell<State<T>>,
) -> fmt::Result {
    print(f, name, cell, |state| {
        [
            ("sent", Figure::Flag(state.value.is_some())),
            ("sender", Figure::Flag(state.sender.here)),
            ("receiver", Figure::Flag(state.receiver.here)),
        ]
    })
}

impl<T, S: Shell> fmt::Debug for OneshotSender<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_state(f, "OneshotSender", &self.cell)
    }
}

impl<T, S: Shell> fmt::Debug for OneshotReceiver<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_state(f, "OneshotReceiver", &self.cell)
    }
}

impl<T, S: Shell> fmt::Debug for OneshotClosed<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneshotClosed").finish_non_exhaustive()
    }
}

impl<T, S: Shell> fmt::Debug for OneshotReceiving<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneshotReceiving").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}
