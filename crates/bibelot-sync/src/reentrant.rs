//! The reentrant lock: its owner may take it again.
//!
//! # Invariants
//!
//! - There is an owner exactly while the depth is not 0: guards and granted waiters add up to it.
//! - Nobody is parked who asks for the present owner, nor anybody while there is none.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::blocking::{block_on, block_on_timeout};
use crate::owner::Owner;
use crate::shell::sealed::{Cell, Shared, act};
use crate::shell::{Figure, Shell, Universal, print};
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, Turn, Waiter};
use crate::wakes::Wakes;

/// A value that one [`Owner`] at a time may use, who may take the lock again while holding it.
///
/// Clones are handles to the same lock. It goes from owner to owner in the order in which they ask; with
/// it go all waits of the same owner, wherever they stand in line, which costs a look at each that waits.
///
/// Since an owner may have several guards, they give the value to be read only: put a `Cell` or `RefCell`
/// into a local lock. The owner is whom the caller names, not what the compiler knows, so in the
/// universal shell the value is `Send + Sync` like any that is shared.
///
/// # Examples
///
/// ```
/// use bibelot_sync::{Owner, local::ReentrantLock};
/// use std::cell::Cell;
///
/// let (me, you) = (Owner::from(1_u64), Owner::from(2_u64));
/// let count = ReentrantLock::new(Cell::new(0));
/// let outer = count.try_lock(me).unwrap();
/// let inner = count.try_lock(me).unwrap();
/// inner.set(outer.get() + 1);
/// assert!(count.try_lock(you).is_none());
/// drop((outer, inner));
/// assert_eq!(count.try_lock(you).unwrap().get(), 1);
/// ```
#[doc(alias = "RLock")]
pub struct ReentrantLock<T, S: Shell> {
    cell: S::Cell<State>,
    value: S::Shared<T>,
}

struct State {
    owner: Option<Owner>,
    depth: usize,
    waiters: WaitQueue<Owner>,
}

impl<T, S: Shell> ReentrantLock<T, S> {
    /// A lock around `value`, free to be taken.
    #[must_use]
    pub fn new(value: T) -> Self {
        let cell = Cell::new(State {
            owner: None,
            depth: 0,
            waiters: WaitQueue::new(),
        });
        let value = S::Shared::new(value);
        Self { cell, value }
    }

    /// Takes the lock for `owner`: at once, if it is free or `owner` has it; else in turn.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line; a lock that it had been granted already goes to the next.
    pub fn lock(&self, owner: impl Into<Owner>) -> ReentrantLocking<'_, T, S> {
        let owner = owner.into();
        let waiter = Waiter::new(&self.cell, UntilOwned { owner });
        ReentrantLocking { lock: self, waiter }
    }

    /// Takes the lock for `owner`, if it is free or `owner` has it.
    pub fn try_lock(&self, owner: impl Into<Owner>) -> Option<ReentrantGuard<'_, T, S>> {
        let owner = owner.into();
        act(&self.cell, |state, _| state.enter(owner))?;
        Some(ReentrantGuard { lock: self })
    }

    /// Who has the lock, or was granted it.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        self.cell.look(|state| state.owner)
    }

    /// How many times the owner has taken it, or was granted it.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.cell.look(|state| state.depth)
    }

    fn leave(&self) {
        act(&self.cell, State::leave);
    }
}

impl<T> ReentrantLock<T, Universal> {
    /// [`lock`](Self::lock), blocking the thread.
    pub fn lock_blocking(&self, owner: impl Into<Owner>) -> ReentrantGuard<'_, T, Universal> {
        block_on(self.lock(owner))
    }

    /// [`lock`](Self::lock), blocking the thread for no longer than `limit`; `None` if the time was up
    /// first.
    pub fn lock_timeout(
        &self,
        owner: impl Into<Owner>,
        limit: Duration,
    ) -> Option<ReentrantGuard<'_, T, Universal>> {
        block_on_timeout(&mut self.lock(owner), limit)
    }
}

