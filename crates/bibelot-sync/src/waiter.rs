//! The waiter: one future's way through a wait queue.
//!
//! It tries; if that does not end it, it parks; woken, it finds its grant; dropped, it leaves. What
//! trying, being granted and leaving mean is the primitive's, told through [`Turn`]; that a waker is
//! cloned, woken and dropped outside the lock is kept here, once for all of them.
//!
//! # Invariants
//!
//! - A waiter has a ticket exactly while it stands in the queue; its drop takes it out.
//! - Between its last try and its parking the state is not let go, so no change falls in between.

use std::fmt;
use std::mem;
use std::task::{Context, Poll, Waker};

use crate::shell::Shell;
use crate::shell::sealed::{Cell, act};
use crate::wait_queue::{Left, Ticket, WaitQueue};
use crate::wakes::{Wakes, discard};

/// One kind of waiting: what a primitive's state machine does for a waiter.
pub(crate) trait Turn {
    /// The primitive's state.
    type State;
    /// What the waiter asks for, and what it is given.
    type Slot;
    /// What the wait ends with.
    type Out;

    /// The line that these waiters stand in.
    fn line(state: &mut Self::State) -> &mut WaitQueue<Self::Slot>;

    /// What of [`start`](Self::start) is in [`at_once`](Self::at_once).
    const AT_ONCE: AtOnce = AtOnce::Never;

    /// Ends the wait before it begins where that concerns nobody else: no one is to be woken, nothing to be
    /// dropped. It is what most waits come to and a part of the caller's code, so it asks for no more than it
    /// needs, and leaves the rest to [`start`](Self::start).
    #[inline(always)]
    fn at_once(&mut self, state: &mut Self::State) -> Option<Self::Out> {
        let _ = state;
        None
    }

    /// Ends the wait before it begins, if nobody must be waited for.
    fn start(&mut self, state: &mut Self::State, wakes: &mut Wakes) -> Option<Self::Out>;

    /// What to ask for, right after a start that ended nothing.
    fn ask(&mut self, state: &Self::State) -> Self::Slot;

    /// Turns the grant into the end of the wait.
    fn finish(&mut self, state: &mut Self::State, slot: Self::Slot, wakes: &mut Wakes)
    -> Self::Out;

    /// Hands on the grant of a waiter that was dropped before it saw it.
    fn pass_on(&mut self, state: &mut Self::State, slot: Self::Slot, wakes: &mut Wakes);

    /// Sees to those behind a waiter that left while it was parked.
    fn step_out(&mut self, state: &mut Self::State, wakes: &mut Wakes) {
        let _ = (state, wakes);
    }

    /// Takes back what a waiter asked with that left while it was parked.
    fn take_back(&mut self, slot: Self::Slot) {
        drop(slot);
    }
}

/// What of a start is tried in the caller's code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtOnce {
    /// Nothing.
    Never,
    /// What is most common; the rest is to be tried.
    Mostly,
    /// All that can succeed: what did not has to wait, or is refused.
    Wholly,
}

/// A future's place in the line of a primitive.
pub(crate) struct Waiter<'a, S: Shell, K: Turn> {
    pub(crate) cell: &'a S::Cell<K::State>,
    pub(crate) kind: K,
    stage: Stage,
}

enum Stage {
    New,
    Parked(Ticket),
    Done,
}

impl<'a, S: Shell, K: Turn> Waiter<'a, S, K> {
    pub(crate) fn new(cell: &'a S::Cell<K::State>, kind: K) -> Self {
        let stage = Stage::New;
        Self { cell, kind, stage }
    }

