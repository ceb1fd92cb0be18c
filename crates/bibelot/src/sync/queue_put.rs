//! The wait for room in a queue, with the item to put.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::{Leave, Op, Park, Trap, Wait};
use bibelot_sync::generic::{Local, Put, Store};

use super::queue_error::PutError;

/// The future of [`QueueOf::put`](super::QueueOf::put).
#[must_use = "futures do nothing until polled"]
pub struct QueuePut<'a, B: Store + 'a>(Trap<PutOp<'a, B>>);

impl<'a, B: Store> QueuePut<'a, B> {
    pub(super) fn at(put: Put<'a, B, Local>, site: &'static Location<'static>) -> Self {
        Self(Trap::at(
            PutOp {
                put,
                item: None,
                listens: false,
            },
            site,
        ))
    }
}

struct PutOp<'a, B: Store + 'a> {
    put: Put<'a, B, Local>,
    /// The item, once the put was left.
    item: Option<B::Item>,
    /// The look just taken left the waker that `park` is to leave.
    listens: bool,
}

/// The item is never pinned.
impl<B: Store> Unpin for PutOp<'_, B> {}

impl<B: Store> PutOp<'_, B> {
    fn poll(&mut self, waker: &Waker) -> Option<Result<(), PutError<B::Item>>> {
        match Pin::new(&mut self.put).poll(&mut Context::from_waker(waker)) {
            Poll::Ready(done) => Some(done.map_err(|closed| PutError::closed(closed.into_item()))),
            Poll::Pending => None,
        }
    }
}

impl<B: Store> Op for PutOp<'_, B> {
    type Out = Result<(), PutError<B::Item>>;

    fn take(&mut self) -> Option<Self::Out> {
        self.poll(Waker::noop())
    }

    fn take_or_listen(&mut self, waker: &Waker) -> Option<Self::Out> {
        let done = self.poll(waker);
        self.listens = done.is_none();
        done
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        if std::mem::take(&mut self.listens) {
            return Park::Waits;
        }
        self.poll(waker).map_or(Park::Waits, Park::Ended)
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.item = self.put.take_item();
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::QueuePut
    }
}

impl<B: Store> Future for QueuePut<'_, B> {
    type Output = Result<(), PutError<B::Item>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(done) => done,
            Err(cancelled) => {
                let item = self.0.op_mut().item.take();
                Err(PutError::cancelled(item, cancelled))
            }
        })
    }
}

impl<B: Store> fmt::Debug for QueuePut<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueuePut").field(&self.0.op().put).finish()
    }
}
