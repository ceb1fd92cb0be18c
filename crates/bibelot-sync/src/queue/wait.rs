//! The waits of a queue: for room, for an item, for all to be done.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::{Closed, PutError, TryGetError, TryPutError};
use super::state::State;
use super::store::Store;
use crate::shell::Shell;
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, AtOnce, Turn, Waiter};
use crate::wakes::Wakes;

/// The wait for room, with the item to put, made by [`Queue::put`](super::Queue::put).
#[must_use = "a future does nothing until it is polled"]
pub struct Put<'a, B: Store, S: Shell>(pub(super) Waiter<'a, S, UntilPut<B>>);

/// The wait for an item, made by [`Queue::get`](super::Queue::get).
#[must_use = "a future does nothing until it is polled"]
pub struct Get<'a, B: Store, S: Shell>(pub(super) Waiter<'a, S, UntilGot<B>>);

/// The wait for a queue to be closed, made by [`Queue::closed`](super::Queue::closed).
#[must_use = "a future does nothing until it is polled"]
pub struct Closing<'a, B: Store, S: Shell>(pub(super) Waiter<'a, S, UntilClosed<B>>);

/// The wait for all items to be done, made by [`Queue::join`](super::Queue::join).
#[must_use = "a future does nothing until it is polled"]
pub struct Join<'a, B: Store, S: Shell>(pub(super) Waiter<'a, S, UntilDone<B>>);

pub(super) struct UntilPut<B: Store> {
    /// Here until the queue takes it.
    pub(super) item: Option<B::Item>,
}

pub(super) struct UntilGot<B>(pub(super) std::marker::PhantomData<fn() -> B>);

pub(super) struct UntilDone<B>(pub(super) std::marker::PhantomData<fn() -> B>);

pub(super) struct UntilClosed<B>(pub(super) std::marker::PhantomData<fn() -> B>);

impl<B: Store, S: Shell> Put<'_, B, S> {
    /// Gives up, and gives the item back: nothing was put, and room that had been granted goes to the
    /// next. `None` if the item was put, or was taken back before. In a rendezvous, where a getter takes
    /// the item out of this future, it may have been put before the future could say so.
    ///
    /// # Panics
    ///
    /// Not this, but a poll after it does.
    pub fn take_item(&mut self) -> Option<B::Item> {
        self.0.leave();
        self.0.kind.item.take()
    }

    /// Gives up, and gives the item back, as [`take_item`](Self::take_item) does.
    pub fn into_item(mut self) -> Option<B::Item> {
        self.take_item()
    }
}

impl<B: Store> Turn for UntilPut<B> {
    type State = State<B>;
    type Slot = Option<B::Item>;
    type Out = Result<(), PutError<B::Item>>;

    fn line(state: &mut State<B>) -> &mut WaitQueue<Self::Slot> {
        &mut state.putters
    }

    const AT_ONCE: AtOnce = AtOnce::Mostly;

    #[inline(always)]
    fn at_once(&mut self, state: &mut State<B>) -> Option<Self::Out> {
        if !state.stores_at_once() {
            return None;
        }
        state.store(self.item.take()?);
        Some(Ok(()))
    }

    fn start(&mut self, state: &mut State<B>, wakes: &mut Wakes) -> Option<Self::Out> {
        let item = self
            .item
            .take()
            .expect("a put that has not ended has its item");
        match state.try_put(item, wakes) {
            Ok(()) => Some(Ok(())),
            Err(TryPutError::Closed(item)) => Some(Err(PutError(item))),
            Err(TryPutError::Full(item)) => {
                self.item = Some(item);
                None
            }
        }
    }

    fn ask(&mut self, state: &State<B>) -> Self::Slot {
        match state.is_rendezvous() {
            true => self.item.take(),
            false => None,
        }
    }

    fn finish(&mut self, state: &mut State<B>, slot: Self::Slot, wakes: &mut Wakes) -> Self::Out {
        if state.is_rendezvous() {
            // What is still here was not taken before the close.
            return slot.map_or(Ok(()), |item| Err(PutError(item)));
        }
        let item = self
            .item
            .take()
            .expect("a put that has not ended has its item");
        state.put_granted(item, wakes)
    }

