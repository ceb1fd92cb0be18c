//! Limits that can be moved: a body runs under a [`Deadline`].

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::as_cancelled::AsCancelled;
use super::cancelled::Cancelled;
use super::deadline::{Deadline, Place};
use super::frame::Kind;
use super::limit::claim;
use super::scope::Scope;
use crate::home;

pin_project! {
    /// A body under a deadline.
    struct Until<F> {
        #[pin]
        body: Option<F>,
        scope: Scope,
        place: Place,
    }
}

impl<F> Until<F> {
    fn new(deadline: Deadline, body: F) -> Self {
        let mut scope = Scope::new(Kind::Limit);
        scope.frame.is_movable = true;
        Self {
            body: Some(body),
            scope,
            place: Place::new(deadline),
        }
    }
}

impl<F, T, E> Until<F>
where
    F: Future<Output = Result<T, E>>,
    E: From<Cancelled>,
{
    /// Polls the body; its result, and whether that is this limit's expiry.
    fn poll<Via>(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<(Result<T, E>, bool)>
    where
        E: AsCancelled<Via>,
    {
        let this = self.project();
        let (mut body, scope, place) = (this.body, this.scope, this.place);
        home::expect("a limit", |core| {
            let Some(future) = body.as_mut().as_pin_mut() else {
                panic!("a limit that has returned was polled again");
            };
            if scope.is_new() {
                // The body may move the deadline in its first poll.
                core.path.name(&mut scope.frame, || core.next_stamp());
            }
            let at = place.look(core, scope.frame.id, context.waker());
            if scope.frame.is_armed() {
                scope.move_to(at.unwrap_or(core.now().min(scope.frame.deadline)));
            }
            let result = match scope.poll(core, context, |context| future.poll(context)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(result)) => result,
                Err(told) => Err(E::from(told)),
            };
            place.leave();
            body.set(None);
            scope.take_note(core);
            Poll::Ready(claim(core, scope, result))
        })
    }
}

pin_project! {
    /// The future of [`Deadline::timeout`].
    #[must_use = "futures do nothing until polled"]
    pub struct TimeoutUntil<F, Via> {
        #[pin]
        inner: Until<F>,
        via: PhantomData<fn() -> Via>,
    }
}

impl<F, Via> TimeoutUntil<F, Via> {
    pub(super) fn new(deadline: Deadline, body: F) -> Self {
        Self {
            inner: Until::new(deadline, body),
            via: PhantomData,
        }
    }
}

impl<F, T, E, Via> Future for TimeoutUntil<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(context).map(|(result, _)| result)
    }
}

impl<F, Via> fmt::Debug for TimeoutUntil<F, Via> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutUntil")
            .field("deadline", self.inner.place.deadline())
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`Deadline::ignore`].
    #[must_use = "futures do nothing until polled"]
    pub struct IgnoreUntil<F, Via> {
        #[pin]
        inner: Until<F>,
        via: PhantomData<fn() -> Via>,
    }
}

impl<F, Via> IgnoreUntil<F, Via> {
    pub(super) fn new(deadline: Deadline, body: F) -> Self {
        Self {
            inner: Until::new(deadline, body),
            via: PhantomData,
        }
    }
}

impl<F, T, E, Via> Future for IgnoreUntil<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    type Output = Result<Option<T>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.project().inner.poll(context);
        polled.map(|(result, is_claimed)| match result {
            Err(_) if is_claimed => Ok(None),
            result => result.map(Some),
        })
    }
}

impl<F, Via> fmt::Debug for IgnoreUntil<F, Via> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IgnoreUntil")
            .field("deadline", self.inner.place.deadline())
            .finish_non_exhaustive()
    }
}
