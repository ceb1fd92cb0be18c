//! The side of a broadcast that receives.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::error::{BroadcastError, TryBroadcastError};
use super::sender::print_state;
use super::state::State;
use crate::blocking::{block_on, block_on_timeout};
use crate::shell::sealed::{Shared, act};
use crate::shell::{Shell, Universal};
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, Turn, Waiter};
use crate::wakes::Wakes;

/// Receives every item of a broadcast; see [`broadcast`](crate::broadcast()).
///
/// Each gets a clone of the item, the last of them the item itself. A clone of a receiver is where the
/// original is, and goes on by itself.
pub struct BroadcastReceiver<T, S: Shell> {
    cell: S::Cell<State<T, S>>,
    /// The number of the next item for it.
    at: u64,
}

impl<T, S: Shell> BroadcastReceiver<T, S> {
    pub(super) fn new(cell: &S::Cell<State<T, S>>, at: Option<u64>) -> Self {
        let at = act(cell, |state, _| state.add_receiver(at));
        let cell = cell.clone();
        Self { cell, at }
    }

    /// Receives the next item, waiting for one if there is none.
    ///
    /// # Errors
    ///
    /// [`BroadcastError`]: after `Lagged` the next call goes on with the oldest item that is kept.
    ///
    /// # Cancellation
    ///
    /// Dropped, it has received nothing.
    pub fn recv(&mut self) -> Receiving<'_, T, S> {
        let at = &mut self.at;
        let of = PhantomData;
        Receiving(Waiter::new(&self.cell, UntilReceived { at, of }))
    }

    /// Receives the next item, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryBroadcastError`].
    pub fn try_recv(&mut self) -> Result<T, TryBroadcastError>
    where
        T: Clone,
    {
        let at = &mut self.at;
        act(&self.cell, |state, _| state.receive(at)).map(own::<T, S>)
    }
}

impl<T: Clone> BroadcastReceiver<T, Universal> {
    /// [`recv`](Self::recv), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`BroadcastError`].
    pub fn recv_blocking(&mut self) -> Result<T, BroadcastError> {
        block_on(self.recv())
    }

    /// [`recv`](Self::recv), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryBroadcastError`], which is `Empty` if the time was up first.
    pub fn recv_timeout(&mut self, limit: Duration) -> Result<T, TryBroadcastError> {
        match block_on_timeout(&mut self.recv(), limit) {
            Some(Ok(item)) => Ok(item),
            Some(Err(BroadcastError::Lagged(missed))) => Err(TryBroadcastError::Lagged(missed)),
            Some(Err(BroadcastError::Closed)) => Err(TryBroadcastError::Closed),
            None => Err(TryBroadcastError::Empty),
        }
    }
}

/// The item itself for the last that has it, else a clone, made while nothing is locked.
fn own<T: Clone, S: Shell>(item: S::Shared<T>) -> T {
    item.into_sole().unwrap_or_else(|item| T::clone(&item))
}

impl<T, S: Shell> Clone for BroadcastReceiver<T, S> {
    fn clone(&self) -> Self {
        Self::new(&self.cell, Some(self.at))
    }
}

impl<T, S: Shell> Drop for BroadcastReceiver<T, S> {
    fn drop(&mut self) {
        act(&self.cell, |state, _| state.remove_receiver(self.at));
        while let Some(item) = act(&self.cell, |state, _| state.pop_done()) {
            drop(item);
        }
    }
}

impl<T, S: Shell> fmt::Debug for BroadcastReceiver<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_state::<T, S>(f, "BroadcastReceiver", &self.cell)
    }
}

/// The wait for an item of a broadcast, made by [`BroadcastReceiver::recv`].
#[must_use = "a future does nothing until it is polled"]
pub struct Receiving<'a, T, S: Shell>(Waiter<'a, S, UntilReceived<'a, T, S>>);

struct UntilReceived<'a, T, S> {
    at: &'a mut u64,
    of: PhantomData<fn() -> (T, S)>,
}

impl<T, S: Shell> Turn for UntilReceived<'_, T, S> {
    type State = State<T, S>;
    type Slot = ();
    type Out = Result<S::Shared<T>, BroadcastError>;

    fn line(state: &mut State<T, S>) -> &mut WaitQueue {
        &mut state.waiters
    }

    fn start(&mut self, state: &mut State<T, S>, _: &mut Wakes) -> Option<Self::Out> {
        match state.receive(self.at) {
            Ok(item) => Some(Ok(item)),
            Err(TryBroadcastError::Empty) => None,
            Err(TryBroadcastError::Lagged(missed)) => Some(Err(BroadcastError::Lagged(missed))),
            Err(TryBroadcastError::Closed) => Some(Err(BroadcastError::Closed)),
        }
    }

    fn ask(&mut self, _: &State<T, S>) {}

    fn finish(&mut self, state: &mut State<T, S>, (): (), wakes: &mut Wakes) -> Self::Out {
        // Only this one moves on, so the item is there, or was missed; or all senders are gone.
        let end = self.start(state, wakes);
        end.unwrap_or(Err(BroadcastError::Closed))
    }

    fn pass_on(&mut self, _: &mut State<T, S>, (): (), _: &mut Wakes) {}
}

impl<T: Clone, S: Shell> Future for Receiving<'_, T, S> {
    type Output = Result<T, BroadcastError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = self.get_mut().0.poll(cx);
        end.map(|end| end.map(own::<T, S>))
    }
}

impl<T, S: Shell> fmt::Debug for Receiving<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Receiving", &self.0)
    }
}
