//! The lock: a value that one holder at a time may use.
//!
//! The value lies in a box. Whoever holds the lock holds the box, and gives it to the next in line when
//! it lets go: the hand-over is one pointer, and a lock without its box is a held one. That costs one
//! indirection and needs no `unsafe`.
//!
//! # Invariants
//!
//! - The box is in one place: here, in a guard, or in the slot of a waiter that was granted the lock.
//! - While the box is here, nobody is parked.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::blocking::{block_on, block_on_timeout};
use crate::shell::sealed::{Cell, act};
use crate::shell::{Figure, Shell, Universal, print};
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, AtOnce, Turn, Waiter};
use crate::wakes::Wakes;

/// A value that one at a time may use, in the order in which they ask.
///
/// Clones are handles to the same lock. Letting go hands it to the one that has waited longest, so
/// nobody who comes later gets it first. A panic of a holder lets go as well and poisons nothing.
///
/// # Examples
///
/// ```
/// use bibelot_sync::Lock;
/// use std::thread;
///
/// let count = Lock::new(0);
/// let threads: Vec<_> = (0..4)
///     .map(|_| {
///         let count = count.clone();
///         thread::spawn(move || *count.lock_blocking() += 1)
///     })
///     .collect();
/// threads.into_iter().for_each(|thread| thread.join().unwrap());
/// assert_eq!(*count.lock_blocking(), 4);
/// ```
#[doc(alias = "Mutex")]
pub struct Lock<T, S: Shell> {
    cell: S::Cell<State<T>>,
}

pub(crate) struct State<T> {
    value: Option<Box<T>>,
    waiters: WaitQueue<Option<Box<T>>>,
}

impl<T, S: Shell> Lock<T, S> {
    /// A lock around `value`, free to be taken.
    #[must_use]
    pub fn new(value: T) -> Self {
        let cell = Cell::new(State {
            value: Some(Box::new(value)),
            waiters: WaitQueue::new(),
        });
        Self { cell }
    }

    /// Takes the lock, waiting for it if somebody holds it.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line; a lock that it had been granted already goes to the next.
    #[inline]
    pub fn lock(&self) -> Locking<'_, T, S> {
        Locking(Waiter::new(&self.cell, UntilLocked::new()))
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T, S>> {
        let value = act(&self.cell, |state, _| state.value.take())?;
        Some(LockGuard::new(&self.cell, value))
    }

    /// Whether somebody holds the lock, or was granted it.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.cell.look(|state| state.value.is_none())
    }
}

impl<T> Lock<T, Universal> {
    /// [`lock`](Self::lock), blocking the thread.
    pub fn lock_blocking(&self) -> LockGuard<'_, T, Universal> {
        block_on(self.lock())
    }

    /// [`lock`](Self::lock), blocking the thread for no longer than `limit`; `None` if the time was up
    /// first.
    pub fn lock_timeout(&self, limit: Duration) -> Option<LockGuard<'_, T, Universal>> {
        block_on_timeout(&mut self.lock(), limit)
    }
}

impl<T> State<T> {
    /// Keeps the value if nobody waits for it.
    #[inline(always)]
    fn keep(&mut self, value: Box<T>) -> Option<Box<T>> {
        if !self.waiters.is_empty() {
            return Some(value);
        }
        // There was none, so nothing is to be dropped.
        mem::forget(self.value.replace(value));
        None
    }

    /// Hands the lock to the oldest that waits, or keeps it.
    fn release(&mut self, value: Box<T>, wakes: &mut Wakes) {
        if let Some(value) = self.keep(value) {
            self.waiters.grant_with(wakes, |slot| *slot = Some(value));
        }
    }
}

impl<T, S: Shell> Clone for Lock<T, S> {
    fn clone(&self) -> Self {
        let cell = self.cell.clone();
        Self { cell }
    }
}

impl<T: Default, S: Shell> Default for Lock<T, S> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, S: Shell> fmt::Debug for Lock<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "Lock", &self.cell, |state| {
            [
                ("locked", Figure::Flag(state.value.is_none())),
                ("waiters", Figure::Count(state.waiters.len())),
            ]
        })
    }
}

/// The right to use the value of a [`Lock`], until it is dropped.
#[must_use = "the lock is let go when this is dropped"]
pub struct LockGuard<'a, T, S: Shell> {
    cell: &'a S::Cell<State<T>>,
    /// `None` once it was given away.
    value: Option<Box<T>>,
}

