//! The trap: the one way in which code waits, and the only place where a request is delivered.
//!
//! Whatever can wait is an [`Op`]: something that can be taken when it is there, that can leave a waker
//! behind, and that can be left. A [`Trap`] drives one by the rules of cancellation: a completed
//! operation wins, always; a request that is due is told to the scopes around and returned as
//! [`Cancelled`]; what is on its way to the world and cannot be left at once is drained first.
//!
//! # Invariants
//!
//! - A trap returns once.
//! - A trap that is ready takes no look at the kernel.
//! - A parked trap whose poll's waker is not the task's own is in its task's foreign list until it
//!   returns or is dropped.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::budget;
use crate::cancel::{Cancelled, Parking, Request, Spot};
use crate::core::Core;
use crate::current::Parked;
use crate::home;
use crate::record::Wait;

/// Something that can be waited for: all that a new blocking operation has to say.
///
/// No method is called again after one of them gave the result.
pub trait Op: Unpin {
    /// What it gives.
    type Out;

    /// Takes the result if it is there. Called at every poll, first.
    fn take(&mut self) -> Option<Self::Out>;

    /// The same, for operations that are futures: to look whether they are there leaves a waker behind. A
    /// call of [`park`](Self::park) follows, unless a result was there or a request is due.
    fn take_or_listen(&mut self, context: &mut Context<'_>) -> Option<Self::Out> {
        let _ = context;
        self.take()
    }

    /// Leaves `waker` behind, to be woken when [`take`](Self::take) may have something. Called again
    /// when the trap is polled again; the newest waker counts.
    fn park(&mut self, waker: &Waker) -> Park<Self::Out>;

    /// The same, for an operation that needs the kernel and would have to look for it.
    #[doc(hidden)]
    #[inline]
    fn park_here(&mut self, here: Here<'_>, waker: &Waker) -> Park<Self::Out> {
        let _ = here;
        self.park(waker)
    }

    /// Takes itself back, handing its turn on. Also called on an operation that never parked.
    fn leave(&mut self) -> Leave<Self::Out>;

    /// How an operation that answered [`Leave::Draining`] ended. The waker is left by
    /// [`park`](Self::park).
    fn drained(&mut self) -> Drained<Self::Out> {
        Drained::NoEffect
    }

    /// What it waits for, for whoever looks at the task.
    fn wait(&self) -> Wait {
        Wait::Other
    }
}

/// The kernel of this thread, at hand.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Here<'a>(pub(crate) &'a Rc<Core>);

impl fmt::Debug for Here<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Here").field(&self.0.id).finish()
    }
}

/// What came of [`Op::park`].
#[derive(Debug)]
#[must_use]
pub enum Park<T> {
    /// The waker was left behind.
    Waits,
    /// It ended on the spot.
    Ended(T),
}

/// What came of [`Op::leave`].
#[derive(Debug)]
#[must_use]
pub enum Leave<T> {
    /// It had no effect and will have none.
    Left,
    /// It had been granted already.
    Won(T),
    /// It is on its way to the world and its end must be awaited.
    Draining,
}

/// What came of [`Op::drained`].
#[derive(Debug)]
#[must_use]
pub enum Drained<T> {
    /// It still runs.
    Running,
    /// It took effect.
    Done(T),
    /// It ended without effect.
    NoEffect,
    /// It did not end in time: it may still take effect.
    Unknown,
}

/// A leaf future that can wait, and be asked to stop.
///
/// # Cancellation
///
/// Asked to stop, it returns [`Cancelled`] and has had no effect, unless the operation documents
/// otherwise; a result that was there already is returned instead, and the request stays due. Dropped,
/// it leaves what it waited for.
#[must_use = "futures do nothing until polled"]
pub struct Trap<O: Op> {
    op: O,
    /// Says also whether it is new, drains or has returned.
    parking: Parking,
    site: &'static Location<'static>,
}

impl<O: Op> Trap<O> {
    /// A trap around `op`; the caller's place is shown to whoever looks at the waiting task.
    #[track_caller]
    #[inline]
    pub fn new(op: O) -> Self {
        Self::at(op, Location::caller())
    }

    /// The same, at a place that was taken earlier.
    #[inline]
    pub const fn at(op: O, site: &'static Location<'static>) -> Self {
        Self {
            op,
            parking: Parking::own(Spot::NEW),
            site,
        }
    }

    /// The operation, for futures that hold progress in it.
    pub fn op(&self) -> &O {
        &self.op
    }

    /// The operation, for futures that hold progress in it.
    #[inline]
    pub fn op_mut(&mut self) -> &mut O {
        &mut self.op
    }

    /// While `value` is held here nothing is called that could unwind, so that it stays in registers:
    /// written to memory as two words and read back as one, it would stall the processor.
    #[inline(always)]
    fn end<T>(&mut self, value: T) -> Poll<T> {
        if self.parking.aside.is_some() {
            return self.end_aside(value);
        }
        self.parking.spot = Spot::GONE;
        Poll::Ready(value)
    }

    /// The same for one that has to be taken off a list.
    #[cold]
    #[inline(never)]
    fn end_aside<T>(&mut self, value: T) -> Poll<T> {
        self.parking = Parking::own(Spot::GONE);
        Poll::Ready(value)
    }

