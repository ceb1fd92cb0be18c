//! The items of a queue, one after the other.
//!
//! # Invariants
//!
//! - A get that waits is kept as long as somebody polls: the future of `next` takes it along when it is
//!   dropped, so that no item is handed to a reader who may never come back.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{Cancelled, Wait};
use bibelot_sync::generic::{Shell, Store};
use futures_core::Stream;

use super::error::GetError;
use super::queue::{Queue, QueueGet};
use super::wait_or::WaitOr;

/// The items of a queue as they come; made by [`Queue::items`]. It is a [`Stream`] for the combinators of
/// other crates.
///
/// # Cancellation
///
/// A [`next`](Self::next) that is cut or dropped has taken nothing: an item that was handed to it goes to
/// the one that has waited longest, or back to where it came from. The next call goes on.
pub struct Items<'a, B: Store + 'a, S: Shell> {
    queue: &'a Queue<B, S>,
    get: Option<QueueGet<'a, B, S>>,
    site: &'static Location<'static>,
}

impl<'a, B: Store, S: Shell> Items<'a, B, S> {
    pub(super) fn new(queue: &'a Queue<B, S>, site: &'static Location<'static>) -> Self {
        let get = None;
        Self { queue, get, site }
    }

    /// The next item; `None` when the queue is closed and empty.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when it was asked to stop.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is what an asynchronous iterator has, and is not taken for the other one"
    )]
    pub fn next(&mut self) -> NextItem<'_, 'a, B, S> {
        NextItem(self)
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<B::Item>, Cancelled>> {
        let queue = self.queue;
        let fresh = || WaitOr::at(Wait::QueueGet, queue.0.get(), self.site);
        let get = self.get.get_or_insert_with(fresh);
        let end = ready!(Pin::new(get).poll(context));
        self.get = None;
        Poll::Ready(match end {
            Ok(item) => Ok(Some(item)),
            Err(GetError::Closed) => Ok(None),
            Err(GetError::Cancelled(cancelled)) => Err(cancelled),
        })
    }
}

/// For combinators: the place in line is kept from one poll to the next. It ends when the queue is closed
/// and empty.
impl<B: Store, S: Shell> Stream for Items<'_, B, S> {
    type Item = Result<B::Item, Cancelled>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.get_mut().poll_item(context);
        next.map(Result::transpose)
    }
}

impl<B: Store, S: Shell> fmt::Debug for Items<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Items").field(self.queue).finish()
    }
}

/// The future of [`Items::next`].
#[must_use = "futures do nothing until polled"]
pub struct NextItem<'i, 'a, B: Store + 'a, S: Shell>(&'i mut Items<'a, B, S>);

impl<B: Store, S: Shell> Future for NextItem<'_, '_, B, S> {
    type Output = Result<Option<B::Item>, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_item(context)
    }
}

impl<B: Store, S: Shell> Drop for NextItem<'_, '_, B, S> {
    fn drop(&mut self) {
        self.0.get = None;
    }
}

impl<B: Store, S: Shell> fmt::Debug for NextItem<'_, '_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextItem").field(self.0).finish()
    }
}
