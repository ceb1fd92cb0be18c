//! The semaphore: a number of permits, taken one or many at a time.
//!
//! # Invariants
//!
//! - Free permits, those in the hands of holders and of granted waiters, and those forgotten add up to
//!   the bound.
//! - The oldest parked waiter wants more than is free; those behind it wait for it, so that who asks
//!   for many is not overtaken for ever by those who ask for few.

mod permit;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

pub use permit::{OwnedPermit, Permit};

use crate::blocking::block_on;
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, Universal, print};
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, Turn, Waiter};
use crate::wakes::Wakes;

/// Permits for so many at a time, in the order in which they are asked for.
///
/// Clones are handles to the same semaphore. A permit comes back when its guard is dropped.
///
/// # Examples
///
/// ```
/// use bibelot_sync::Semaphore;
///
/// let connections = Semaphore::new(2);
/// let first = connections.acquire_blocking().unwrap();
/// let _second = connections.acquire_blocking().unwrap();
/// assert!(connections.try_acquire().is_err());
/// drop(first);
/// assert!(connections.try_acquire().is_ok());
/// ```
pub struct Semaphore<S: Shell> {
    cell: S::Cell<State>,
}

/// The semaphore was closed: it gives no more permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the semaphore is closed")]
pub struct AcquireError;

/// Why there was no permit to be had without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryAcquireError {
    /// There are not enough, or others wait for them.
    #[error("the semaphore has no permit free")]
    NoPermits,
    /// It gives no more permits.
    #[error("the semaphore is closed")]
    Closed,
}

/// There would be more permits than can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a semaphore of {bound} permits cannot have {more} more")]
pub struct TooManyPermits {
    bound: usize,
    more: usize,
}

/// More permits were given back than had been forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{count} permits were given back, but only {forgotten} had been forgotten")]
pub struct OverRelease {
    count: usize,
    forgotten: usize,
}

impl<S: Shell> Semaphore<S> {
    /// A semaphore with so many permits, all free.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        let cell = Cell::new(State {
            free: permits,
            bound: permits,
            forgotten: 0,
            closed: false,
            waiters: WaitQueue::new(),
        });
        Self { cell }
    }

    /// Takes a permit, waiting for one if none is free.
    ///
    /// # Errors
    ///
    /// [`AcquireError`], when the semaphore is closed first.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line; what it had been granted already goes to the next.
    #[inline]
    pub fn acquire(&self) -> Acquire<'_, S> {
        self.acquire_many(1)
    }

    /// Takes `count` permits at once, waiting until so many are free. Those who ask later wait behind
    /// it, also for fewer. More than [`bound`](Self::bound) are there only after
    /// [`add_permits`](Self::add_permits).
    ///
    /// # Errors
    ///
    /// [`AcquireError`], when the semaphore is closed first.
    ///
    /// # Cancellation
    ///
    /// As for [`acquire`](Self::acquire).
    #[inline]
    pub fn acquire_many(&self, count: usize) -> Acquire<'_, S> {
        Acquire(Waiter::new(&self.cell, UntilAcquired { count }))
    }

    /// Takes a permit if one is free and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`].
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_, S>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `count` permits if so many are free and nobody waits for them.
    ///
    /// # Errors
    ///
    /// [`TryAcquireError`].
    #[inline]
    pub fn try_acquire_many(&self, count: usize) -> Result<Permit<'_, S>, TryAcquireError> {
        act(&self.cell, |state, _| state.try_acquire(count))?;
        Ok(Permit::new(&self.cell, count))
    }

    /// Makes `more` permits, which raises the bound.
    ///
    /// # Errors
    ///
    /// [`TooManyPermits`], when the bound would be beyond `usize::MAX`.
    pub fn add_permits(&self, more: usize) -> Result<(), TooManyPermits> {
        act(&self.cell, |state, wakes| {
            let bound = state.bound;
            let more_bound = bound.checked_add(more);
            state.bound = more_bound.ok_or(TooManyPermits { bound, more })?;
            state.give_back(more, wakes);
            Ok(())
        })
    }

    /// Gives back permits that were [forgotten](Permit::forget).
    ///
    /// # Errors
    ///
    /// [`OverRelease`], when fewer had been; nothing is given back then.
    pub fn release(&self, count: usize) -> Result<(), OverRelease> {
        act(&self.cell, |state, wakes| {
            let forgotten = state.forgotten;
            let left = forgotten.checked_sub(count);
            state.forgotten = left.ok_or(OverRelease { count, forgotten })?;
            state.give_back(count, wakes);
            Ok(())
        })
    }

    /// How many permits are free.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.cell.look(|state| state.free)
    }

    /// How many permits there are, free or not.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.cell.look(|state| state.bound)
    }

    /// How many permits were forgotten and not given back.
    #[must_use]
    pub fn forgotten(&self) -> usize {
        self.cell.look(|state| state.forgotten)
    }

    /// Closes the semaphore: all that wait, and all that come, get an error. Permits that are in use
    /// stay good.
    pub fn close(&self) {
        act(&self.cell, |state, wakes| {
            state.closed = true;
            state.waiters.grant_all(wakes, |ask| *ask = Ask::Refused);
        });
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.cell.look(|state| state.closed)
    }
}

