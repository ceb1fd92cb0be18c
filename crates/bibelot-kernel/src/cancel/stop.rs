//! Stopping: scopes that somebody stops, rather than the clock.
//!
//! A [`CancelScope`] stays stopped: every blocking point inside hears it, again and again, until code
//! has left it. An [`Edge`] is stopped once, like a limit whose time has come; groups put one around
//! their body. Both are told to stop from anywhere by a flag and by waking whoever polls them.
//!
//! # Invariants
//!
//! - A scope whose parent is stopped is stopped.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::as_cancelled::AsCancelled;
use super::cancelled::Cancelled;
use super::cause::{Cause, ScopeId};
use super::flag::{Flag, Listener};
use super::frame::Kind;
use super::scope::Scope;
use crate::home;

/// A scope that stays stopped once it is: for "stop this part of the program" without a task.
///
/// Clones are the same scope; [`child`](Self::child) makes one that is stopped along with it. It may be
/// stopped from any thread.
///
/// Unlike a task's cancel it is not told once but at every blocking point inside, as in Trio: clean-up
/// that waits needs a [`shield`](crate::shield).
#[derive(Clone, Default)]
#[doc(alias = "CancellationToken")]
pub struct CancelScope(Arc<Flag>);

impl CancelScope {
    /// A scope that is not stopped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope that is stopped when this one is, and may be stopped alone.
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self::new();
        self.0.add_child(&child.0);
        child
    }

    /// Stops the scope and its children, for good.
    pub fn cancel(&self) {
        self.0.stop();
    }

    /// Whether it is stopped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_stopped()
    }

    /// Runs `body` inside the scope; `Ok(None)` if it failed because the scope was stopped.
    ///
    /// # Errors
    ///
    /// The body's own error, unless this scope made it fail.
    ///
    /// # Panics
    ///
    /// When polled without a kernel on this thread.
    ///
    /// # Cancellation
    ///
    /// A body in which nothing hears the stop is dropped.
    pub fn run<F, T, E, Via>(&self, body: F) -> RunInScope<F, Via>
    where
        F: Future<Output = Result<T, E>>,
        E: AsCancelled<Via> + From<Cancelled>,
    {
        RunInScope {
            inner: Stoppable::new(self.0.clone(), Kind::Level, body),
            via: PhantomData,
        }
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScope")
            .field("is_cancelled", &self.is_cancelled())
            .finish()
    }
}

/// A scope that is stopped once, by hand: what is parked inside then is cut, or the first to park.
///
/// For groups: [`Cause::Group`] names it.
#[derive(Clone, Default)]
pub struct Edge(Arc<Flag>);

impl Edge {
    /// An edge that has not fired.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fires, once.
    pub fn fire(&self) {
        self.0.stop();
    }

    /// Runs `body` inside; the body's error says of itself that this edge made it fail, as with a limit:
    /// it has [`timed_out`](AsCancelled::timed_out).
    ///
    /// # Errors
    ///
    /// The body's own.
    ///
    /// # Panics
    ///
    /// When polled without a kernel on this thread.
    pub fn run<F, T, E, Via>(&self, body: F) -> RunInEdge<F, Via>
    where
        F: Future<Output = Result<T, E>>,
        E: AsCancelled<Via> + From<Cancelled>,
    {
        RunInEdge {
            inner: Stoppable::new(self.0.clone(), Kind::Edge, body),
            via: PhantomData,
        }
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge")
            .field("has_fired", &self.0.is_stopped())
            .finish()
    }
}

pin_project! {
    /// A body inside a scope that a flag stops.
    struct Stoppable<F> {
        #[pin]
        body: Option<F>,
        scope: Scope,
        listener: Listener,
    }
}

impl<F> Stoppable<F> {
    fn new(flag: Arc<Flag>, kind: Kind, body: F) -> Self {
        let listener = Listener::new(flag);
        Self {
            body: Some(body),
            scope: Scope::new(kind),
            listener,
        }
    }
}

impl<F, T, E> Stoppable<F>
where
    F: Future<Output = Result<T, E>>,
    E: From<Cancelled>,
{
    /// Polls the body; its result, and the scope's id.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<(Result<T, E>, ScopeId)> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            panic!("a scope that has returned was polled again");
        };
        let core = home::expect("a scope", std::rc::Rc::clone);
        let is_stopped = this.listener.listen(context.waker());
        if this.scope.frame.fired == 0 && is_stopped {
            this.scope.frame.fired = core.next_stamp();
            if !this.scope.is_new() {
                core.wake_inside(this.scope.frame.id);
            }
        }
        let result = match this
            .scope
            .poll(&core, context, |context| body.poll(context))
        {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(told) => Err(E::from(told)),
        };
        this.body.set(None);
        this.scope.take_note(&core);
        Poll::Ready((result, this.scope.id()))
    }
}

pin_project! {
    /// The future of [`CancelScope::run`].
    #[must_use = "futures do nothing until polled"]
    pub struct RunInScope<F, Via> {
        #[pin]
        inner: Stoppable<F>,
        via: PhantomData<fn() -> Via>,
    }
}

impl<F, T, E, Via> Future for RunInScope<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    type Output = Result<Option<T>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project()
            .inner
            .poll(context)
            .map(|(result, id)| match result {
                Ok(value) => Ok(Some(value)),
                Err(error) => {
                    let is_own = error.as_cancelled().is_some_and(|found| {
                        found.is_live()
                            && matches!(found.cause(), Cause::Scope(scope) if *scope == id)
                    });
                    if is_own { Ok(None) } else { Err(error) }
                }
            })
    }
}

impl<F, Via> fmt::Debug for RunInScope<F, Via> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunInScope").finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`Edge::run`].
    #[must_use = "futures do nothing until polled"]
    pub struct RunInEdge<F, Via> {
        #[pin]
        inner: Stoppable<F>,
        via: PhantomData<fn() -> Via>,
    }
}

impl<F, T, E, Via> Future for RunInEdge<F, Via>
where
    F: Future<Output = Result<T, E>>,
    E: AsCancelled<Via> + From<Cancelled>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(context).map(|(result, id)| {
            result.map_err(|mut error| {
                error.settle(id);
                error
            })
        })
    }
}

impl<F, Via> fmt::Debug for RunInEdge<F, Via> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunInEdge").finish_non_exhaustive()
    }
}
