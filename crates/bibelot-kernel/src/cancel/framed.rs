//! Shields and branches: scopes that change what is heard and never what is returned.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::frame::Kind;
use super::scope::Scope;
use super::spot::{Parking, Spot};
use crate::home;

pin_project! {
    /// The future of [`shield`], [`shield_for`] and [`branch`].
    #[must_use = "futures do nothing until polled"]
    pub struct Framed<F> {
        #[pin]
        body: F,
        lifts_after: Option<Duration>,
        scope: Scope,
        // What a pending shield holds, in place of the traps inside that do not hear.
        parked: Parking,
    }
}

/// Runs `body` unheard of requests from outside, which wait for the first blocking point after it.
///
/// Scopes inside work. A future that cannot hear is not dropped either while the shield holds. Under an
/// executor that is not ours it changes nothing.
///
/// Curio: `disable_cancellation()`.
#[doc(alias = "disable_cancellation")]
pub fn shield<F: Future>(body: F) -> Framed<F> {
    Framed {
        body,
        lifts_after: None,
        scope: Scope::new(Kind::Shield),
        parked: Parking::own(Spot::NEW),
    }
}

/// Runs `body` behind a [`shield`] that lifts after `span`, counted from its first poll.
pub fn shield_for<F: Future>(span: Duration, body: F) -> Framed<F> {
    Framed {
        body,
        lifts_after: Some(span),
        scope: Scope::new(Kind::Shield),
        parked: Parking::own(Spot::NEW),
    }
}

/// Runs `body` as an arm of its own: it hears of a cancel by itself, whoever beside it has heard.
///
/// For combinators of your own; those of the facade put a branch around each arm.
pub fn branch<F: Future>(body: F) -> Framed<F> {
    Framed {
        body,
        lifts_after: None,
        scope: Scope::new(Kind::Branch),
        parked: Parking::own(Spot::NEW),
    }
}

impl<F> Framed<F> {
    /// Whether it was neither polled nor entered.
    #[doc(hidden)]
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.scope.is_new()
    }

    /// Enters the scope here, before the first poll of its body.
    ///
    /// For combinators: an arm is told what is asked from when all arms began, though others before it were
    /// polled and told first.
    #[doc(hidden)]
    pub fn enter(self: Pin<&mut Self>) {
        let scope = self.project().scope;
        if scope.is_new()
            && let Some(core) = home::with(std::rc::Rc::clone)
        {
            core.path.name(&mut scope.frame, || core.next_stamp());
        }
    }
}

/// Whether something was asked that nothing parked inside the innermost scope here can hear.
///
/// For combinators that poll only those of their arms that were woken: before such a one says that it
/// waits, and this is so, it polls the others, too, since an arm that cannot hear says so when it is
/// polled.
#[doc(hidden)]
#[must_use]
pub fn is_deaf() -> bool {
    home::with(|core| core.is_deaf()).unwrap_or(false)
}

/// The stamp of the newest request around this code; 0 if nothing was asked.
///
/// For combinators that poll only those of their arms that were woken, and whose arms can each be dropped:
/// when it has grown, they poll all of them once, since an arm that cannot hear says so when it is polled.
#[doc(hidden)]
#[must_use]
pub fn newest_request() -> u64 {
    home::with(|core| core.newest_request()).unwrap_or(0)
}

impl<F: Future> Future for Framed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let body = this.body;
        let core = home::with(std::rc::Rc::clone);
        let Some(core) = core else {
            return body.poll(context);
        };
        if this.scope.is_new()
            && let Some(span) = *this.lifts_after
        {
            this.scope.frame.deadline = core.now() + span;
        }
        let polled = this
            .scope
            .poll_driven(&core, context, |context| body.poll(context));
        if polled.is_pending() && this.scope.frame.masks(core.now()) {
            // What waits behind a shield is left alone, also if nothing in it could hear.
            core.path.occupy();
            core.park(this.parked, context.waker(), None);
        } else {
            *this.parked = Parking::own(Spot::NEW);
        }
        polled
    }
}

impl<F> fmt::Debug for Framed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed")
            .field("kind", &self.scope.frame.kind)
            .finish_non_exhaustive()
    }
}
