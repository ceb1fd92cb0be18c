//! The condition: waiting for a change of what a lock guards.
//!
//! A wait lets the lock go and takes it again, whatever ends it: asked to stop, it first takes the lock,
//! behind what is in effect a shield, and then says so beside the guard.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::{Cancelled, Drained, Leave, Op, Park, Trap, Wait};
use bibelot_sync::generic::{self, LockGuard, Shell};

/// Waits for a change of what a [`Lock`](super::Lock) guards.
///
/// Clones are handles to the same condition.
///
/// Curio: `Condition`, whose lock is the guard here.
///
/// # Examples
///
/// ```
/// use bibelot::{Condition, Lock, spawn};
///
/// # bibelot::run(async {
/// let (stock, arrived) = (Lock::new(0), Condition::new());
/// let buyer = spawn({
///     let (stock, arrived) = (stock.clone(), arrived.clone());
///     async move {
///         let guard = stock.lock().await?;
///         let (mut guard, told) = arrived.wait_while(guard, |stock| *stock == 0).await;
///         told?;
///         *guard -= 1;
///         bibelot::Ok(())
///     }
/// });
/// *stock.lock().await? += 1;
/// arrived.notify(1);
/// buyer.await??;
/// assert_eq!(*stock.lock().await?, 0);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[doc(alias = "Condvar")]
pub struct Condition<S: Shell>(pub(super) generic::Condition<S>);

impl<S: Shell> Condition<S> {
    /// A condition for which nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self(generic::Condition::new())
    }

    /// Releases the `count` that have waited longest, or all if they are fewer.
    pub fn notify(&self, count: usize) {
        self.0.notify(count);
    }

    /// Releases all that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Lets the lock go, waits to be notified, and takes the lock again.
    ///
    /// The guard always comes back; beside it is the request that cut the wait, if one did. What is waited
    /// for may have gone by then: look again.
    ///
    /// # Cancellation
    ///
    /// Stops waiting to be notified, takes the lock again, and gives both. One that was notified already
    /// is not cut. Dropped, it does not take the lock again, and hands a notification on.
    #[track_caller]
    pub fn wait<'a, T>(&'a self, guard: LockGuard<'a, T, S>) -> ConditionWait<'a, T, S> {
        self.wait_at(guard, Location::caller())
    }

    /// Waits until `unmet` is false of the value, which it looks at under the lock: now, and whenever it
    /// is notified.
    ///
    /// The guard always comes back; beside it is the request that cut the wait, if one did, and then
    /// `unmet` may still be true.
    ///
    /// Curio: `wait_for(predicate)`, with the predicate turned round.
    ///
    /// # Cancellation
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    #[doc(alias = "wait_for")]
    pub fn wait_while<'a, T, F>(
        &'a self,
        guard: LockGuard<'a, T, S>,
        unmet: F,
    ) -> ConditionWaitWhile<'a, T, S, F>
    where
        F: FnMut(&mut T) -> bool,
    {
        ConditionWaitWhile {
            condition: self,
            unmet,
            guard: Some(guard),
            wait: None,
            site: Location::caller(),
        }
    }

    fn wait_at<'a, T>(
        &'a self,
        guard: LockGuard<'a, T, S>,
        site: &'static Location<'static>,
    ) -> ConditionWait<'a, T, S> {
        let op = ConditionOp {
            waiting: self.0.wait(guard),
            has_given_up: false,
            guard: None,
        };
        ConditionWait(Trap::at(op, site))
    }
}

impl<S: Shell> Clone for Condition<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Shell> Default for Condition<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Shell> fmt::Debug for Condition<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

struct ConditionOp<'a, T: 'a, S: Shell> {
    waiting: generic::Waiting<'a, T, S>,
    has_given_up: bool,
    /// The lock, taken again after the wait was cut.
    guard: Option<LockGuard<'a, T, S>>,
}

/// Nothing in it is ever pinned.
impl<T, S: Shell> Unpin for ConditionOp<'_, T, S> {}

impl<'a, T, S: Shell> ConditionOp<'a, T, S> {
    fn poll(&mut self, waker: &Waker) -> Option<LockGuard<'a, T, S>> {
        match Pin::new(&mut self.waiting).poll(&mut Context::from_waker(waker)) {
            Poll::Ready(guard) => Some(guard),
            Poll::Pending => None,
        }
    }
}

impl<'a, T, S: Shell> Op for ConditionOp<'a, T, S> {
    type Out = LockGuard<'a, T, S>;

    fn take(&mut self) -> Option<Self::Out> {
        self.poll(Waker::noop())
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        match self.poll(waker) {
            // A cut wait has ended when `drained` says so, which is asked next.
            Some(guard) if self.has_given_up => {
                self.guard = Some(guard);
                waker.wake_by_ref();
                Park::Waits
            }
            Some(guard) => Park::Ended(guard),
            None => Park::Waits,
        }
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.has_given_up = self.waiting.give_up();
        Leave::Draining
    }

    fn drained(&mut self) -> Drained<Self::Out> {
        if self.guard.is_none() {
            match self.poll(Waker::noop()) {
                None => return Drained::Running,
                Some(guard) if !self.has_given_up => return Drained::Done(guard),
                guard => self.guard = guard,
            }
        }
        Drained::NoEffect
    }

    fn wait(&self) -> Wait {
        Wait::Condition
    }
}

/// The future of [`Condition::wait`].
#[must_use = "futures do nothing until polled"]
pub struct ConditionWait<'a, T: 'a, S: Shell>(Trap<ConditionOp<'a, T, S>>);

impl<'a, T, S: Shell> Future for ConditionWait<'a, T, S> {
    type Output = (LockGuard<'a, T, S>, Result<(), Cancelled>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(guard) => (guard, Ok(())),
            Err(cancelled) => {
                let guard = self.0.op_mut().guard.take();
                (
                    guard.expect("a cut wait has taken the lock again"),
                    Err(cancelled),
                )
            }
        })
    }
}

impl<T, S: Shell> fmt::Debug for ConditionWait<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConditionWait")
            .field(&self.0.op().waiting)
            .finish()
    }
}

/// The future of [`Condition::wait_while`].
#[must_use = "futures do nothing until polled"]
pub struct ConditionWaitWhile<'a, T: 'a, S: Shell, F> {
    condition: &'a Condition<S>,
    unmet: F,
    guard: Option<LockGuard<'a, T, S>>,
    wait: Option<ConditionWait<'a, T, S>>,
    site: &'static Location<'static>,
}

/// Nothing in it is pinned; what `unmet` captured is only called.
impl<T, S: Shell, F> Unpin for ConditionWaitWhile<'_, T, S, F> {}

impl<'a, T, S: Shell, F: FnMut(&mut T) -> bool> Future for ConditionWaitWhile<'a, T, S, F> {
    type Output = (LockGuard<'a, T, S>, Result<(), Cancelled>);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            if let Some(mut guard) = this.guard.take() {
                if !(this.unmet)(&mut guard) {
                    return Poll::Ready((guard, Ok(())));
                }
                this.wait = Some(this.condition.wait_at(guard, this.site));
            }
            let wait = this.wait.as_mut().expect("a wait was polled after its end");
            let (guard, told) = ready!(Pin::new(wait).poll(context));
            this.wait = None;
            if told.is_err() {
                return Poll::Ready((guard, told));
            }
            this.guard = Some(guard);
        }
    }
}

impl<T, S: Shell, F> fmt::Debug for ConditionWaitWhile<'_, T, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConditionWaitWhile")
            .field(&self.wait)
            .finish()
    }
}
