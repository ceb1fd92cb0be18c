//! The list: arms of different types in a row, as a chain of pairs.
//!
//! `join((a, b, c))` is `Cons<A, Cons<B, Cons<C, Nil>>>`: what a combinator does is said once for a pair
//! and once for the end, and pins are projected without `unsafe`.
//!
//! # Invariants
//!
//! - Values are taken once, when all that the combinator waits for are there.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::arm::Arm;

/// Why taking finds a value: it is called once all arms have ended.
const ENDED: &str = "the arm has ended and its value was not taken";

pin_project! {
    /// An arm and those after it.
    pub struct Cons<F: Future, R> {
        #[pin]
        arm: Arm<F>,
        #[pin]
        rest: R,
    }
}

/// The end of a list.
#[derive(Debug)]
pub struct Nil;

impl<F: Future, R> Cons<F, R> {
    pub(super) fn new(body: F, rest: R) -> Self {
        Self {
            arm: Arm::new(body),
            rest,
        }
    }
}

/// One value or another: which arm of a [`select`](super::select) won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first arm's value.
    First(A),
    /// What one of the others gave.
    Other(B),
}

/// Arms in a row.
pub trait List {
    /// The values of all, nested.
    type All;
    /// The value of one, nested.
    type One;

    /// Lets all begin, before the first poll of any; called at each poll, and does nothing but once.
    fn begin(self: Pin<&mut Self>);

    /// Polls those that have not ended; whether all have.
    fn poll_all(self: Pin<&mut Self>, context: &mut Context<'_>) -> bool;

    /// Takes the values when all have ended.
    fn take_all(self: Pin<&mut Self>) -> Self::All;

    /// Polls them in order until one ends.
    fn poll_one(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::One>;
}

impl List for Nil {
    type All = ();
    type One = Infallible;

    fn begin(self: Pin<&mut Self>) {}

    fn poll_all(self: Pin<&mut Self>, _: &mut Context<'_>) -> bool {
        true
    }

    fn take_all(self: Pin<&mut Self>) {}

    fn poll_one(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Infallible> {
        Poll::Pending
    }
}

impl<F: Future, R: List> List for Cons<F, R> {
    type All = (F::Output, R::All);
    type One = Either<F::Output, R::One>;

    fn begin(self: Pin<&mut Self>) {
        let this = self.project();
        if this.arm.is_new() {
            this.arm.enter();
            this.rest.begin();
        }
    }

    fn poll_all(self: Pin<&mut Self>, context: &mut Context<'_>) -> bool {
        let this = self.project();
        let has_ended = this.arm.poll(context);
        this.rest.poll_all(context) & has_ended
    }

    fn take_all(self: Pin<&mut Self>) -> Self::All {
        let this = self.project();
        (this.arm.take().expect(ENDED), this.rest.take_all())
    }

    fn poll_one(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::One> {
        let mut this = self.project();
        if this.arm.as_mut().poll(context) {
            return Poll::Ready(Either::First(this.arm.take().expect(ENDED)));
        }
        this.rest.poll_one(context).map(Either::Other)
    }
}

/// Arms in a row that all give a `T`.
pub trait SameList<T>: List {
    /// The one value, whosoever it is.
    fn same(one: Self::One) -> T;
}

impl<T> SameList<T> for Nil {
    fn same(one: Infallible) -> T {
        match one {}
    }
}

impl<T, F: Future<Output = T>, R: SameList<T>> SameList<T> for Cons<F, R> {
    fn same(one: Self::One) -> T {
        match one {
            Either::First(value) => value,
            Either::Other(one) => R::same(one),
        }
    }
}

/// A future of a `Result`.
pub trait TryFuture: Future<Output = Result<Self::Value, Self::Error>> {
    /// What it gives.
    type Value;
    /// How it fails.
    type Error;
}

impl<T, E, F: Future<Output = Result<T, E>>> TryFuture for F {
    type Value = T;
    type Error = E;
}

/// Arms in a row that all may fail with an `E`.
pub trait TryList<E> {
    /// The values of all, nested.
    type Values;

    /// Polls those that have not ended; whether all have, or the first error.
    fn poll_try(self: Pin<&mut Self>, context: &mut Context<'_>) -> Result<bool, E>;

    /// Takes the values when all have succeeded.
    fn take_values(self: Pin<&mut Self>) -> Self::Values;
}

impl<E> TryList<E> for Nil {
    type Values = ();

    fn poll_try(self: Pin<&mut Self>, _: &mut Context<'_>) -> Result<bool, E> {
        Ok(true)
    }

    fn take_values(self: Pin<&mut Self>) {}
}

impl<E, F: TryFuture<Error = E>, R: TryList<E>> TryList<E> for Cons<F, R> {
    type Values = (F::Value, R::Values);

    fn poll_try(self: Pin<&mut Self>, context: &mut Context<'_>) -> Result<bool, E> {
        let mut this = self.project();
        let has_ended = this.arm.as_mut().poll(context);
        if matches!(this.arm.as_mut().value(), Some(Err(_)))
            && let Some(Err(error)) = this.arm.take()
        {
            return Err(error);
        }
        Ok(this.rest.poll_try(context)? & has_ended)
    }

    fn take_values(self: Pin<&mut Self>) -> Self::Values {
        let this = self.project();
        match this.arm.take() {
            Some(Ok(value)) => (value, this.rest.take_values()),
            _ => panic!("{ENDED}"),
        }
    }
}
