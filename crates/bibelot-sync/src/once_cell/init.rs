//! The way to the value of a once-cell: wait for it, or for the turn to make it.
//!
//! # Invariants
//!
//! - The turn outlives the future that uses it: of two initialisers one is dropped before the next is
//!   made.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Answer, OnceCell, Phase, State};
use crate::shell::Shell;
use crate::shell::sealed::{Once, act};
use crate::wait_queue::WaitQueue;
use crate::waiter::{Turn, Waiter};
use crate::wakes::Wakes;

/// The wait for a value that is made if need be, made by [`OnceCell::get_or_init`].
#[must_use = "a future does nothing until it is polled"]
pub struct GetOrInit<'a, T, S: Shell, F, Fut>(pub(super) Init<'a, T, S, F, Fut>);

/// The wait for a value whose making may fail, made by [`OnceCell::get_or_try_init`].
#[must_use = "a future does nothing until it is polled"]
pub struct GetOrTryInit<'a, T, S: Shell, F, Fut>(pub(super) Init<'a, T, S, F, Fut>);

pub(super) struct Init<'a, T, S: Shell, F, Fut> {
    of: &'a OnceCell<T, S>,
    waiter: Waiter<'a, S, UntilTurn>,
    init: Option<F>,
    /// The initialiser in a box, since it is pinned; the turn is behind it, to be dropped after it.
    running: Option<(Pin<Box<Fut>>, InitTurn<'a, S>)>,
}

impl<'a, T, S: Shell, F, Fut> Init<'a, T, S, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future,
{
    pub(super) fn new(of: &'a OnceCell<T, S>, init: F) -> Self {
        Self {
            of,
            waiter: Waiter::new(&of.cell, UntilTurn),
            init: Some(init),
            running: None,
        }
    }

    fn poll<E>(
        &mut self,
        cx: &mut Context<'_>,
        read: impl FnOnce(Fut::Output) -> Result<T, E>,
    ) -> Poll<Result<&'a T, E>> {
        let of = self.of;
        let value = || of.value.get().expect("the phase says that it is there");
        let (body, _) = match &mut self.running {
            Some(running) => running,
            None if !self.waiter.is_parked() && of.value.get().is_some() => {
                return Poll::Ready(Ok(value()));
            }
            None => match self.waiter.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Answer::Full) => return Poll::Ready(Ok(value())),
                Poll::Ready(_) => {
                    let turn = InitTurn::new(self.waiter.cell);
                    let init = self
                        .init
                        .take()
                        .expect("there is one turn for one initialiser");
                    self.running.insert((Box::pin(init()), turn))
                }
            },
        };
        let Poll::Ready(made) = body.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        let (body, turn) = self.running.take().expect("it was just polled");
        drop(body);
        of.complete(turn, read(made)?);
        Poll::Ready(Ok(value()))
    }
}

/// The right and duty to make the value, which is passed on when this is dropped.
pub(super) struct InitTurn<'a, S: Shell> {
    cell: Option<&'a S::Cell<State>>,
}

impl<'a, S: Shell> InitTurn<'a, S> {
    pub(super) fn new(cell: &'a S::Cell<State>) -> Self {
        let cell = Some(cell);
        Self { cell }
    }

    pub(super) fn end(mut self, phase: Phase) {
        self.end_with(phase);
    }

    fn end_with(&mut self, phase: Phase) {
        if let Some(cell) = self.cell.take() {
            act(cell, |state, wakes| state.end_turn(phase, wakes));
        }
    }
}

impl<S: Shell> Drop for InitTurn<'_, S> {
    fn drop(&mut self) {
        self.end_with(Phase::Empty);
    }
}

pub(super) struct UntilTurn;

impl Turn for UntilTurn {
    type State = State;
    type Slot = Answer;
    type Out = Answer;

    #[inline]
    fn line(state: &mut State) -> &mut WaitQueue<Answer> {
        &mut state.waiters
    }

    fn start(&mut self, state: &mut State, _: &mut Wakes) -> Option<Answer> {
        match state.take_turn() {
            Phase::Empty => Some(Answer::YourTurn),
            Phase::Full => Some(Answer::Full),
            Phase::Initialising => None,
        }
    }

    #[inline]
    fn ask(&mut self, _: &Self::State) -> Answer {
        Answer::Nothing
    }

    #[inline]
    fn finish(&mut self, _: &mut State, answer: Answer, _: &mut Wakes) -> Answer {
        answer
    }

    fn pass_on(&mut self, state: &mut State, answer: Answer, wakes: &mut Wakes) {
        if answer == Answer::YourTurn {
            state.end_turn(Phase::Empty, wakes);
        }
    }
}

impl<'a, T, S: Shell, F, Fut> Future for GetOrInit<'a, T, S, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = T>,
{
    type Output = &'a T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'a T> {
        let end = self.get_mut().0.poll(cx, Ok::<T, Infallible>);
        end.map(|Ok(value)| value)
    }
}

impl<'a, T, S: Shell, F, Fut, E> Future for GetOrTryInit<'a, T, S, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Output = Result<&'a T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll(cx, |made| made)
    }
}

/// The closure is only called, and its future has a box of its own.
impl<T, S: Shell, F, Fut> Unpin for Init<'_, T, S, F, Fut> {}

impl<T, S: Shell, F, Fut> fmt::Debug for GetOrInit<'_, T, S, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.print(f, "GetOrInit")
    }
}

impl<T, S: Shell, F, Fut> fmt::Debug for GetOrTryInit<'_, T, S, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.print(f, "GetOrTryInit")
    }
}

impl<T, S: Shell, F, Fut> Init<'_, T, S, F, Fut> {
    fn print(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        f.debug_struct(name)
            .field("parked", &self.waiter.is_parked())
            .field("making", &self.running.is_some())
            .finish_non_exhaustive()
    }
}
