//! The line: those who wait until somebody calls them.
//!
//! # Invariants
//!
//! - A call goes to those that are in line when it is made, and nothing is kept for those who come later.
//! - Each of the `n` that [`wake`](WaitLine::wake) calls is one that returns: a waiter dropped before it saw
//!   its call hands it on.

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

/// A line to wait in: for primitives whose state is the program's own, kept wherever it likes.
///
/// Who has to wait takes a place; who changes the state wakes so many, the first of the line first, who then
/// look at the state themselves. Clones are handles to the same line. To keep the line and the state under one
/// lock, use a [`WaitQueue`] instead.
///
/// # Examples
///
/// ```
/// use bibelot_sync::WaitLine;
/// use std::thread;
///
/// let line = WaitLine::new();
/// let waiting = thread::spawn({
///     let line = line.clone();
///     move || line.wait_blocking()
/// });
/// while line.wake(1) == 0 {
///     thread::yield_now();
/// }
/// waiting.join().unwrap();
/// ```
pub struct WaitLine<S: Shell> {
    cell: S::Cell<State>,
}

#[derive(Debug, Default)]
struct State {
    waiters: WaitQueue<Call>,
}

/// What somebody in line has heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Nothing,
    /// Its turn has come; if it is gone, that of the next has.
    Turn,
    /// All were called.
    All,
}

impl<S: Shell> WaitLine<S> {
    /// A line with nobody in it.
    #[must_use]
    pub fn new() -> Self {
        let cell = Cell::new(State::default());
        Self { cell }
    }

    /// Waits until it is called. The place in line is taken at the first poll.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line. If it had been called by [`wake`](Self::wake), the next is called
    /// instead.
    pub fn wait(&self) -> InLine<'_, S> {
        InLine(Waiter::new(&self.cell, UntilCalled))
    }

    /// Calls the first `count` of the line; how many there were.
    pub fn wake(&self, count: usize) -> usize {
        act(&self.cell, |state, wakes| state.wake(count, wakes))
    }

    /// Calls all that are in line; how many there were. One that is dropped hands nothing on.
    pub fn wake_all(&self) -> usize {
        act(&self.cell, |state, wakes| {
            let count = state.waiters.len();
            state.waiters.grant_all(wakes, |call| *call = Call::All);
            count
        })
    }

    /// How many are in line and were not called.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cell.look(|state| state.waiters.len())
    }

    /// Whether nobody is in line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl WaitLine<Universal> {
    /// [`wait`](Self::wait), blocking the thread.
    pub fn wait_blocking(&self) {
        block_on(self.wait());
    }

    /// [`wait`](Self::wait), blocking the thread for no longer than `limit`; `false` if the time was up
    /// first.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        block_on_timeout(&mut self.wait(), limit).is_some()
    }
}

impl State {
    fn wake(&mut self, count: usize, wakes: &mut Wakes) -> usize {
        let count = count.min(self.waiters.len());
        for _ in 0..count {
            self.waiters.grant_with(wakes, |call| *call = Call::Turn);
        }
        count
    }
}

impl<S: Shell> Clone for WaitLine<S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<S: Shell> Default for WaitLine<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Shell> fmt::Debug for WaitLine<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "WaitLine", &self.cell, |state| {
            [("waiters", Figure::Count(state.waiters.len()))]
        })
    }
}

/// The wait for a call, made by [`WaitLine::wait`].
#[must_use = "a future does nothing until it is polled"]
pub struct InLine<'a, S: Shell>(Waiter<'a, S, UntilCalled>);

struct UntilCalled;

impl Turn for UntilCalled {
    type State = State;
    type Slot = Call;
    type Out = ();

    #[inline]
    fn line(state: &mut State) -> &mut WaitQueue<Call> {
        &mut state.waiters
    }

    #[inline]
    fn start(&mut self, _: &mut State, _: &mut Wakes) -> Option<()> {
        None
    }

    #[inline]
    fn ask(&mut self, _: &State) -> Call {
        Call::Nothing
    }

    #[inline]
    fn finish(&mut self, _: &mut State, _: Call, _: &mut Wakes) {}

    fn pass_on(&mut self, state: &mut State, call: Call, wakes: &mut Wakes) {
        if call == Call::Turn {
            state.wake(1, wakes);
        }
    }
}

impl<S: Shell> Future for InLine<'_, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.poll(cx)
    }
}

impl<S: Shell> fmt::Debug for InLine<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "InLine", &self.0)
    }
}