impl Semaphore<Universal> {
    /// [`acquire`](Self::acquire), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`AcquireError`], when the semaphore is closed first.
    pub fn acquire_blocking(&self) -> Result<Permit<'_, Universal>, AcquireError> {
        block_on(self.acquire())
    }

    /// [`acquire_many`](Self::acquire_many), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`AcquireError`], when the semaphore is closed first.
    pub fn acquire_many_blocking(
        &self,
        count: usize,
    ) -> Result<Permit<'_, Universal>, AcquireError> {
        block_on(self.acquire_many(count))
    }
}

pub(crate) struct State {
    free: usize,
    bound: usize,
    forgotten: usize,
    closed: bool,
    waiters: WaitQueue<Ask>,
}

/// What a waiter asks for, and its answer.
enum Ask {
    Wants(usize),
    Has(usize),
    Refused,
}

impl State {
    #[inline]
    fn try_acquire(&mut self, count: usize) -> Result<(), TryAcquireError> {
        if self.closed {
            return Err(TryAcquireError::Closed);
        }
        if count > self.free || !self.waiters.is_empty() {
            return Err(TryAcquireError::NoPermits);
        }
        self.free -= count;
        Ok(())
    }

    /// Frees permits and serves those who wait for them.
    #[inline]
    fn give_back(&mut self, count: usize, wakes: &mut Wakes) {
        self.free += count;
        if !self.waiters.is_empty() {
            self.serve(wakes);
        }
    }

    #[inline(never)]
    fn serve(&mut self, wakes: &mut Wakes) {
        while let Some(&Ask::Wants(count)) = self.waiters.front()
            && count <= self.free
        {
            self.free -= count;
            self.waiters.grant_with(wakes, |ask| *ask = Ask::Has(count));
        }
    }
}

impl<S: Shell> Clone for Semaphore<S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<S: Shell> fmt::Debug for Semaphore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "Semaphore", &self.cell, |state| {
            [
                ("free", Figure::Count(state.free)),
                ("bound", Figure::Count(state.bound)),
                ("closed", Figure::Flag(state.closed)),
                ("waiters", Figure::Count(state.waiters.len())),
            ]
        })
    }
}

/// The wait for permits, made by [`Semaphore::acquire`].
#[must_use = "a future does nothing until it is polled"]
pub struct Acquire<'a, S: Shell>(Waiter<'a, S, UntilAcquired>);

struct UntilAcquired {
    count: usize,
}

impl Turn for UntilAcquired {
    type State = State;
    type Slot = Ask;
    type Out = Result<usize, AcquireError>;

    fn line(state: &mut State) -> &mut WaitQueue<Ask> {
        &mut state.waiters
    }

    #[inline]
    fn start(&mut self, state: &mut State, _: &mut Wakes) -> Result<Self::Out, Ask> {
        match state.try_acquire(self.count) {
            Ok(()) => Ok(Ok(self.count)),
            Err(TryAcquireError::Closed) => Ok(Err(AcquireError)),
            Err(TryAcquireError::NoPermits) => Err(Ask::Wants(self.count)),
        }
    }

    fn finish(&mut self, _: &mut State, ask: Ask, _: &mut Wakes) -> Self::Out {
        match ask {
            Ask::Has(count) => Ok(count),
            Ask::Wants(_) | Ask::Refused => Err(AcquireError),
        }
    }

    fn pass_on(&mut self, state: &mut State, ask: Ask, wakes: &mut Wakes) {
        if let Ask::Has(count) = ask {
            state.give_back(count, wakes);
        }
    }

    /// The one that left may have wanted more than those behind it.
    fn step_out(&mut self, state: &mut State, wakes: &mut Wakes) {
        state.serve(wakes);
    }
}

impl<'a, S: Shell> Future for Acquire<'a, S> {
    type Output = Result<Permit<'a, S>, AcquireError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiter = &mut self.get_mut().0;
        let cell = waiter.cell;
        let out = waiter.poll(cx);
        out.map(|out| out.map(|count| Permit::new(cell, count)))
    }
}

impl<S: Shell> fmt::Debug for Acquire<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Acquire", &self.0)
    }
}
