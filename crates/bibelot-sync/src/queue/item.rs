//! Items that are being worked off: got, and counted done when they are dropped.
//!
//! # Invariants
//!
//! - The item is dropped before it counts as done, so who waits for all to be done finds them gone; and
//!   it counts also when its drop panics.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Queue;
use super::error::{Closed, TryGetError};
use super::store::Store;
use super::wait::Get;
use crate::shell::Shell;

/// An item of a [`Queue`] that counts as done when this is dropped.
#[must_use = "the item counts as done when this is dropped"]
pub struct ItemGuard<'a, B: Store, S: Shell> {
    queue: &'a Queue<B, S>,
    /// `None` once it was given away.
    item: Option<B::Item>,
}

/// An item of a [`Queue`] that counts as done when this is dropped, with a handle of its own.
#[must_use = "the item counts as done when this is dropped"]
pub struct OwnedItemGuard<B: Store, S: Shell> {
    queue: Queue<B, S>,
    item: Option<B::Item>,
}

/// Counts one item done when it is dropped.
struct Done<'a, B: Store, S: Shell>(&'a Queue<B, S>);

impl<B: Store, S: Shell> Drop for Done<'_, B, S> {
    fn drop(&mut self) {
        // An error means that somebody has counted this item by hand, which does no harm here.
        let _ = self.0.task_done();
    }
}

impl<B: Store, S: Shell> Queue<B, S> {
    /// Takes the next item, as [`get`](Self::get) does, in a guard that counts it done when it is
    /// dropped: also when the work on it fails, panics or is cut.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the queue is closed and all its items were taken.
    ///
    /// # Cancellation
    ///
    /// As for [`get`](Self::get).
    pub fn get_guard(&self) -> GetGuard<'_, B, S> {
        let get = self.get();
        GetGuard { queue: self, get }
    }

    /// Takes the next item in a guard, if there is one and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`TryGetError`].
    pub fn try_get_guard(&self) -> Result<ItemGuard<'_, B, S>, TryGetError> {
        let item = self.try_get()?;
        Ok(ItemGuard::new(self, item))
    }
}

const HELD: &str = "a guard has its item until it is dropped";

impl<'a, B: Store, S: Shell> ItemGuard<'a, B, S> {
    fn new(queue: &'a Queue<B, S>, item: B::Item) -> Self {
        let item = Some(item);
        Self { queue, item }
    }

    /// The item by itself, which then is to be counted by hand.
    pub fn into_item(mut self) -> B::Item {
        self.item.take().expect(HELD)
    }

    /// The guard without its borrow of the handle, to be kept anywhere.
    pub fn into_owned(mut self) -> OwnedItemGuard<B, S> {
        let (queue, item) = (self.queue.clone(), self.item.take());
        OwnedItemGuard { queue, item }
    }
}

fn finish<B: Store, S: Shell>(queue: &Queue<B, S>, item: &mut Option<B::Item>) {
    if let Some(item) = item.take() {
        let _done = Done(queue);
        drop(item);
    }
}

/// What both guards do alike.
macro_rules! guards {
    ($([$($life:lifetime)?] $guard:ident),*) => {$(
        impl<B: Store, S: Shell> Drop for $guard<$($life,)? B, S> {
            fn drop(&mut self) {
                finish(&self.queue, &mut self.item);
            }
        }

        impl<B: Store, S: Shell> Deref for $guard<$($life,)? B, S> {
            type Target = B::Item;

            fn deref(&self) -> &B::Item {
                self.item.as_ref().expect(HELD)
            }
        }

        impl<B: Store, S: Shell> DerefMut for $guard<$($life,)? B, S> {
            fn deref_mut(&mut self) -> &mut B::Item {
                self.item.as_mut().expect(HELD)
            }
        }

        impl<B: Store<Item: fmt::Debug>, S: Shell> fmt::Debug for $guard<$($life,)? B, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    )*};
}

guards!(['_] ItemGuard, [] OwnedItemGuard);

/// The wait for an item in a guard, made by [`Queue::get_guard`].
#[must_use = "a future does nothing until it is polled"]
pub struct GetGuard<'a, B: Store, S: Shell> {
    queue: &'a Queue<B, S>,
    get: Get<'a, B, S>,
}

impl<'a, B: Store, S: Shell> Future for GetGuard<'a, B, S> {
    type Output = Result<ItemGuard<'a, B, S>, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let queue = this.queue;
        let end = Pin::new(&mut this.get).poll(cx);
        end.map(|end| end.map(|item| ItemGuard::new(queue, item)))
    }
}

impl<B: Store, S: Shell> fmt::Debug for GetGuard<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetGuard").field("get", &self.get).finish()
    }
}
