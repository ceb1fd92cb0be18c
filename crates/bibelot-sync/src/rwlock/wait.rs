//! The waits for a read-write lock.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::guard::{ReadGuard, WriteGuard};
use super::state::{Ask, State};
use crate::shell::Shell;
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, Turn, Waiter};
use crate::wakes::Wakes;

/// The wait to read, made by [`RwLock::read`](super::RwLock::read).
#[must_use = "a future does nothing until it is polled"]
pub struct Reading<'a, T, S: Shell>(pub(super) Waiter<'a, S, UntilRead<S::Shared<T>>>);

/// The wait to write, made by [`RwLock::write`](super::RwLock::write).
#[must_use = "a future does nothing until it is polled"]
pub struct Writing<'a, T, S: Shell>(pub(super) Waiter<'a, S, UntilWritten<S::Shared<T>>>);

pub(super) struct UntilRead<P>(PhantomData<fn() -> P>);

pub(super) struct UntilWritten<P>(PhantomData<fn() -> P>);

impl<P> UntilRead<P> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P> UntilWritten<P> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: Clone> Turn for UntilRead<P> {
    type State = State<P>;
    type Slot = Ask<P>;
    type Out = P;

    fn line(state: &mut State<P>) -> &mut WaitQueue<Ask<P>> {
        &mut state.waiters
    }

    #[inline]
    fn start(&mut self, state: &mut State<P>, _: &mut Wakes) -> Option<P> {
        state.try_read()
    }

    fn ask(&mut self, _: &Self::State) -> Ask<P> {
        Ask::Read
    }

    fn finish(&mut self, _: &mut State<P>, ask: Ask<P>, _: &mut Wakes) -> P {
        ask.given()
    }

    fn pass_on(&mut self, state: &mut State<P>, ask: Ask<P>, wakes: &mut Wakes) {
        state.end_read(ask.given(), wakes);
    }
}

impl<P: Clone> Turn for UntilWritten<P> {
    type State = State<P>;
    type Slot = Ask<P>;
    type Out = P;

    fn line(state: &mut State<P>) -> &mut WaitQueue<Ask<P>> {
        &mut state.waiters
    }

    #[inline]
    fn start(&mut self, state: &mut State<P>, _: &mut Wakes) -> Option<P> {
        state.try_write()
    }

    fn ask(&mut self, _: &Self::State) -> Ask<P> {
        Ask::Write
    }

    fn finish(&mut self, _: &mut State<P>, ask: Ask<P>, _: &mut Wakes) -> P {
        ask.given()
    }

    fn pass_on(&mut self, state: &mut State<P>, ask: Ask<P>, wakes: &mut Wakes) {
        state.end_write(ask.given(), wakes);
    }

    /// Readers may have waited behind it only.
    fn step_out(&mut self, state: &mut State<P>, wakes: &mut Wakes) {
        state.serve(wakes);
    }
}

impl<'a, T, S: Shell> Future for Reading<'a, T, S> {
    type Output = ReadGuard<'a, T, S>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiter = &mut self.get_mut().0;
        let cell = waiter.cell;
        waiter.poll(cx).map(|value| ReadGuard::new(cell, value))
    }
}

impl<'a, T, S: Shell> Future for Writing<'a, T, S> {
    type Output = WriteGuard<'a, T, S>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiter = &mut self.get_mut().0;
        let cell = waiter.cell;
        waiter.poll(cx).map(|value| WriteGuard::new(cell, value))
    }
}

impl<T, S: Shell> fmt::Debug for Reading<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Reading", &self.0)
    }
}

impl<T, S: Shell> fmt::Debug for Writing<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Writing", &self.0)
    }
}