    #[inline(always)]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<K::Out> {
        if K::AT_ONCE != AtOnce::Never
            && let Stage::New = self.stage
        {
            let kind = &mut self.kind;
            if let Some(out) = self.cell.with(|kept| kind.at_once(&mut kept.data)) {
                self.stage = Stage::Done;
                return Poll::Ready(out);
            }
        }
        self.poll_slowly(cx.waker())
    }

    /// One way out of the caller's code for all that was not there at once: with two of them, the compiler would
    /// bring back together what it can keep apart.
    #[inline(never)]
    fn poll_slowly(&mut self, waker: &Waker) -> Poll<K::Out> {
        match self.stage {
            Stage::New => self.poll_first(waker),
            Stage::Parked(_) | Stage::Done => self.poll_again(waker),
        }
    }

    #[inline(never)]
    fn poll_first(&mut self, waker: &Waker) -> Poll<K::Out> {
        if K::AT_ONCE != AtOnce::Wholly {
            let kind = &mut self.kind;
            if let Some(out) = act(self.cell, |state, wakes| kind.start(state, wakes)) {
                return self.done(out);
            }
        }
        self.park(waker.clone())
    }

    /// Tries again, since cloning the waker ran code of users, and parks.
    #[inline]
    fn park(&mut self, waker: Waker) -> Poll<K::Out> {
        let kind = &mut self.kind;
        let parked = act(self.cell, |state, wakes| match kind.start(state, wakes) {
            Some(out) => Err((out, waker)),
            None => {
                let slot = kind.ask(state);
                Ok(K::line(state).park(slot, waker))
            }
        });
        match parked {
            Ok(ticket) => {
                self.stage = Stage::Parked(ticket);
                Poll::Pending
            }
            Err((out, waker)) => {
                discard(Some(waker));
                self.done(out)
            }
        }
    }

    #[inline(never)]
    fn poll_again(&mut self, waker: &Waker) -> Poll<K::Out> {
        match self.look(waker) {
            Look::Granted(out) => Poll::Ready(out),
            Look::SameWaker => Poll::Pending,
            Look::OtherWaker => self.poll_with_other(waker),
        }
    }

    #[cold]
    #[inline(never)]
    fn poll_with_other(&mut self, waker: &Waker) -> Poll<K::Out> {
        self.replace_waker(waker.clone());
        // The grant may have come, with a wake of the old waker, while this one was cloned.
        match self.look(waker) {
            Look::Granted(out) => Poll::Ready(out),
            Look::SameWaker | Look::OtherWaker => Poll::Pending,
        }
    }

    #[inline(always)]
    fn look(&mut self, waker: &Waker) -> Look<K::Out> {
        let Stage::Parked(ticket) = &self.stage else {
            panic!("a wait was polled after its end");
        };
        let kind = &mut self.kind;
        let look = act(self.cell, |state, wakes| {
            match K::line(state).leave_if_granted(ticket, waker) {
                Ok(slot) => Look::Granted(kind.finish(state, slot, wakes)),
                Err(true) => Look::SameWaker,
                Err(false) => Look::OtherWaker,
            }
        });
        if let Look::Granted(_) = look {
            self.stage = Stage::Done;
        }
        look
    }

    fn replace_waker(&mut self, waker: Waker) {
        let Stage::Parked(ticket) = &self.stage else {
            unreachable!("only a parked waiter has a waker");
        };
        let spare = act(self.cell, |state, _| {
            K::line(state).replace_waker(ticket, waker)
        });
        discard(Some(spare));
    }

    fn done(&mut self, out: K::Out) -> Poll<K::Out> {
        self.stage = Stage::Done;
        Poll::Ready(out)
    }

    /// Leaves the line for good, handing on what it was granted.
    #[inline]
    pub(crate) fn leave(&mut self) {
        if let Stage::Parked(ticket) = mem::replace(&mut self.stage, Stage::Done) {
            self.leave_line(ticket);
        }
    }

    #[cold]
    #[inline(never)]
    fn leave_line(&mut self, ticket: Ticket) {
        let kind = &mut self.kind;
        let (parked, waker) = act(self.cell, |state, wakes| {
            let Left { value, waker } = K::line(state).leave(ticket);
            if waker.is_some() {
                kind.step_out(state, wakes);
                return (Some(value), waker);
            }
            kind.pass_on(state, value, wakes);
            (None, None)
        });
        if let Some(slot) = parked {
            self.kind.take_back(slot);
        }
        discard(waker);
    }

    /// Leaves the line for good; if it was granted, that is the end of the wait.
    pub(crate) fn settle(&mut self) -> Option<K::Out> {
        let Stage::Parked(ticket) = mem::replace(&mut self.stage, Stage::Done) else {
            return None;
        };
        let kind = &mut self.kind;
        let (out, parked) = act(self.cell, |state, wakes| {
            let left = K::line(state).leave(ticket);
            if left.waker.is_some() {
                kind.step_out(state, wakes);
                return (None, Some(left));
            }
            (Some(kind.finish(state, left.value, wakes)), None)
        });
        if let Some(left) = parked {
            self.kind.take_back(left.value);
            discard(left.waker);
        }
        out
    }

    pub(crate) fn is_parked(&self) -> bool {
        matches!(self.stage, Stage::Parked(_))
    }
}

/// What a poll finds.
enum Look<O> {
    Granted(O),
    SameWaker,
    OtherWaker,
}

impl<S: Shell, K: Turn> Drop for Waiter<'_, S, K> {
    #[inline]
    fn drop(&mut self) {
        self.leave();
    }
}

/// Prints a future by its name and whether it stands in line.
pub(crate) fn print<S: Shell, K: Turn>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    waiter: &Waiter<'_, S, K>,
) -> fmt::Result {
    let mut out = f.debug_struct(name);
    out.field("parked", &waiter.is_parked())
        .finish_non_exhaustive()
}
