//! The barrier: so many wait for one another.
//!
//! # Invariants
//!
//! - Fewer are parked than the barrier lets through at a time: the one that completes the number never
//!   parks, it releases the others.

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

/// Lets tasks through in rounds of a fixed number, when so many have come.
///
/// Clones are handles to the same barrier. It is used again and again: those who come after a round is
/// complete are of the next one.
///
/// # Examples
///
/// ```
/// use bibelot_sync::Barrier;
/// use std::thread;
///
/// let barrier = Barrier::new(3);
/// let runners: Vec<_> = (0..3)
///     .map(|_| {
///         let barrier = barrier.clone();
///         thread::spawn(move || barrier.wait_blocking().unwrap().is_last)
///     })
///     .collect();
/// let last = runners.into_iter().filter_map(|it| it.join().unwrap().then_some(()));
/// assert_eq!(last.count(), 1);
/// ```
pub struct Barrier<S: Shell> {
    cell: S::Cell<State>,
}

struct State {
    size: usize,
    round: u64,
    closed: bool,
    waiters: WaitQueue<Option<u64>>,
}

/// How a task came through a [`Barrier`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passed {
    /// The number of the round, from 0.
    pub round: u64,
    /// Whether this one completed the round. Of each round that is exactly one, which never waited.
    pub is_last: bool,
}

/// The barrier was closed before enough had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the barrier is closed")]
pub struct BarrierClosed;

impl<S: Shell> Barrier<S> {
    /// A barrier that lets `size` through at a time.
    ///
    /// # Panics
    ///
    /// When `size` is 0, or more than can wait in one line: 4,294,967,295.
    #[must_use]
    pub fn new(size: usize) -> Self {
        assert!(size > 0, "a barrier for nobody would never be passed");
        assert!(
            u32::try_from(size).is_ok(),
            "{size} cannot wait in one line"
        );
        let cell = Cell::new(State {
            size,
            round: 0,
            closed: false,
            waiters: WaitQueue::new(),
        });
        Self { cell }
    }

    /// Waits until so many have come.
    ///
    /// # Errors
    ///
    /// [`BarrierClosed`], when the barrier is closed first.
    ///
    /// # Cancellation
    ///
    /// Dropped before enough have come, it does not count any more, and the others wait for somebody
    /// else. Dropped after that, it has come, and the others go on.
    pub fn wait(&self) -> Arriving<'_, S> {
        Arriving(Waiter::new(&self.cell, UntilComplete))
    }

    /// How many there are to a round.
    #[must_use]
    pub fn size(&self) -> usize {
        self.cell.look(|state| state.size)
    }

    /// How many wait for the others.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.cell.look(|state| state.waiters.len())
    }

    /// Closes the barrier for good, as when one of the party has failed: all that wait, and all that
    /// come, get an error.
    pub fn close(&self) {
        act(&self.cell, |state, wakes| {
            state.closed = true;
            state.waiters.grant_all(wakes, |_| ());
        });
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.cell.look(|state| state.closed)
    }
}

impl Barrier<Universal> {
    /// [`wait`](Self::wait), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`BarrierClosed`], when the barrier is closed first.
    pub fn wait_blocking(&self) -> Result<Passed, BarrierClosed> {
        block_on(self.wait())
    }

    /// [`wait`](Self::wait), blocking the thread for no longer than `limit`; `None` if the time was up
    /// first, and the thread does not count any more.
    pub fn wait_timeout(&self, limit: Duration) -> Option<Result<Passed, BarrierClosed>> {
        block_on_timeout(&mut self.wait(), limit)
    }
}

impl State {
    fn arrive(&mut self, wakes: &mut Wakes) -> Option<Result<Passed, BarrierClosed>> {
        if self.closed {
            return Some(Err(BarrierClosed));
        }
        if self.waiters.len() + 1 < self.size {
            return None;
        }
        let round = self.round;
        self.round += 1;
        self.waiters.grant_all(wakes, |slot| *slot = Some(round));
        let is_last = true;
        Some(Ok(Passed { round, is_last }))
    }
}

impl<S: Shell> Clone for Barrier<S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<S: Shell> fmt::Debug for Barrier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "Barrier", &self.cell, |state| {
            [
                ("size", Figure::Count(state.size)),
                ("round", Figure::Number(state.round)),
                ("closed", Figure::Flag(state.closed)),
                ("waiters", Figure::Count(state.waiters.len())),
            ]
        })
    }
}

/// The wait for a round to be complete, made by [`Barrier::wait`].
#[must_use = "a future does nothing until it is polled"]
pub struct Arriving<'a, S: Shell>(Waiter<'a, S, UntilComplete>);

struct UntilComplete;

impl Turn for UntilComplete {
    type State = State;
    type Slot = Option<u64>;
    type Out = Result<Passed, BarrierClosed>;

    #[inline]
    fn line(state: &mut State) -> &mut WaitQueue<Option<u64>> {
        &mut state.waiters
    }

    fn start(&mut self, state: &mut State, wakes: &mut Wakes) -> Option<Self::Out> {
        state.arrive(wakes)
    }

    #[inline]
    fn ask(&mut self, _: &Self::State) -> Option<u64> {
        None
    }

    #[inline]
    fn finish(&mut self, _: &mut State, slot: Option<u64>, _: &mut Wakes) -> Self::Out {
        let round = slot.ok_or(BarrierClosed)?;
        let is_last = false;
        Ok(Passed { round, is_last })
    }

    fn pass_on(&mut self, _: &mut State, _: Option<u64>, _: &mut Wakes) {}
}

impl<S: Shell> Future for Arriving<'_, S> {
    type Output = Result<Passed, BarrierClosed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll(cx)
    }
}

impl<S: Shell> fmt::Debug for Arriving<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Arriving", &self.0)
    }
}
