//! The waits of a watch: for a change, for a certain value, for nobody to be left.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::state::State;
use super::{Latest, SendersGone, WatchReceiver};
use crate::shell::Shell;
use crate::shell::sealed::Cell;
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, Turn, Waiter};
use crate::wakes::Wakes;

/// The wait for a change, made by [`WatchReceiver::changed`].
#[must_use = "a future does nothing until it is polled"]
pub struct Changed<'a, T, S: Shell> {
    waiter: Waiter<'a, S, UntilChanged<T, S>>,
    seen: &'a mut u64,
}

struct UntilChanged<T, S> {
    seen: u64,
    of: PhantomData<fn() -> (T, S)>,
}

impl<'a, T, S: Shell> Changed<'a, T, S> {
    pub(super) fn new(receiver: &'a mut WatchReceiver<T, S>) -> Self {
        let seen = &mut receiver.seen;
        let waiter = UntilChanged::waiter(&receiver.cell, *seen);
        Self { waiter, seen }
    }
}

impl<T, S: Shell> UntilChanged<T, S> {
    fn waiter(cell: &S::Cell<State<T, S>>, seen: u64) -> Waiter<'_, S, Self> {
        let of = PhantomData;
        Waiter::new(cell, Self { seen, of })
    }

    /// What there is to say, if there is something.
    fn look(&self, state: &State<T, S>) -> Option<Result<u64, SendersGone>> {
        match state.has_changed(self.seen) {
            Some(false) => None,
            Some(true) => Some(Ok(state.version())),
            None => Some(Err(SendersGone)),
        }
    }
}

impl<T, S: Shell> Turn for UntilChanged<T, S> {
    type State = State<T, S>;
    type Slot = ();
    type Out = Result<u64, SendersGone>;

    fn line(state: &mut State<T, S>) -> &mut WaitQueue {
        &mut state.watchers
    }

    fn start(&mut self, state: &mut State<T, S>, _: &mut Wakes) -> Option<Self::Out> {
        self.look(state)
    }

    fn ask(&mut self, _: &State<T, S>) {}

    fn finish(&mut self, state: &mut State<T, S>, (): (), _: &mut Wakes) -> Self::Out {
        // Who was told either way finds it so: versions only grow, and senders do not come back.
        self.look(state).unwrap_or(Err(SendersGone))
    }

    fn pass_on(&mut self, _: &mut State<T, S>, (): (), _: &mut Wakes) {}
}

impl<T, S: Shell> Future for Changed<'_, T, S> {
    type Output = Result<(), SendersGone>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let end = this.waiter.poll(cx);
        end.map(|end| end.map(|version| *this.seen = version))
    }
}

impl<T, S: Shell> fmt::Debug for Changed<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Changed", &self.waiter)
    }
}

/// The wait for a certain value, made by [`WatchReceiver::wait_for`].
#[must_use = "a future does nothing until it is polled"]
pub struct WaitFor<'a, T, S: Shell, F> {
    cell: &'a S::Cell<State<T, S>>,
    /// `None` before the first look.
    waiter: Option<Waiter<'a, S, UntilChanged<T, S>>>,
    seen: &'a mut u64,
    wanted: F,
}

impl<'a, T, S: Shell, F> WaitFor<'a, T, S, F> {
    pub(super) fn new(receiver: &'a mut WatchReceiver<T, S>, wanted: F) -> Self {
        Self {
            cell: &receiver.cell,
            waiter: None,
            seen: &mut receiver.seen,
            wanted,
        }
    }
}

impl<T, S: Shell, F: FnMut(&T) -> bool> Future for WaitFor<'_, T, S, F> {
    type Output = Result<Latest<T, S>, SendersGone>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            if let Some(waiter) = &mut this.waiter {
                match waiter.poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(gone)) => return Poll::Ready(Err(gone)),
                    Poll::Ready(Ok(_)) => {}
                }
            }
            let (value, version) = this.cell.look(State::latest);
            *this.seen = version;
            this.waiter = Some(UntilChanged::waiter(this.cell, version));
            if (this.wanted)(&value) {
                return Poll::Ready(Ok(Latest(value)));
            }
        }
    }
}

/// Nothing in it is pinned; what `wanted` captured is only called.
impl<T, S: Shell, F> Unpin for WaitFor<'_, T, S, F> {}

impl<T, S: Shell, F> fmt::Debug for WaitFor<'_, T, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parked = self.waiter.as_ref().is_some_and(Waiter::is_parked);
        f.debug_struct("WaitFor")
            .field("parked", &parked)
            .finish_non_exhaustive()
    }
}

/// The wait for all receivers to be gone, made by [`WatchSender::closed`](super::WatchSender::closed).
#[must_use = "a future does nothing until it is polled"]
pub struct WatchClosed<'a, T, S: Shell>(Waiter<'a, S, UntilIdle<T, S>>);

struct UntilIdle<T, S>(PhantomData<fn() -> (T, S)>);

impl<'a, T, S: Shell> WatchClosed<'a, T, S> {
    pub(super) fn new(cell: &'a S::Cell<State<T, S>>) -> Self {
        Self(Waiter::new(cell, UntilIdle(PhantomData)))
    }
}

impl<T, S: Shell> Turn for UntilIdle<T, S> {
    type State = State<T, S>;
    type Slot = ();
    type Out = ();

    fn line(state: &mut State<T, S>) -> &mut WaitQueue {
        &mut state.idlers
    }

    fn start(&mut self, state: &mut State<T, S>, _: &mut Wakes) -> Option<()> {
        (state.receivers() == 0).then_some(())
    }

    fn ask(&mut self, _: &State<T, S>) {}

    fn finish(&mut self, _: &mut State<T, S>, (): (), _: &mut Wakes) {}

    fn pass_on(&mut self, _: &mut State<T, S>, (): (), _: &mut Wakes) {}
}

impl<T, S: Shell> Future for WatchClosed<'_, T, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.poll(cx)
    }
}

impl<T, S: Shell> fmt::Debug for WatchClosed<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "WatchClosed", &self.0)
    }
}
