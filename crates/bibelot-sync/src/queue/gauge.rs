//! The gauge: waits until so many items lie in a queue, or so few.
//!
//! Gauges and [bells](super::bell) look at a queue from outside. They lie in a box of their own, so that a queue
//! that nobody looks at pays one branch for them.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::bell::Bells;
use super::error::Closed;
use super::state::State;
use super::{Queue, Store};
use crate::shell::Shell;
use crate::wait_queue::WaitQueue;
use crate::waiter::{self, Turn, Waiter};
use crate::wakes::Wakes;

/// Those who look at a queue from outside.
#[derive(Default)]
pub(super) struct Outside {
    pub bells: Bells,
    pub gauges: WaitQueue<Gauge>,
}

/// The lengths that somebody waits for.
#[derive(Clone, Copy)]
pub(super) struct Gauge {
    least: usize,
    most: usize,
    end: Option<Result<usize, Closed>>,
}

impl Gauge {
    fn new(range: impl RangeBounds<usize>) -> Self {
        let least = match range.start_bound() {
            Bound::Unbounded => Some(0),
            Bound::Included(least) => Some(*least),
            Bound::Excluded(below) => below.checked_add(1),
        };
        let most = match range.end_bound() {
            Bound::Unbounded => Some(usize::MAX),
            Bound::Included(most) => Some(*most),
            Bound::Excluded(above) => above.checked_sub(1),
        };
        match (least, most) {
            (Some(least), Some(most)) if least <= most => {
                let end = None;
                Self { least, most, end }
            }
            _ => panic!("no length is in an empty range"),
        }
    }

    /// Whether the wait is over, with so many items in the queue, where there can be at most `reach`.
    fn look(&mut self, len: usize, reach: usize) -> bool {
        if (self.least..=self.most).contains(&len) {
            self.end = Some(Ok(len));
        } else if reach < self.least {
            self.end = Some(Err(Closed));
        }
        self.end.is_some()
    }
}

impl Outside {
    /// Looks how it is after a change.
    pub(super) fn look(&mut self, is_readable: bool, len: usize, reach: usize, wakes: &mut Wakes) {
        self.bells.set(is_readable, wakes);
        let over = |gauge: &mut Gauge| gauge.look(len, reach);
        self.gauges.grant_those(wakes, over);
    }
}

impl<B: Store, S: Shell> Queue<B, S> {
    /// Waits until the [length](Self::len) is in `range`, and returns it; at once, if it is so now. By then it
    /// may have changed again.
    ///
    /// ```
    /// use bibelot_sync::Queue;
    /// use std::thread;
    ///
    /// let queue = Queue::unbounded();
    /// let packing = thread::spawn({
    ///     let queue = queue.clone();
    ///     move || {
    ///         queue.until_len_blocking(12..).unwrap();
    ///         queue.drain().count()
    ///     }
    /// });
    /// (1..=12).for_each(|egg| queue.try_put(egg).unwrap());
    /// queue.until_len_blocking(..=0).unwrap();
    /// assert_eq!(packing.join().unwrap(), 12);
    /// ```
    ///
    /// # Errors
    ///
    /// [`Closed`], when the queue is closed and will not have so many items any more.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves the queue as it is.
    ///
    /// # Panics
    ///
    /// When the range is empty.
    pub fn until_len(&self, range: impl RangeBounds<usize>) -> UntilLen<'_, B, S> {
        let (gauge, of) = (Gauge::new(range), PhantomData);
        UntilLen(Waiter::new(&self.cell, UntilIn { gauge, of }))
    }
}

/// The wait for a length, made by [`Queue::until_len`].
#[must_use = "a future does nothing until it is polled"]
pub struct UntilLen<'a, B: Store, S: Shell>(Waiter<'a, S, UntilIn<B>>);

struct UntilIn<B> {
    gauge: Gauge,
    of: PhantomData<fn() -> B>,
}

impl<B: Store> Turn for UntilIn<B> {
    type State = State<B>;
    type Slot = Gauge;
    type Out = Result<usize, Closed>;

    fn line(state: &mut State<B>) -> &mut WaitQueue<Gauge> {
        &mut state.outside.get_or_insert_default().gauges
    }

    fn start(&mut self, state: &mut State<B>, _: &mut Wakes) -> Option<Self::Out> {
        self.gauge.look(state.len(), state.reach());
        self.gauge.end
    }

    fn ask(&mut self, _: &State<B>) -> Gauge {
        self.gauge
    }

    fn finish(&mut self, _: &mut State<B>, gauge: Gauge, _: &mut Wakes) -> Self::Out {
        gauge.end.unwrap_or(Err(Closed))
    }

    fn pass_on(&mut self, _: &mut State<B>, _: Gauge, _: &mut Wakes) {}
}

impl<B: Store, S: Shell> Future for UntilLen<'_, B, S> {
    type Output = Result<usize, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll(cx)
    }
}

impl<B: Store, S: Shell> fmt::Debug for UntilLen<'_, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        waiter::print(f, "UntilLen", &self.0)
    }
}
