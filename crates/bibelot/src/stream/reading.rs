//! Reading: the future that waits at the inbox until its goal is met.
//!
//! It moves what has arrived from the inbox into the front, which is the stream's, so it may be dropped
//! anywhere. A read that could go on for ever, because its peer is as fast as we are, gives way after some
//! rounds.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::io::{Arrival, Object, Receive};
use bibelot_kernel::{Leave, Op, Park, Trap, Wait};

use super::front::Front;
use super::goal::Goal;

/// After so many arrivals in one poll a read lets others run.
const ROUNDS_MAX: u32 = 32;

/// The future of a read; `G` says which.
///
/// # Cancellation
///
/// See the method that made it.
#[must_use = "futures do nothing until polled"]
pub struct Reading<'a, G: Goal<'a>> {
    trap: Trap<ReadOp<'a, G>>,
}

impl<'a, G: Goal<'a>> Reading<'a, G> {
    #[track_caller]
    pub(crate) fn new(object: &'a Object, front: &'a mut Front, goal: G) -> Self {
        Self {
            trap: Trap::new(ReadOp {
                receive: object.receive(),
                object,
                front: Some(front),
                goal,
            }),
        }
    }
}

impl<'a, G: Goal<'a>> Future for Reading<'a, G> {
    type Output = io::Result<G::Out>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let read = ready!(Pin::new(&mut self.trap).poll(context));
        Poll::Ready(read.unwrap_or_else(|cancelled| {
            let told = match self.trap.op().goal.progress() {
                Some(progress) => cancelled.with_progress(progress),
                None => cancelled,
            };
            Err(told.into())
        }))
    }
}

impl<'a, G: Goal<'a> + fmt::Debug> fmt::Debug for Reading<'a, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reading")
            .field(&self.trap.op().goal)
            .finish()
    }
}

/// Waits at the inbox until the goal is met.
struct ReadOp<'a, G> {
    object: &'a Object,
    /// `None` once the result was given.
    front: Option<&'a mut Front>,
    receive: Receive,
    goal: G,
}

impl<'a, G: Goal<'a>> ReadOp<'a, G> {
    fn meet(&mut self) -> Option<io::Result<G::Out>> {
        let is_met = self.goal.is_met(self.front.as_mut()?);
        let front = if is_met { self.front.take() } else { None };
        front.map(|front| self.goal.take(front))
    }

    /// Takes what has arrived; an error of the stream's is the result.
    fn put(&mut self, arrived: io::Result<Option<Arrival>>) -> Option<io::Result<G::Out>> {
        self.receive = self.object.receive();
        let front = self.front.as_mut()?;
        match arrived {
            Ok(Some(Arrival::Bytes(buf))) => front.put(buf),
            Ok(Some(Arrival::Connection(..))) => {
                return Some(Err(io::Error::other("a stream brings no connections")));
            }
            Ok(None) => front.end(),
            Err(error) => return Some(Err(error)),
        }
        self.meet()
    }
}

impl<'a, G: Goal<'a>> Op for ReadOp<'a, G> {
    type Out = io::Result<G::Out>;

    fn take(&mut self) -> Option<Self::Out> {
        if let Some(met) = self.meet() {
            return Some(met);
        }
        // The inbox has a bound, so this ends.
        while let Some(arrived) = self.receive.op_mut().take() {
            if let Some(met) = self.put(arrived) {
                return Some(met);
            }
        }
        None
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        for _ in 0..ROUNDS_MAX {
            match self.receive.op_mut().park(waker) {
                Park::Waits => return Park::Waits,
                Park::Ended(arrived) => {
                    if let Some(met) = self.put(arrived) {
                        return Park::Ended(met);
                    }
                }
            }
        }
        waker.wake_by_ref();
        Park::Waits
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        // What it might have won is in the inbox and stays there.
        let _left = self.receive.op_mut().leave();
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Read
    }
}
