//! Room kept for an item that is yet to be made.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Queue;
use super::error::{PutError, TryPutError};
use super::state::State;
use super::store::Store;
use crate::shell::Shell;
use crate::shell::sealed::act;
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, Turn, Waiter};
use crate::wakes::Wakes;

/// Room for one item of a [`Queue`], which is given back when this is dropped.
#[must_use = "the room is given back when this is dropped"]
pub struct PutPermit<'a, B: Store, S: Shell> {
    queue: &'a Queue<B, S>,
}

/// Room for one item of a [`Queue`], with a handle of its own.
#[must_use = "the room is given back when this is dropped"]
pub struct OwnedPutPermit<B: Store, S: Shell> {
    /// `None` once the room was used.
    queue: Option<Queue<B, S>>,
}

impl<B: Store, S: Shell> Queue<B, S> {
    /// Takes room for one item, waiting for it in one line with those that put; so that what is costly
    /// to make is made only when it can be put.
    ///
    /// # Errors
    ///
    /// [`PutError`], when the queue is closed first.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the line; room that it had been granted already goes to the next.
    ///
    /// # Panics
    ///
    /// When the queue is a [`rendezvous`](Self::rendezvous), which has no room to keep.
    pub fn reserve(&self) -> Reserving<'_, B, S> {
        self.assert_room();
        let waiter = Waiter::new(&self.cell, UntilReserved(PhantomData));
        Reserving {
            queue: self,
            waiter,
        }
    }

    /// Takes room for one item if there is some and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryPutError`].
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    pub fn try_reserve(&self) -> Result<PutPermit<'_, B, S>, TryPutError<()>> {
        self.assert_room();
        act(&self.cell, |state, _| state.try_reserve())?;
        Ok(PutPermit { queue: self })
    }

    fn assert_room(&self) {
        assert_ne!(self.capacity(), Some(0), "a rendezvous has no room to keep");
    }

    fn put_reserved(&self, item: B::Item) {
        act(&self.cell, |state, wakes| state.put_reserved(item, wakes));
    }

    fn unreserve(&self) {
        act(&self.cell, State::unreserve);
    }
}

impl<B: Store, S: Shell> PutPermit<'_, B, S> {
    /// Puts the item. It neither waits nor fails: a queue that was closed after the room was taken still
    /// takes it, and its getters wait for it.
    pub fn put(self, item: B::Item) {
        let queue = self.queue;
        mem::forget(self);
        queue.put_reserved(item);
    }

    /// The permit without its borrow of the handle, to be kept anywhere.
    pub fn into_owned(self) -> OwnedPutPermit<B, S> {
        let queue = Some(self.queue.clone());
        mem::forget(self);
        OwnedPutPermit { queue }
    }
}

impl<B: Store, S: Shell> OwnedPutPermit<B, S> {
    /// Puts the item, as [`PutPermit::put`] does.
    pub fn put(mut self, item: B::Item) {
        if let Some(queue) = self.queue.take() {
            queue.put_reserved(item);
        }
    }
}

impl<B: Store, S: Shell> Drop for PutPermit<'_, B, S> {
    fn drop(&mut self) {
        self.queue.unreserve();
    }
}

impl<B: Store, S: Shell> Drop for OwnedPutPermit<B, S> {
    fn drop(&mut self) {
        if let Some(queue) = &self.queue {
            queue.unreserve();
        }
    }
}

impl<B: Store, S: Shell> fmt::Debug for PutPermit<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutPermit").finish_non_exhaustive()
    }
}

impl<B: Store, S: Shell> fmt::Debug for OwnedPutPermit<B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPutPermit").finish_non_exhaustive()
    }
}

/// The wait for room, made by [`Queue::reserve`].
#[must_use = "a future does nothing until it is polled"]
pub struct Reserving<'a, B: Store, S: Shell> {
    queue: &'a Queue<B, S>,
    waiter: Waiter<'a, S, UntilReserved<B>>,
}

struct UntilReserved<B>(PhantomData<fn() -> B>);

impl<B: Store> Turn for UntilReserved<B> {
    type State = State<B>;
    type Slot = Option<B::Item>;
    type Out = Result<(), PutError<()>>;

    fn line(state: &mut State<B>) -> &mut WaitQueue<Self::Slot> {
        &mut state.putters
    }

    fn start(&mut self, state: &mut State<B>, _: &mut Wakes) -> Option<Self::Out> {
        match state.try_reserve() {
            Ok(()) => Some(Ok(())),
            Err(TryPutError::Closed(())) => Some(Err(PutError(()))),
            Err(TryPutError::Full(())) => None,
        }
    }

    fn ask(&mut self, _: &State<B>) -> Self::Slot {
        None
    }

    fn finish(&mut self, state: &mut State<B>, _: Self::Slot, _: &mut Wakes) -> Self::Out {
        state.reserve_granted()
    }

    fn pass_on(&mut self, state: &mut State<B>, _: Self::Slot, wakes: &mut Wakes) {
        state.refuse_room(wakes);
    }
}

impl<'a, B: Store, S: Shell> Future for Reserving<'a, B, S> {
    type Output = Result<PutPermit<'a, B, S>, PutError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let queue = this.queue;
        let end = this.waiter.poll(cx);
        end.map(|end| end.map(|()| PutPermit { queue }))
    }
}

impl<B: Store, S: Shell> fmt::Debug for Reserving<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Reserving", &self.waiter)
    }
}