    fn pass_on(&mut self, state: &mut State<B>, slot: Self::Slot, wakes: &mut Wakes) {
        if state.is_rendezvous() {
            self.item = slot;
        } else {
            state.refuse_room(wakes);
        }
    }

    fn take_back(&mut self, slot: Self::Slot) {
        if slot.is_some() {
            self.item = slot;
        }
    }
}

impl<B: Store> Turn for UntilGot<B> {
    type State = State<B>;
    type Slot = Option<B::Item>;
    type Out = Result<B::Item, Closed>;

    fn line(state: &mut State<B>) -> &mut WaitQueue<Self::Slot> {
        &mut state.getters
    }

    const AT_ONCE: AtOnce = AtOnce::Mostly;

    #[inline(always)]
    fn at_once(&mut self, state: &mut State<B>) -> Option<Self::Out> {
        state.take_at_once().map(Ok)
    }

    fn start(&mut self, state: &mut State<B>, wakes: &mut Wakes) -> Option<Self::Out> {
        match state.try_get(wakes) {
            Ok(item) => Some(Ok(item)),
            Err(TryGetError::Closed) => Some(Err(Closed)),
            Err(TryGetError::Empty) => None,
        }
    }

    fn ask(&mut self, _: &Self::State) -> Self::Slot {
        None
    }

    fn finish(&mut self, state: &mut State<B>, slot: Self::Slot, wakes: &mut Wakes) -> Self::Out {
        state.get_granted(slot, wakes)
    }

    fn pass_on(&mut self, state: &mut State<B>, slot: Self::Slot, wakes: &mut Wakes) {
        state.give_back(slot, wakes);
    }
}

impl<B: Store> Turn for UntilDone<B> {
    type State = State<B>;
    type Slot = ();
    type Out = ();

    fn line(state: &mut State<B>) -> &mut WaitQueue {
        &mut state.joiners
    }

    fn start(&mut self, state: &mut State<B>, _: &mut Wakes) -> Option<()> {
        (state.undone() == 0).then_some(())
    }

    fn ask(&mut self, _: &Self::State) {}

    fn finish(&mut self, _: &mut State<B>, (): (), _: &mut Wakes) {}

    fn pass_on(&mut self, _: &mut State<B>, (): (), _: &mut Wakes) {}
}

impl<B: Store> Turn for UntilClosed<B> {
    type State = State<B>;
    type Slot = ();
    type Out = ();

    fn line(state: &mut State<B>) -> &mut WaitQueue {
        &mut state.watchers
    }

    fn start(&mut self, state: &mut State<B>, _: &mut Wakes) -> Option<()> {
        state.is_closed().then_some(())
    }

    fn ask(&mut self, _: &State<B>) {}

    fn finish(&mut self, _: &mut State<B>, (): (), _: &mut Wakes) {}

    fn pass_on(&mut self, _: &mut State<B>, (): (), _: &mut Wakes) {}
}

impl<B: Store, S: Shell> Future for Put<'_, B, S> {
    type Output = Result<(), PutError<B::Item>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll(cx)
    }
}

impl<B: Store, S: Shell> Future for Get<'_, B, S> {
    type Output = Result<B::Item, Closed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll(cx)
    }
}

impl<B: Store, S: Shell> Future for Join<'_, B, S> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.poll(cx)
    }
}

impl<B: Store, S: Shell> Future for Closing<'_, B, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.poll(cx)
    }
}

/// The item is never pinned: it is moved into the queue.
impl<B: Store, S: Shell> Unpin for Put<'_, B, S> {}

impl<B: Store, S: Shell> fmt::Debug for Put<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Put", &self.0)
    }
}

impl<B: Store, S: Shell> fmt::Debug for Get<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Get", &self.0)
    }
}

impl<B: Store, S: Shell> fmt::Debug for Closing<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Closing", &self.0)
    }
}

impl<B: Store, S: Shell> fmt::Debug for Join<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "Join", &self.0)
    }
}
