//! The condition: waiting, with a lock let go meanwhile, for something that the lock guards.
//!
//! # Invariants
//!
//! - A waiter stands in line before it lets the lock go, so a change made under the lock is not missed.
//! - Every wait that ends gives a guard. A notification for one is used up by a wait that returns
//!   because of it; a wait that is dropped, however far it got, hands it on.

mod blocking;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::lock::{LockGuard, Locking};
use crate::notify::Told;
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, print};
use crate::wait_queue::WaitQueue;
use crate::waiter::{Turn, Waiter};
use crate::wakes::Wakes;

/// Waits for a change of what a [`Lock`](crate::generic::Lock) guards.
///
/// Nothing is kept: a notification that finds nobody waiting does nothing. Clones are handles to the
/// same condition; it is told which lock by the guard.
///
/// # Examples
///
/// ```
/// use bibelot_sync::{Condition, Lock};
/// use std::thread;
///
/// let (level, changed) = (Lock::new(0), Condition::new());
/// let filler = thread::spawn({
///     let (level, changed) = (level.clone(), changed.clone());
///     move || {
///         *level.lock_blocking() += 3;
///         changed.notify_all();
///     }
/// });
/// let guard = level.lock_blocking();
/// let guard = changed.wait_while_blocking(guard, |level| *level < 3);
/// assert_eq!(*guard, 3);
/// drop(guard);
/// filler.join().unwrap();
/// ```
#[doc(alias = "Condvar")]
pub struct Condition<S: Shell> {
    cell: S::Cell<State>,
}

#[derive(Debug, Default)]
struct State {
    waiters: WaitQueue<Told>,
}

impl<S: Shell> Condition<S> {
    /// A condition for which nobody waits.
    #[must_use]
    pub fn new() -> Self {
        let cell = Cell::new(State::default());
        Self { cell }
    }

    /// Releases the `count` that have waited longest, or all if they are fewer.
    pub fn notify(&self, count: usize) {
        act(&self.cell, |state, wakes| state.notify(count, wakes));
    }

    /// Releases all that wait.
    pub fn notify_all(&self) {
        act(&self.cell, |state, wakes| {
            state.waiters.grant_all(wakes, |told| *told = Told::All);
        });
    }

    /// Lets the lock go, waits to be notified, and takes the lock again.
    ///
    /// What is waited for may have gone by the time the lock is taken: look again, or use
    /// [`wait_while`](Self::wait_while).
    ///
    /// # Cancellation
    ///
    /// Dropped, it does not take the lock again, and a notification that it had used up goes to the
    /// next. [`Waiting::give_up`] ends the wait early and still gives the guard back.
    pub fn wait<'a, T>(&'a self, guard: LockGuard<'a, T, S>) -> Waiting<'a, T, S> {
        Waiting {
            condition: self,
            told: Waiter::new(&self.cell, UntilTold),
            locking: guard.again(),
            guard: Some(guard),
            stage: Stage::Told,
        }
    }

    /// Waits until `unmet` is false of the value, which it looks at under the lock: now, and whenever
    /// it is notified.
    ///
    /// # Cancellation
    ///
    /// As for [`wait`](Self::wait).
    pub fn wait_while<'a, T, F>(
        &'a self,
        guard: LockGuard<'a, T, S>,
        unmet: F,
    ) -> WaitingWhile<'a, T, S, F>
    where
        F: FnMut(&mut T) -> bool,
    {
        WaitingWhile {
            condition: self,
            unmet,
            guard: Some(guard),
            waiting: None,
            given_up: false,
        }
    }
}

impl State {
    fn notify(&mut self, count: usize, wakes: &mut Wakes) {
        for _ in 0..count.min(self.waiters.len()) {
            self.waiters.grant_with(wakes, |told| *told = Told::One);
        }
    }
}

impl<S: Shell> Clone for Condition<S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<S: Shell> Default for Condition<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Shell> fmt::Debug for Condition<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "Condition", &self.cell, |state| {
            [("waiters", Figure::Count(state.waiters.len()))]
        })
    }
}

/// The wait for a [`Condition`], made by [`Condition::wait`]. It ends with the guard.
#[must_use = "a future does nothing until it is polled"]
pub struct Waiting<'a, T, S: Shell> {
    condition: &'a Condition<S>,
    told: Waiter<'a, S, UntilTold>,
    /// Here until the waiter stands in line.
    guard: Option<LockGuard<'a, T, S>>,
    locking: Locking<'a, T, S>,
    stage: Stage,
}