impl State {
    fn enter(&mut self, owner: Owner) -> Option<()> {
        if self.owner.is_some_and(|holder| holder != owner) {
            return None;
        }
        self.owner = Some(owner);
        self.depth += 1;
        Some(())
    }

    fn leave(&mut self, wakes: &mut Wakes) {
        self.depth -= 1;
        if self.depth > 0 {
            return;
        }
        self.owner = self.waiters.front().copied();
        let owner = self.owner;
        let depth = &mut self.depth;
        self.waiters.grant_those(wakes, |asking| {
            let is_owner = owner == Some(*asking);
            *depth += usize::from(is_owner);
            is_owner
        });
    }
}

impl<T, S: Shell> Clone for ReentrantLock<T, S> {
    fn clone(&self) -> Self {
        let (cell, value) = (self.cell.clone(), self.value.clone());
        Self { cell, value }
    }
}

impl<T: Default, S: Shell> Default for ReentrantLock<T, S> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, S: Shell> fmt::Debug for ReentrantLock<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "ReentrantLock", &self.cell, |state| {
            [
                ("depth", Figure::Count(state.depth)),
                ("waiters", Figure::Count(state.waiters.len())),
            ]
        })
    }
}

/// The right to use the value of a [`ReentrantLock`], until it is dropped.
#[must_use = "the lock is let go when this is dropped"]
pub struct ReentrantGuard<'a, T, S: Shell> {
    lock: &'a ReentrantLock<T, S>,
}

/// The right to use the value of a [`ReentrantLock`], with a handle of its own.
#[must_use = "the lock is let go when this is dropped"]
pub struct OwnedReentrantGuard<T, S: Shell> {
    lock: ReentrantLock<T, S>,
}

impl<T, S: Shell> ReentrantGuard<'_, T, S> {
    /// The guard without its borrow of the handle, to be kept anywhere.
    pub fn into_owned(self) -> OwnedReentrantGuard<T, S> {
        let lock = self.lock.clone();
        std::mem::forget(self);
        OwnedReentrantGuard { lock }
    }
}

impl<T, S: Shell> Drop for ReentrantGuard<'_, T, S> {
    fn drop(&mut self) {
        self.lock.leave();
    }
}

impl<T, S: Shell> Drop for OwnedReentrantGuard<T, S> {
    fn drop(&mut self) {
        self.lock.leave();
    }
}

impl<T, S: Shell> Deref for ReentrantGuard<'_, T, S> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.lock.value
    }
}

impl<T, S: Shell> Deref for OwnedReentrantGuard<T, S> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.lock.value
    }
}

impl<T: fmt::Debug, S: Shell> fmt::Debug for ReentrantGuard<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug, S: Shell> fmt::Debug for OwnedReentrantGuard<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The wait for a [`ReentrantLock`], made by [`ReentrantLock::lock`].
#[must_use = "a future does nothing until it is polled"]
pub struct ReentrantLocking<'a, T, S: Shell> {
    lock: &'a ReentrantLock<T, S>,
    waiter: Waiter<'a, S, UntilOwned>,
}

struct UntilOwned {
    owner: Owner,
}

impl Turn for UntilOwned {
    type State = State;
    type Slot = Owner;
    type Out = ();

    #[inline]
    fn line(state: &mut State) -> &mut WaitQueue<Owner> {
        &mut state.waiters
    }

    fn start(&mut self, state: &mut State, _: &mut Wakes) -> Option<()> {
        state.enter(self.owner)
    }

    #[inline]
    fn ask(&mut self, _: &Self::State) -> Owner {
        self.owner
    }

    #[inline]
    fn finish(&mut self, _: &mut State, _: Owner, _: &mut Wakes) {}

    fn pass_on(&mut self, state: &mut State, _: Owner, wakes: &mut Wakes) {
        state.leave(wakes);
    }
}

impl<'a, T, S: Shell> Future for ReentrantLocking<'a, T, S> {
    type Output = ReentrantGuard<'a, T, S>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let lock = this.lock;
        this.waiter.poll(cx).map(|()| ReentrantGuard { lock })
    }
}

impl<T, S: Shell> fmt::Debug for ReentrantLocking<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "ReentrantLocking", &self.waiter)
    }
}
