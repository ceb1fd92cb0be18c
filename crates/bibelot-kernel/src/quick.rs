//! The quick wait: one that is looked at before anything is set up for waiting.
//!
//! Most waits for a lock, a permit or an item find it there. So the first poll asks the operation and nobody
//! else, in code that is a part of the caller's, and is over with that; all else is a [`Trap`]'s, in functions of
//! their own.
//!
//! # Invariants
//!
//! - It is a trap in all that can be seen: the budget is kept, a request is heard where a trap hears it, and what
//!   an operation holds is dropped when the wait is over.
//! - Once it is over, its operation is dropped and its trap is not touched any more.

#![allow(
    unsafe_code,
    reason = "a trap that is dropped by hand, out of the way of those that were ready"
)]

use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

use crate::budget;
use crate::cancel::Cancelled;
use crate::trap::{Op, Trap};

/// A [`Trap`] for operations that are mostly complete when they are first looked at.
///
/// # Cancellation
///
/// As a trap.
#[must_use = "futures do nothing until polled"]
pub struct Quick<O: Op> {
    stage: Stage,
    /// Dropped by hand: the drop of a trap is too large to be a part of the caller's code, and a call of it for
    /// each wait that was ready costs a third of what the wait does.
    trap: ManuallyDrop<Trap<O>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has ended, and was not cut.
    Over,
    /// Nobody has looked. It is no zero like its neighbours, of which the compiler would make stores that overlap:
    /// across the end of a cache line they cost more than all the rest.
    New,
    /// It is the trap's.
    Trapped,
}

impl<O: Op> Quick<O> {
    /// A wait for `op`; the caller's place is shown to whoever looks at the waiting task.
    #[track_caller]
    #[inline]
    pub fn new(op: O) -> Self {
        Self::at(op, Location::caller())
    }

    /// The same, at a place that was taken earlier.
    #[inline]
    pub const fn at(op: O, site: &'static Location<'static>) -> Self {
        Self {
            stage: Stage::New,
            trap: ManuallyDrop::new(Trap::at(op, site)),
        }
    }

    /// The operation, for futures that hold progress in it; `None` if it has ended otherwise than by being cut.
    pub fn op(&self) -> Option<&O> {
        (self.stage != Stage::Over).then(|| self.trap.op())
    }

    /// The same, to be changed.
    pub fn op_mut(&mut self) -> Option<&mut O> {
        match self.stage {
            Stage::Over => None,
            Stage::New | Stage::Trapped => Some(self.trap.op_mut()),
        }
    }

    /// Ends a wait, if it is not over.
    #[inline]
    fn end(&mut self) {
        if self.stage != Stage::Over {
            self.stage = Stage::Over;
            // SAFETY: nobody touches the trap of a wait that is over, which this was not until now, so this is its
            // only drop.
            unsafe { ManuallyDrop::drop(&mut self.trap) }
        }
    }

    #[inline(never)]
    fn end_unready(&mut self) {
        self.end();
    }

    /// Looks whether it is there, and waits for it if it is not; `has_looked` if somebody has just done the first.
    #[inline(never)]
    fn poll_trap(
        &mut self,
        context: &mut Context<'_>,
        has_looked: bool,
    ) -> Poll<Result<O::Out, Cancelled>> {
        assert!(
            self.stage != Stage::Over,
            "a wait that has returned was polled again"
        );
        self.stage = Stage::Trapped;
        let polled = match has_looked {
            true => self.trap.poll_absent(context, false),
            false => Pin::new(&mut *self.trap).poll(context),
        };
        // Whoever was cut may still be asked for what it had.
        if let Poll::Ready(Ok(_)) = polled {
            self.end();
        }
        polled
    }
}

impl<O: Op> Future for Quick<O> {
    type Output = Result<O::Out, Cancelled>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let has_looked = this.stage == Stage::New && budget::has_some();
        if has_looked && let Some(value) = this.trap.op_mut().take_or_listen(context) {
            budget::spend_some();
            this.stage = Stage::Over;
            // SAFETY: nobody touches the trap of a wait that is over, which this was not until now, so this is the
            // operation's only drop. A trap that was not polled holds nothing else.
            unsafe { ptr::drop_in_place(this.trap.op_mut()) }
            return Poll::Ready(Ok(value));
        }
        this.poll_trap(context, has_looked)
    }
}

impl<O: Op> Drop for Quick<O> {
    #[inline]
    fn drop(&mut self) {
        if self.stage != Stage::Over {
            self.end_unready();
        }
    }
}

impl<O: Op + fmt::Debug> fmt::Debug for Quick<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stage {
            Stage::Over => f.write_str("Quick(over)"),
            Stage::New | Stage::Trapped => f.debug_tuple("Quick").field(&*self.trap).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;
    use std::task::Waker;

    use super::*;
    use crate::trap::{Leave, Park};

    /// Is there after so many looks, counts its drops, and may panic in one.
    struct Held {
        looks: usize,
        drops: Rc<Cell<usize>>,
        panics: bool,
    }

    impl Op for Held {
        type Out = &'static str;

        fn take(&mut self) -> Option<Self::Out> {
            self.looks = self.looks.saturating_sub(1);
            (self.looks == 0).then_some("there")
        }

        fn park(&mut self, _: &Waker) -> Park<Self::Out> {
            Park::Waits
        }

        fn leave(&mut self) -> Leave<Self::Out> {
            Leave::Left
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            self.drops.set(self.drops.get() + 1);
            assert!(!self.panics, "in the drop");
        }
    }

    fn held(looks: usize, panics: bool) -> (Quick<Held>, Rc<Cell<usize>>) {
        let drops = Rc::new(Cell::new(0));
        let op = Held {
            looks,
            drops: drops.clone(),
            panics,
        };
        (Quick::new(op), drops)
    }

    fn poll(wait: &mut Quick<Held>) -> Option<&'static str> {
        let polled = Pin::new(wait).poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(value) => value.ok(),
            Poll::Pending => None,
        }
    }

    #[test]
    fn an_operation_is_dropped_once_and_as_soon_as_it_was_there() {
        let (mut wait, drops) = held(1, false);
        assert_eq!((poll(&mut wait), drops.get()), (Some("there"), 1));
        assert!(wait.op().is_none());
        drop(wait);
        assert_eq!(drops.get(), 1);
    }

    #[test]
    fn an_operation_that_comes_later_is_dropped_then_and_one_that_does_not_with_its_wait() {
        let (wait, drops) = held(1, false);
        drop(wait);
        assert_eq!(drops.get(), 1);
        let (mut wait, drops) = held(9, false);
        assert_eq!((poll(&mut wait), drops.get()), (None, 0));
        drop(wait);
        assert_eq!(drops.get(), 1);
        let (mut wait, drops) = held(2, false);
        assert_eq!((poll(&mut wait), drops.get()), (None, 0));
        assert_eq!((poll(&mut wait), drops.get()), (Some("there"), 1));
        drop(wait);
        assert_eq!(drops.get(), 1);
    }

    #[test]
    fn an_operation_whose_drop_panics_is_dropped_once() {
        let (mut wait, drops) = held(1, true);
        assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut wait))).is_err());
        let again = catch_unwind(AssertUnwindSafe(|| poll(&mut wait)));
        assert!(again.is_err(), "it is over");
        drop(wait);
        assert_eq!(drops.get(), 1);
    }
}