impl<'a, T, S: Shell> LockGuard<'a, T, S> {
    #[inline]
    fn new(cell: &'a S::Cell<State<T>>, value: Box<T>) -> Self {
        let value = Some(value);
        Self { cell, value }
    }

    /// The guard without its borrow of the handle, to be kept anywhere.
    pub fn into_owned(mut self) -> OwnedLockGuard<T, S> {
        let cell = self.cell.clone();
        let value = self.value.take();
        OwnedLockGuard { cell, value }
    }

    /// Waits for the lock that `self` lets go.
    pub(crate) fn again(&self) -> Locking<'a, T, S> {
        Locking(Waiter::new(self.cell, UntilLocked::new()))
    }
}

/// The right to use the value of a [`Lock`], with a handle of its own.
#[must_use = "the lock is let go when this is dropped"]
pub struct OwnedLockGuard<T, S: Shell> {
    cell: S::Cell<State<T>>,
    value: Option<Box<T>>,
}

#[inline(always)]
fn let_go<T>(cell: &impl Cell<State<T>>, value: &mut Option<Box<T>>) {
    if let Some(value) = value.take()
        && let Some(value) = cell.with(|kept| kept.data.keep(value))
    {
        hand_over(cell, value);
    }
}

#[inline(never)]
fn hand_over<T>(cell: &impl Cell<State<T>>, value: Box<T>) {
    act(cell, |state, wakes| state.release(value, wakes));
}

const HELD: &str = "a guard has the value until it is dropped";

impl<T, S: Shell> Deref for LockGuard<'_, T, S> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.value.as_ref().expect(HELD)
    }
}

impl<T, S: Shell> DerefMut for LockGuard<'_, T, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(HELD)
    }
}

impl<T, S: Shell> Drop for LockGuard<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        let_go(self.cell, &mut self.value);
    }
}

impl<T: fmt::Debug, S: Shell> fmt::Debug for LockGuard<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T, S: Shell> Deref for OwnedLockGuard<T, S> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect(HELD)
    }
}

impl<T, S: Shell> DerefMut for OwnedLockGuard<T, S> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(HELD)
    }
}

impl<T, S: Shell> Drop for OwnedLockGuard<T, S> {
    fn drop(&mut self) {
        let_go(&self.cell, &mut self.value);
    }
}

impl<T: fmt::Debug, S: Shell> fmt::Debug for OwnedLockGuard<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The wait for a [`Lock`], made by [`Lock::lock`].
#[must_use = "a future does nothing until it is polled"]
pub struct Locking<'a, T, S: Shell>(Waiter<'a, S, UntilLocked<T>>);

struct UntilLocked<T>(std::marker::PhantomData<fn() -> T>);

impl<T> UntilLocked<T> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<T> Turn for UntilLocked<T> {
    type State = State<T>;
    type Slot = Option<Box<T>>;
    type Out = Box<T>;

    fn line(state: &mut State<T>) -> &mut WaitQueue<Self::Slot> {
        &mut state.waiters
    }

    const AT_ONCE: AtOnce = AtOnce::Wholly;

    #[inline(always)]
    fn at_once(&mut self, state: &mut State<T>) -> Option<Box<T>> {
        state.value.take()
    }

    fn start(&mut self, state: &mut State<T>, _: &mut Wakes) -> Option<Box<T>> {
        state.value.take()
    }

    fn ask(&mut self, _: &Self::State) -> Self::Slot {
        None
    }

    fn finish(&mut self, _: &mut State<T>, slot: Self::Slot, _: &mut Wakes) -> Box<T> {
        slot.expect("who is granted the lock is given its value")
    }

    fn pass_on(&mut self, state: &mut State<T>, slot: Self::Slot, wakes: &mut Wakes) {
        state.release(
            slot.expect("who is granted the lock is given its value"),
            wakes,
        );
    }
}

impl<'a, T, S: Shell> Future for Locking<'a, T, S> {
    type Output = LockGuard<'a, T, S>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiter = &mut self.get_mut().0;
        let cell = waiter.cell;
        waiter.poll(cx).map(|value| LockGuard::new(cell, value))
    }
}

impl<T, S: Shell> fmt::Debug for Locking<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Locking", &self.0)
    }
}