#[derive(PartialEq)]
enum Stage {
    Told,
    /// Taking the lock again, because of this.
    Locking(Told),
    Done,
}

impl<T, S: Shell> Waiting<'_, T, S> {
    /// Stops waiting to be notified: what is left of the future takes the lock again. `false` if it had
    /// been notified already, which stands.
    pub fn give_up(&mut self) -> bool {
        if self.stage != Stage::Told {
            return false;
        }
        let told = self.told.settle().unwrap_or(Told::Nothing);
        self.stage = Stage::Locking(told);
        told == Told::Nothing
    }
}

impl<'a, T, S: Shell> Future for Waiting<'a, T, S> {
    type Output = LockGuard<'a, T, S>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.stage == Stage::Told {
            let Poll::Ready(told) = this.told.poll(cx) else {
                this.guard = None;
                return Poll::Pending;
            };
            this.stage = Stage::Locking(told);
        }
        // A wait that was given up before it began has never let the lock go.
        let guard = match this.guard.take() {
            Some(guard) => Poll::Ready(guard),
            None => Pin::new(&mut this.locking).poll(cx),
        };
        if guard.is_ready() {
            this.stage = Stage::Done;
        }
        guard
    }
}

impl<T, S: Shell> Drop for Waiting<'_, T, S> {
    fn drop(&mut self) {
        if self.stage == Stage::Locking(Told::One) {
            self.condition.notify(1);
        }
    }
}

impl<T, S: Shell> fmt::Debug for Waiting<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("parked", &self.told.is_parked())
            .field("locking", &matches!(self.stage, Stage::Locking(_)))
            .finish_non_exhaustive()
    }
}

/// The wait for a [`Condition`] to hold, made by [`Condition::wait_while`]. It ends with the guard.
#[must_use = "a future does nothing until it is polled"]
pub struct WaitingWhile<'a, T, S: Shell, F> {
    condition: &'a Condition<S>,
    unmet: F,
    guard: Option<LockGuard<'a, T, S>>,
    waiting: Option<Waiting<'a, T, S>>,
    given_up: bool,
}

impl<T, S: Shell, F> WaitingWhile<'_, T, S, F> {
    /// Stops waiting: what is left of the future takes the lock again and ends without another look.
    /// `false` if it had been notified already; then it ends without another look all the same.
    pub fn give_up(&mut self) -> bool {
        self.given_up = true;
        self.waiting.as_mut().is_none_or(Waiting::give_up)
    }
}

impl<'a, T, S: Shell, F: FnMut(&mut T) -> bool> Future for WaitingWhile<'a, T, S, F> {
    type Output = LockGuard<'a, T, S>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            if let Some(mut guard) = this.guard.take() {
                if this.given_up || !(this.unmet)(&mut guard) {
                    return Poll::Ready(guard);
                }
                this.waiting = Some(this.condition.wait(guard));
            }
            let waiting = this
                .waiting
                .as_mut()
                .expect("a wait was polled after its end");
            let Poll::Ready(guard) = Pin::new(waiting).poll(cx) else {
                return Poll::Pending;
            };
            this.waiting = None;
            this.guard = Some(guard);
        }
    }
}

/// Nothing in it is pinned; what `unmet` captured is only called.
impl<T, S: Shell, F> Unpin for WaitingWhile<'_, T, S, F> {}

impl<T, S: Shell, F> fmt::Debug for WaitingWhile<'_, T, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingWhile")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

struct UntilTold;

impl Turn for UntilTold {
    type State = State;
    type Slot = Told;
    type Out = Told;

    #[inline]
    fn line(state: &mut State) -> &mut WaitQueue<Told> {
        &mut state.waiters
    }

    fn start(&mut self, _: &mut State, _: &mut Wakes) -> Option<Told> {
        None
    }

    #[inline]
    fn ask(&mut self, _: &Self::State) -> Told {
        Told::Nothing
    }

    #[inline]
    fn finish(&mut self, _: &mut State, told: Told, _: &mut Wakes) -> Told {
        told
    }

    fn pass_on(&mut self, state: &mut State, told: Told, wakes: &mut Wakes) {
        if told == Told::One {
            state.notify(1, wakes);
        }
    }
}
