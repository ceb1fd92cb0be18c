//! The event: a flag that tasks wait for.
//!
//! # Invariants
//!
//! - Nobody is parked while the flag is set.
//! - Setting releases all that are parked at that moment, also if the flag is cleared right after.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::blocking::{block_on, block_on_timeout};
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, Universal, print};
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, AtOnce, Turn, Waiter};
use crate::wakes::Wakes;

/// A flag that is set by one and waited for by many.
///
/// Clones are handles to the same event. Setting and clearing never wait and may be called from plain
/// code.
///
/// # Examples
///
/// ```
/// use bibelot_sync::Event;
/// use std::thread;
///
/// let ready = Event::new();
/// let waiter = thread::spawn({
///     let ready = ready.clone();
///     move || ready.wait_blocking()
/// });
/// ready.set();
/// waiter.join().unwrap();
/// assert!(ready.is_set());
/// ```
pub struct Event<S: Shell> {
    cell: S::Cell<State>,
}

#[derive(Debug, Default)]
struct State {
    set: bool,
    waiters: WaitQueue,
}

impl<S: Shell> Event<S> {
    /// An event that is not set.
    #[must_use]
    pub fn new() -> Self {
        let cell = Cell::new(State::default());
        Self { cell }
    }

    /// Sets the flag and releases all that wait, in the order in which they came. Setting it again
    /// changes nothing.
    #[inline]
    pub fn set(&self) {
        act(&self.cell, State::set);
    }

    /// Clears the flag: from now on tasks wait for the next [`set`](Self::set). Those that an earlier
    /// one released stay released.
    #[inline]
    pub fn clear(&self) {
        act(&self.cell, |state, _| state.set = false);
    }

    /// Whether the flag is set.
    #[must_use]
    #[inline]
    pub fn is_set(&self) -> bool {
        self.cell.look(|state| state.set)
    }

    /// Waits until the flag is set; at once, if it is.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the event, of which nothing is lost.
    #[inline]
    pub fn wait(&self) -> Wait<'_, S> {
        Wait(Waiter::new(&self.cell, UntilSet))
    }
}

impl Event<Universal> {
    /// Waits until the flag is set, blocking the thread.
    pub fn wait_blocking(&self) {
        block_on(self.wait());
    }

    /// Waits until the flag is set, blocking the thread for no longer than `limit`; `false` if the time
    /// was up first.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        block_on_timeout(&mut self.wait(), limit).is_some()
    }
}

impl State {
    fn set(&mut self, wakes: &mut Wakes) {
        self.set = true;
        self.waiters.grant_all(wakes, |()| ());
    }
}

impl<S: Shell> Clone for Event<S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<S: Shell> Default for Event<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Shell> fmt::Debug for Event<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "Event", &self.cell, |state| {
            [
                ("set", Figure::Flag(state.set)),
                ("waiters", Figure::Count(state.waiters.len())),
            ]
        })
    }
}

/// The wait for an [`Event`], made by [`Event::wait`].
#[must_use = "a future does nothing until it is polled"]
pub struct Wait<'a, S: Shell>(Waiter<'a, S, UntilSet>);

struct UntilSet;

impl Turn for UntilSet {
    type State = State;
    type Slot = ();
    type Out = ();

    #[inline]
    fn line(state: &mut State) -> &mut WaitQueue {
        &mut state.waiters
    }

    const AT_ONCE: AtOnce = AtOnce::Wholly;

    #[inline(always)]
    fn at_once(&mut self, state: &mut State) -> Option<()> {
        state.set.then_some(())
    }

    fn start(&mut self, state: &mut State, _: &mut Wakes) -> Option<()> {
        state.set.then_some(())
    }

    #[inline]
    fn ask(&mut self, _: &Self::State) {}

    #[inline]
    fn finish(&mut self, _: &mut State, (): (), _: &mut Wakes) {}

    fn pass_on(&mut self, _: &mut State, (): (), _: &mut Wakes) {}
}

impl<S: Shell> Future for Wait<'_, S> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.poll(cx)
    }
}

impl<S: Shell> fmt::Debug for Wait<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Wait", &self.0)
    }
}
