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
use bibelot_sync::local::{self, LockGuard};

/// Waits for a change of what a [`Lock`](super::Lock) guards.
///
/// Clones are handles to the same condition. It is for the tasks of one kernel;
/// [`bibelot_sync::Condition`] is its twin for any thread.
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
///         let mut guard = stock.lock().await?;
///         while *guard == 0 {
///             let told;
///             (guard, told) = arrived.wait(guard).await;
///             told?;
///         }
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
#[derive(Clone, Default)]
pub struct Condition(local::Condition);

impl Condition {
    /// A condition for which nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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
    pub fn wait<'a, T>(&'a self, guard: LockGuard<'a, T>) -> ConditionWait<'a, T> {
        let op = ConditionOp {
            waiting: self.0.wait(guard),
            has_given_up: false,
            guard: None,
        };
        ConditionWait(Trap::at(op, Location::caller()))
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

struct ConditionOp<'a, T: 'a> {
    waiting: bibelot_sync::generic::Waiting<'a, T, bibelot_sync::generic::Local>,
    has_given_up: bool,
    /// The lock, taken again after the wait was cut.
    guard: Option<LockGuard<'a, T>>,
}

/// Nothing in it is ever pinned.
impl<T> Unpin for ConditionOp<'_, T> {}

impl<'a, T> ConditionOp<'a, T> {
    fn poll(&mut self, waker: &Waker) -> Option<LockGuard<'a, T>> {
        match Pin::new(&mut self.waiting).poll(&mut Context::from_waker(waker)) {
            Poll::Ready(guard) => Some(guard),
            Poll::Pending => None,
        }
    }
}

impl<'a, T> Op for ConditionOp<'a, T> {
    type Out = LockGuard<'a, T>;

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
pub struct ConditionWait<'a, T: 'a>(Trap<ConditionOp<'a, T>>);

impl<'a, T> Future for ConditionWait<'a, T> {
    type Output = (LockGuard<'a, T>, Result<(), Cancelled>);

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

impl<T> fmt::Debug for ConditionWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConditionWait")
            .field(&self.0.op().waiting)
            .finish()
    }
}
