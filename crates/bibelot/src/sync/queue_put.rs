//! The wait for room in a queue, with the item to put.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::{Leave, Op, Park, Quick, Wait};
use bibelot_sync::PutError as Refused;
use bibelot_sync::generic::{Put, Shell, Store};

use super::error::PutError;

/// The future of [`Queue::put`](super::Queue::put).
#[must_use = "futures do nothing until polled"]
pub struct QueuePut<'a, B: Store + 'a, S: Shell>(Quick<PutOp<'a, B, S>>);

impl<'a, B: Store, S: Shell> QueuePut<'a, B, S> {
    #[inline]
    pub(super) fn at(wait: Wait, put: Put<'a, B, S>, site: &'static Location<'static>) -> Self {
        let op = PutOp {
            put,
            item: None,
            listens: false,
            wait,
        };
        Self(Quick::at(op, site))
    }
}

struct PutOp<'a, B: Store + 'a, S: Shell> {
    put: Put<'a, B, S>,
    /// The item, once the put was left.
    item: Option<B::Item>,
    /// The look just taken left the waker that `park` is to leave.
    listens: bool,
    wait: Wait,
}

/// The item is never pinned.
impl<B: Store, S: Shell> Unpin for PutOp<'_, B, S> {}

impl<B: Store, S: Shell> PutOp<'_, B, S> {
    #[inline(always)]
    fn poll_here(&mut self, context: &mut Context<'_>) -> Option<Result<(), Refused<B::Item>>> {
        match Pin::new(&mut self.put).poll(context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    #[inline(never)]
    fn poll(&mut self, waker: &Waker) -> Option<Result<(), Refused<B::Item>>> {
        self.poll_here(&mut Context::from_waker(waker))
    }
}

impl<B: Store, S: Shell> Op for PutOp<'_, B, S> {
    type Out = Result<(), Refused<B::Item>>;

    fn take(&mut self) -> Option<Self::Out> {
        self.poll(Waker::noop())
    }

    /// What most puts come to, and so a part of the caller's code.
    #[inline(always)]
    fn take_or_listen(&mut self, context: &mut Context<'_>) -> Option<Self::Out> {
        let done = self.poll_here(context);
        if done.is_none() {
            self.listens = true;
        }
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
        match self.item {
            Some(_) => Leave::Left,
            // A getter of a rendezvous took it since the last look.
            None => Leave::Won(Ok(())),
        }
    }

    fn wait(&self) -> Wait {
        self.wait
    }
}

impl<B: Store, S: Shell> Future for QueuePut<'_, B, S> {
    type Output = Result<(), PutError<B::Item>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refused)) => Err(refused.into()),
            Err(cancelled) => {
                let item = self.0.op_mut().and_then(|op| op.item.take());
                Err(PutError::cancelled(item, cancelled))
            }
        })
    }
}

impl<B: Store, S: Shell> fmt::Debug for QueuePut<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let put = self.0.op().map(|op| &op.put);
        f.debug_tuple("QueuePut").field(&put).finish()
    }
}
