//! The notification: a wake without a value.
//!
//! # Invariants
//!
//! - While a notification is stored, nobody is parked.
//! - One notification of `notify_one` releases one waiter that returns: a waiter dropped before it saw
//!   its notification hands it on.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::blocking::{block_on, block_on_timeout};
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, Universal, print};
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, Turn, Waiter};
use crate::wakes::Wakes;

/// Wakes one waiter, or all, when something has changed that they look at themselves.
///
/// A notification for one that finds nobody waiting is kept for the next who comes; two of them are
/// kept as one. Clones are handles to the same object.
///
/// # Examples
///
/// ```
/// use bibelot_sync::Notify;
///
/// let changed = Notify::new();
/// changed.notify_one();
/// changed.notified_blocking();
/// ```
pub struct Notify<S: Shell> {
    cell: S::Cell<State>,
}

#[derive(Debug, Default)]
struct State {
    stored: bool,
    /// How often all were notified.
    calls: u64,
    waiters: WaitQueue<Told>,
}

/// What a waiter was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Nothing,
    /// One was to be told; if this one is gone, another is.
    One,
    /// All were told.
    All,
}

impl<S: Shell> Notify<S> {
    /// A notification that nobody has given yet.
    #[must_use]
    pub fn new() -> Self {
        let cell = Cell::new(State::default());
        Self { cell }
    }

    /// Releases the one that has waited longest; if nobody waits, the next who comes.
    pub fn notify_one(&self) {
        act(&self.cell, State::notify_one);
    }

    /// Releases all that wait at this moment: those parked, and those whose future was made before and
    /// has not been polled. Nothing is kept for those who come later.
    pub fn notify_all(&self) {
        act(&self.cell, |state, wakes| {
            state.calls = state.calls.wrapping_add(1);
            state.waiters.grant_all(wakes, |told| *told = Told::All);
        });
    }

    /// Waits for a notification.
    ///
    /// The future takes its place in line when it is first polled, but counts for
    /// [`notify_all`](Self::notify_all) from now on: make it, look at what may have changed, then await
    /// it, and no notification falls in between.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line; a notification for one that it had been given goes to the next.
    pub fn notified(&self) -> Notified<'_, S> {
        let calls = self.cell.look(|state| state.calls);
        Notified(Waiter::new(&self.cell, UntilNotified { calls }))
    }
}

impl Notify<Universal> {
    /// Waits for a notification, blocking the thread.
    pub fn notified_blocking(&self) {
        block_on(self.notified());
    }

    /// Waits for a notification, blocking the thread for no longer than `limit`; `false` if the time was
    /// up first.
    pub fn notified_timeout(&self, limit: Duration) -> bool {
        block_on_timeout(&mut self.notified(), limit).is_some()
    }
}

impl State {
    fn notify_one(&mut self, wakes: &mut Wakes) {
        if self.waiters.is_empty() {
            self.stored = true;
        } else {
            self.waiters.grant_with(wakes, |told| *told = Told::One);
        }
    }
}

impl<S: Shell> Clone for Notify<S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<S: Shell> Default for Notify<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Shell> fmt::Debug for Notify<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "Notify", &self.cell, |state| {
            [
                ("stored", Figure::Flag(state.stored)),
                ("waiters", Figure::Count(state.waiters.len())),
            ]
        })
    }
}

/// The wait for a notification, made by [`Notify::notified`].
#[must_use = "a future does nothing until it is polled"]
pub struct Notified<'a, S: Shell>(Waiter<'a, S, UntilNotified>);

struct UntilNotified {
    calls: u64,
}

impl Turn for UntilNotified {
    type State = State;
    type Slot = Told;
    type Out = ();

    #[inline]
    fn line(state: &mut State) -> &mut WaitQueue<Told> {
        &mut state.waiters
    }

    fn start(&mut self, state: &mut State, _: &mut Wakes) -> Option<()> {
        let told = self.calls != state.calls || std::mem::take(&mut state.stored);
        told.then_some(())
    }

    #[inline]
    fn ask(&mut self, _: &Self::State) -> Told {
        Told::Nothing
    }

    #[inline]
    fn finish(&mut self, _: &mut State, _: Told, _: &mut Wakes) {}

    fn pass_on(&mut self, state: &mut State, told: Told, wakes: &mut Wakes) {
        if told == Told::One {
            state.notify_one(wakes);
        }
    }
}

impl<S: Shell> Future for Notified<'_, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.poll(cx)
    }
}

impl<S: Shell> fmt::Debug for Notified<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Notified", &self.0)
    }
}
