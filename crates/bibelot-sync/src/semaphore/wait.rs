//! The wait for permits.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::{AcquireError, TryAcquireError};
use super::permit::Permit;
use super::state::{Ask, State};
use crate::shell::Shell;
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, AtOnce, Turn, Waiter};
use crate::wakes::Wakes;

/// The wait for permits, made by [`Semaphore::acquire`](super::Semaphore::acquire).
#[must_use = "a future does nothing until it is polled"]
pub struct Acquire<'a, S: Shell>(Waiter<'a, S, UntilAcquired>);

impl<'a, S: Shell> Acquire<'a, S> {
    #[inline]
    pub(super) fn new(cell: &'a S::Cell<State>, count: usize) -> Self {
        Self(Waiter::new(cell, UntilAcquired { count }))
    }
}

struct UntilAcquired {
    count: usize,
}

impl Turn for UntilAcquired {
    type State = State;
    type Slot = Ask;
    type Out = Result<usize, AcquireError>;

    #[inline]
    fn line(state: &mut State) -> &mut WaitQueue<Ask> {
        &mut state.waiters
    }

    const AT_ONCE: AtOnce = AtOnce::Wholly;

    #[inline(always)]
    fn at_once(&mut self, state: &mut State) -> Option<Self::Out> {
        state.try_acquire(self.count).ok().map(|()| Ok(self.count))
    }

    fn start(&mut self, state: &mut State, _: &mut Wakes) -> Option<Self::Out> {
        match state.try_acquire(self.count) {
            Ok(()) => Some(Ok(self.count)),
            Err(TryAcquireError::Closed) => Some(Err(AcquireError)),
            Err(TryAcquireError::NoPermits) => None,
        }
    }

    #[inline]
    fn ask(&mut self, _: &Self::State) -> Ask {
        Ask::Wants(self.count)
    }

    #[inline]
    fn finish(&mut self, _: &mut State, ask: Ask, _: &mut Wakes) -> Self::Out {
        match ask {
            Ask::Has(count) => Ok(count),
            Ask::Wants(_) | Ask::Refused => Err(AcquireError),
        }
    }

    fn pass_on(&mut self, state: &mut State, ask: Ask, wakes: &mut Wakes) {
        if let Ask::Has(count) = ask {
            state.give_back(count, wakes);
        }
    }

    /// The one that left may have wanted more than those behind it.
    fn step_out(&mut self, state: &mut State, wakes: &mut Wakes) {
        state.serve(wakes);
    }
}

impl<'a, S: Shell> Future for Acquire<'a, S> {
    type Output = Result<Permit<'a, S>, AcquireError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiter = &mut self.get_mut().0;
        let cell = waiter.cell;
        let out = waiter.poll(cx);
        out.map(|out| out.map(|count| Permit::new(cell, count)))
    }
}

impl<S: Shell> fmt::Debug for Acquire<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Acquire", &self.0)
    }
}
