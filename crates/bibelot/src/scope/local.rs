//! The owner's side of a local scope: its body and its children, polled in turn, ended together.
//!
//! # Invariants
//!
//! - A body or child is polled only when it was woken, and once for each request that comes around them.
//! - When this has returned, panicked or was dropped, no child is left.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bibelot_kernel::{Framed, branch, newest_request};
use pin_project_lite::pin_project;

use super::handle::LocalScope;
use super::state::{BODY, State};
use crate::combine::hub::Line;

/// Runs `body` with a scope whose children may borrow what the caller has, and waits until all have ended.
///
/// The children take turns with the body within the caller's task: there is one thread, no `'static`, and no
/// task that could be left behind. They all have ended when this ends, whichever way: once the body has
/// returned, those that still run are waited for; see [`try_local_scope`] for a body that may fail.
///
/// A child's panic is for whoever awaits its handle. If nobody does, this goes on with it when all have
/// ended, in the order of their spawning the first; others are told to the
/// [crash hook](crate::set_crash_hook), and so are all when the body panics or this is dropped. When the body
/// panics, the children are dropped, newest first.
///
/// # Cancellation
///
/// Each child and the body is a branch: it hears a request by itself, once, and cleans up as it likes. This
/// waits for them all and is no blocking point of its own. A child in which nothing can hear is dropped.
/// Dropped itself, it drops the children, newest first, then the body.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use std::time::Duration;
/// use bibelot::{local_scope, sleep};
///
/// # bibelot::run(async {
/// let names = vec!["ham", "eggs"];
/// let letters = Cell::new(0);
/// local_scope(async |scope| {
///     for name in &names {
///         scope.spawn(async {
///             sleep(Duration::from_millis(1)).await?;
///             letters.set(letters.get() + name.len());
///             bibelot::Ok(())
///         });
///     }
/// })
/// .await;
/// assert_eq!(letters.get(), 7);
/// # });
/// ```
#[doc(alias = "nursery")]
pub fn local_scope<'env, R>(
    body: impl AsyncFnOnce(&LocalScope<'env>) -> R,
) -> impl Future<Output = R> {
    run(body, |_| false)
}

/// The same, for a body that may fail: when it returns an error, the children that still run are asked to
/// stop, newest first, as by [`LocalScope::cancel`], and waited for.
///
/// # Errors
///
/// The body's own.
///
/// # Cancellation
///
/// As [`local_scope`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{AsCancelled, sleep, try_local_scope};
///
/// # bibelot::run(async {
/// let hour = Duration::from_secs(3600);
/// let failed = try_local_scope(async |scope| {
///     scope.spawn(sleep(hour));
///     "seven".parse::<u32>()
/// });
/// assert!(failed.await.is_err());
/// # });
/// ```
pub fn try_local_scope<'env, R, X>(
    body: impl AsyncFnOnce(&LocalScope<'env>) -> Result<R, X>,
) -> impl Future<Output = Result<R, X>> {
    run(body, Result::is_err)
}

async fn run<'env, R>(
    body: impl AsyncFnOnce(&LocalScope<'env>) -> R,
    is_failure: fn(&R) -> bool,
) -> R {
    let state = State::new();
    let scope = LocalScope::new(state.clone());
    let line = state.hub.line(BODY);
    state.hub.list(BODY);
    let body = branch(body(&scope));
    Both {
        body: Some(body),
        value: None,
        line,
        woken: Vec::new(),
        asked: 0,
        is_failure,
        state: state.clone(),
    }
    .await
}

pin_project! {
    /// A body and the children of its scope.
    struct Both<'env, F>
    where
        F: Future,
    {
        #[pin]
        body: Option<Framed<F>>,
        value: Option<F::Output>,
        line: Line,
        woken: Vec<usize>,
        // The newest request that all were polled for.
        asked: u64,
        is_failure: fn(&F::Output) -> bool,
        state: Rc<State<'env>>,
    }

    impl<F> PinnedDrop for Both<'_, F>
    where
        F: Future,
    {
        fn drop(this: Pin<&mut Self>) {
            let state = this.project().state;
            state.leave_panics();
            // The children first, then the body as a field.
            state.close();
        }
    }
}

impl<F: Future> Both<'_, F> {
    fn poll_body(self: Pin<&mut Self>) {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return;
        };
        let mut context = Context::from_waker(this.line.begin());
        match catch_unwind(AssertUnwindSafe(|| body.poll(&mut context))) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(value)) => {
                if (this.is_failure)(&value) {
                    this.state.stop();
                }
                *this.value = Some(value);
                this.body.set(None);
            }
            Err(payload) => {
                // What a child's drop panics with is less than this.
                let closed = catch_unwind(AssertUnwindSafe(|| this.state.close()));
                drop(closed);
                resume_unwind(payload);
            }
        }
    }

    fn poll_arm(self: Pin<&mut Self>, arm: usize) {
        if arm == BODY {
            self.poll_body();
        } else {
            self.project().state.poll(arm);
        }
    }
}

impl<F: Future> Future for Both<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.as_mut().project();
        this.state.hub.drain(context.waker(), this.woken);
        let woken = std::mem::take(this.woken);
        for &arm in &woken {
            self.as_mut().poll_arm(arm);
        }
        let newest = newest_request();
        if !self.is_over() && newest > *self.as_mut().project().asked {
            *self.as_mut().project().asked = newest;
            // One that cannot hear was not woken; it says so when it is polled.
            self.as_mut().poll_body();
            for arm in self.state.arms() {
                self.as_mut().poll_arm(arm);
            }
        }
        *self.as_mut().project().woken = woken;
        if !self.is_over() {
            return Poll::Pending;
        }
        self.state.close();
        let value = self.as_mut().project().value.take();
        self.state.resume_panics();
        match value {
            Some(value) => Poll::Ready(value),
            None => panic!("a scope that has returned was polled again"),
        }
    }
}

impl<F: Future> Both<'_, F> {
    /// Whether the body has returned and no child runs.
    fn is_over(&self) -> bool {
        self.body.is_none() && self.state.live() == 0
    }
}

impl<F: Future> fmt::Debug for Both<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalScope")
            .field("live", &self.state.live())
            .finish_non_exhaustive()
    }
}
