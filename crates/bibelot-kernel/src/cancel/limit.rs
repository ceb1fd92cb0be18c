//! Limits: a body is given so much time, and its own error says whether it was too little.
//!
//! When the time is up the innermost blocking point inside is asked to stop, and the body is driven to
//! its end, clean-up included. A body in which nothing of ours can hear is dropped.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bibelot_timer::Instant;
use pin_project_lite::pin_project;

use super::as_cancelled::AsCancelled;
use super::cancelled::Cancelled;
use super::cause::ScopeId;
use super::frame::Kind;
use super::scope::Scope;
use crate::core::Core;
use crate::home;
use crate::task_name::try_current;

/// How long, or until when: from a [`Duration`], an [`Instant`], or an `Option` of one, where `None` is
/// no limit. A duration counts from the time of the turn in which the limit is first polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(Until);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Never,
    Span(Duration),
    At(Instant),
}

impl Limit {
    #[inline]
    pub(super) fn deadline(self, now: Instant) -> Instant {
        match self.0 {
            Until::Never => Instant::FAR,
            Until::Span(span) => now + span,
            Until::At(at) => at,
        }
    }
}

impl Limit {
    /// When it comes, if that does not depend on when it begins.
    pub(super) fn instant(self) -> Option<Instant> {
        match self.0 {
            Until::Never => Some(Instant::FAR),
            Until::Span(_) => None,
            Until::At(at) => Some(at),
        }
    }
}

impl From<Duration> for Limit {
    #[inline]
    fn from(span: Duration) -> Self {
        Self(Until::Span(span))
    }
}

impl From<Instant> for Limit {
    #[inline]
    fn from(at: Instant) -> Self {
        Self(Until::At(at))
    }
}

impl<T: Into<Self>> From<Option<T>> for Limit {
    #[inline]
    fn from(limit: Option<T>) -> Self {
        limit.map_or(Self(Until::Never), Into::into)
    }
}

pin_project! {
    /// The future of [`timeout_after`] and [`timeout_at`].
    #[must_use = "futures do nothing until polled"]
    pub struct TimeoutAfter<F, Via> {
        #[pin]
        body: Option<F>,
        limit: Limit,
        scope: Scope,
        via: PhantomData<fn() -> Via>,
    }
}

/// Runs `body`, giving it at most `limit` of kernel time.
///
/// The limit counts from the start of the turn in which it is first polled. It is never cut short, and
/// runs over by at most the rest of a turn. Of nested limits the earliest wins.
///
/// Curio: `timeout_after(seconds)`.
///
/// # Errors
///
/// The body's own error; [`AsCancelled::timed_out`] tells whether this limit made it fail.
///
/// # Panics
///
/// When polled without a kernel on this thread.
///
/// # Cancellation
///
/// When the limit passes, `body` is asked to stop and driven to its end before this returns. A body in
/// which nothing can hear that is dropped. Dropped itself, it drops the body.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use bibelot_kernel::{AsCancelled, sleep, timeout_after};
///
/// # async fn example() {
/// let slept = timeout_after(Duration::from_millis(10), sleep(Duration::from_secs(1))).await;
/// assert!(slept.unwrap_err().timed_out());
/// # }
/// ```
#[doc(alias = "wait_for")]
#[doc(alias = "fail_after")]
#[inline]
pub fn timeout_after<F, T, E, Via>(limit: impl Into<Limit>, body: F) -> TimeoutAfter<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    TimeoutAfter {
        body: Some(body),
        limit: limit.into(),
        scope: Scope::new(Kind::Limit),
        via: PhantomData,
    }
}

/// Runs `body` until `deadline` at the latest; see [`timeout_after`].
///
/// # Errors
///
/// As [`timeout_after`].
#[doc(alias = "fail_at")]
#[inline]
pub fn timeout_at<F, T, E, Via>(deadline: Instant, body: F) -> TimeoutAfter<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    timeout_after(deadline, body)
}

impl<F, T, E, Via> Future for TimeoutAfter<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        home::expect("a limit", |core| {
            let polled = poll_limited(core, this.body, *this.limit, this.scope, context);
            polled.map(|(result, _)| result)
        })
    }
}