    /// Looks whether it is there: all that most polls come to, and so a part of the caller's code.
    #[inline]
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<Result<O::Out, Cancelled>> {
        let is_used_up = budget::is_used_up(self.parking.is_new());
        if !is_used_up && let Some(value) = self.op.take_or_listen(context) {
            budget::spend();
            return self.end(Ok(value));
        }
        self.poll_absent(context, is_used_up)
    }

    /// The look has found nothing, or was not to be taken.
    #[inline(never)]
    pub(crate) fn poll_absent(
        &mut self,
        context: &Context<'_>,
        is_used_up: bool,
    ) -> Poll<Result<O::Out, Cancelled>> {
        match home::with(|core| self.poll_parking(core, context, is_used_up)) {
            Some(polled) => polled,
            None => self.park_alone(context),
        }
    }

    /// The operation is not complete, or counts as if it were not.
    #[inline]
    fn poll_parking(
        &mut self,
        core: &Rc<Core>,
        context: &Context<'_>,
        is_used_up: bool,
    ) -> Poll<Result<O::Out, Cancelled>> {
        if let Some(request) = core.due(self.parking.parked()) {
            // Also one that never parked leaves: to look whether it is complete may have put it in line.
            match self.op.leave() {
                Leave::Left => return self.cancelled(core, request),
                Leave::Won(value) => return self.end(Ok(value)),
                Leave::Draining => {
                    if self.parking.is_new() {
                        self.parking.spot = core.spot();
                    }
                    self.parking.aside.get_or_insert_default().asked = Some(request);
                    return self.poll_draining(core, context);
                }
            }
        }
        core.path.occupy();
        if is_used_up {
            context.waker().wake_by_ref();
        } else if let Park::Ended(value) = self.op.park_here(Here(core), context.waker()) {
            budget::spend();
            return self.end(Ok(value));
        }
        if self.parking.is_new() && core.current.is_own(context.waker()) {
            core.note_wait(self.parked(core, true));
            self.parking.spot = core.spot();
        } else {
            self.park_again(core, context);
        }
        Poll::Pending
    }

    /// Not for the first time, or with a waker of its own.
    #[inline(never)]
    fn park_again(&mut self, core: &Rc<Core>, context: &Context<'_>) {
        let mut parked = self.parked(core, false);
        core.park(&mut self.parking, context.waker(), Some(parked));
        parked.is_own = self.parking.is_own();
        core.note_wait(parked);
    }

    #[cold]
    fn poll_late(&mut self, context: &Context<'_>) -> Poll<Result<O::Out, Cancelled>> {
        assert!(
            self.parking.is_draining(),
            "a trap that has returned was polled again"
        );
        match home::with(|core| self.poll_draining(core, context)) {
            Some(polled) => polled,
            None => self.park_alone(context),
        }
    }

    fn poll_draining(
        &mut self,
        core: &Rc<Core>,
        context: &Context<'_>,
    ) -> Poll<Result<O::Out, Cancelled>> {
        match self.op.drained() {
            Drained::Running => {
                core.path.occupy();
                if let Park::Ended(value) = self.op.park(context.waker()) {
                    return self.end(Ok(value));
                }
                self.park_again(core, context);
                Poll::Pending
            }
            Drained::Done(value) => self.end(Ok(value)),
            ended @ (Drained::NoEffect | Drained::Unknown) => {
                let asked = self
                    .parking
                    .aside
                    .as_mut()
                    .and_then(|aside| aside.asked.take());
                let request = core.due(Some(self.parking.spot)).or(asked);
                let request = request.expect("what drains was asked to stop");
                let mut told = core.tell(request);
                if matches!(ended, Drained::Unknown) {
                    told = told.with_outcome_unknown();
                }
                self.end(Err(told))
            }
        }
    }

    #[inline]
    fn parked(&self, core: &Core, is_own: bool) -> Parked {
        Parked {
            wait: self.op.wait(),
            site: self.site,
            alarm: core.path.alarm(),
            is_own,
        }
    }

    fn cancelled(&mut self, core: &Rc<Core>, request: Request) -> Poll<Result<O::Out, Cancelled>> {
        let told = core.tell(request);
        self.end(Err(told))
    }

    /// Under an executor that is not ours nobody can ask, so there is nothing to tell.
    fn park_alone(&mut self, context: &Context<'_>) -> Poll<Result<O::Out, Cancelled>> {
        match self.op.park(context.waker()) {
            Park::Waits => {
                if self.parking.is_new() {
                    self.parking.spot = Spot::NOWHERE;
                }
                Poll::Pending
            }
            Park::Ended(value) => self.end(Ok(value)),
        }
    }
}

impl<O: Op> Future for Trap<O> {
    type Output = Result<O::Out, Cancelled>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.parking.spot == Spot::GONE || this.parking.is_draining() {
            this.poll_late(context)
        } else {
            this.poll_open(context)
        }
    }
}

impl<O: Op + fmt::Debug> fmt::Debug for Trap<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.parking {
            parking if parking.is_new() => "new",
            parking if parking.spot == Spot::GONE => "gone",
            parking if parking.is_draining() => "draining",
            _ => "parked",
        };
        f.debug_struct("Trap")
            .field("op", &self.op)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