/// Polls a body inside its limit; one in which nothing hears is dropped. Its result, and whether that is
/// this limit's expiry.
fn poll_limited<F, T, E, Via>(
    core: &Rc<Core>,
    mut body: Pin<&mut Option<F>>,
    limit: Limit,
    scope: &mut Scope,
    context: &mut Context<'_>,
) -> Poll<(Result<T, E>, bool)>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    if scope.is_new() {
        scope.frame.deadline = limit.deadline(core.now());
    }
    let Some(future) = body.as_mut().as_pin_mut() else {
        panic!("a limit that has returned was polled again");
    };
    let result = match scope.poll(core, context, |context| future.poll(context)) {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(result)) => result,
        Err(told) => Err(E::from(told)),
    };
    body.set(None);
    scope.take_note(core);
    Poll::Ready(claim(core, scope, result))
}

/// Lets a limit claim what its body returned, if that is its expiry, and says whether it did. Observers are
/// told of a body that went on past its limit and returned something else.
#[inline]
pub(super) fn claim<T, E: AsCancelled<Via>, Via>(
    core: &Rc<Core>,
    scope: &Scope,
    mut result: Result<T, E>,
) -> (Result<T, E>, bool) {
    let id = scope.id();
    let is_claimed = result.as_mut().is_err_and(|error| error.settle(id));
    if !core.observers.is_empty() && !is_claimed {
        tell_if_late(core, scope);
    }
    (result, is_claimed)
}

#[cold]
fn tell_if_late(core: &Rc<Core>, scope: &Scope) {
    if scope.frame.silenced {
        return;
    }
    // The turn's time stands still while a body computes, so the clock itself is asked.
    let by = core.clock.now() - scope.frame.deadline;
    if let (false, Some(task)) = (by.is_zero(), try_current()) {
        core.observers.overran(task.id(), scope.id(), by);
    }
}

impl<F, Via> fmt::Debug for TimeoutAfter<F, Via> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutAfter")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`ignore_after`] and [`ignore_at`].
    #[must_use = "futures do nothing until polled"]
    pub struct IgnoreAfter<F, Via> {
        #[pin]
        body: Option<F>,
        limit: Limit,
        scope: Scope,
        via: PhantomData<fn() -> Via>,
    }
}

/// Runs `body` like [`timeout_after`]; that this limit passed is `Ok(None)`.
///
/// Curio: `ignore_after(seconds)`.
///
/// # Errors
///
/// The body's own error, unless this limit made it fail.
///
/// # Panics
///
/// When polled without a kernel on this thread.
///
/// # Cancellation
///
/// As [`timeout_after`].
#[doc(alias = "move_on_after")]
#[inline]
pub fn ignore_after<F, T, E, Via>(limit: impl Into<Limit>, body: F) -> IgnoreAfter<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    IgnoreAfter {
        body: Some(body),
        limit: limit.into(),
        scope: Scope::new(Kind::Limit),
        via: PhantomData,
    }
}

/// Runs `body` until `deadline` at the latest; see [`ignore_after`].
///
/// # Errors
///
/// As [`ignore_after`].
#[doc(alias = "move_on_at")]
#[inline]
pub fn ignore_at<F, T, E, Via>(deadline: Instant, body: F) -> IgnoreAfter<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    ignore_after(deadline, body)
}

impl<F, T, E, Via> Future for IgnoreAfter<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    type Output = Result<Option<T>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        home::expect("a limit", |core| {
            let polled = poll_limited(core, this.body, *this.limit, this.scope, context);
            polled.map(|(result, is_claimed)| match result {
                Err(_) if is_claimed => Ok(None),
                result => result.map(Some),
            })
        })
    }
}

impl<F, Via> fmt::Debug for IgnoreAfter<F, Via> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IgnoreAfter")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<F, Via> TimeoutAfter<F, Via> {
    /// The scope that an expiry of this limit names as its cause; `None` before the first poll.
    #[must_use]
    pub fn scope(&self) -> Option<ScopeId> {
        (!self.scope.is_new()).then(|| self.scope.id())
    }
}
