//! The chain: the frames around the code being polled, each in its owner's hands.
//!
//! A scope's future lends its frame while it polls its body, by a link on the stack of that poll which names
//! the link outside. Nothing is copied, moved or allocated, and entering and leaving are a few stores.
//!
//! # Invariants
//!
//! - `top` is null, or names a link in the frame of a call of [`Chain::within`] further up this thread's
//!   stack that has not returned; so does each link's `outer`.

#![allow(
    unsafe_code,
    reason = "every poll of a limit comes through here, and a list by value copies each frame in and out"
)]

use std::cell::Cell;
use std::ptr;

use bibelot_timer::Instant;

use super::frame::Frame;

/// A frame that is around the code being polled.
pub(crate) struct Link {
    frame: *const Cell<Frame>,
    outer: *const Self,
    /// The earliest deadline around it.
    pub alarm_outside: Cell<Instant>,
    /// How many traps had parked when this poll entered it.
    pub parks_before: u64,
}

impl Link {
    #[inline]
    pub(crate) fn frame(&self) -> &Cell<Frame> {
        // SAFETY: `within` borrows the frame for as long as the link is there.
        unsafe { &*self.frame }
    }

    /// The link outside.
    #[inline]
    pub(crate) fn outer(&self) -> Option<&Self> {
        // SAFETY: it is null or names a link further up the stack (invariant), which outlives this one.
        unsafe { self.outer.as_ref() }
    }
}

/// The links, from the innermost on.
pub(crate) struct Chain {
    top: Cell<*const Link>,
    /// The earliest deadline around the code being polled.
    pub alarm: Cell<Instant>,
}

impl Chain {
    pub(crate) const fn new() -> Self {
        Self {
            top: Cell::new(ptr::null()),
            alarm: Cell::new(Instant::FAR),
        }
    }

    /// Whether there are none.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.top.get().is_null()
    }

    /// Runs `body` with `frame` as the innermost, and `alarm` as the earliest deadline.
    #[inline(always)]
    pub(crate) fn within<R>(
        &self,
        frame: &Cell<Frame>,
        alarm: Instant,
        parks_before: u64,
        body: impl FnOnce() -> R,
    ) -> R {
        let link = Link {
            frame,
            outer: self.top.get(),
            alarm_outside: Cell::new(self.alarm.replace(alarm)),
            parks_before,
        };
        let _lent = Lent {
            chain: self,
            link: &link,
        };
        self.top.set(&raw const link);
        body()
    }

    /// Looks at the innermost link, and by way of it at all.
    #[inline]
    pub(crate) fn look<R>(&self, view: impl FnOnce(Option<&Link>) -> R) -> R {
        // SAFETY: it is null or names a link further up the stack (invariant), which stays while `view` runs.
        view(unsafe { self.top.get().as_ref() })
    }
}

/// A link that is in the chain; taken out when the poll returns or unwinds.
struct Lent<'a> {
    chain: &'a Chain,
    link: &'a Link,
}

impl Drop for Lent<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.chain.top.set(self.link.outer);
        self.chain.alarm.set(self.link.alarm_outside.get());
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::cancel::frame::Kind;

    fn ids(chain: &Chain) -> Vec<u64> {
        chain.look(|mut link| {
            let mut ids = Vec::new();
            while let Some(inner) = link {
                ids.push(inner.frame().get().id);
                link = inner.outer();
            }
            ids
        })
    }

    fn frame(id: u64) -> Frame {
        let mut frame = Frame::new(Kind::Limit, Instant::FAR);
        frame.id = id;
        frame
    }

    #[test]
    fn frames_are_there_while_their_bodies_run_and_changes_reach_their_owners() {
        let chain = Chain::new();
        let (mut outer, mut inner) = (frame(1), frame(2));
        let never = Instant::FAR;
        chain.within(Cell::from_mut(&mut outer), never, 0, || {
            chain.within(Cell::from_mut(&mut inner), never, 0, || {
                assert_eq!(ids(&chain), [2, 1]);
                chain.look(|link| {
                    let outer = link.and_then(Link::outer).unwrap().frame();
                    outer.set(frame(7));
                });
            });
            assert_eq!(ids(&chain), [7]);
        });
        assert!(chain.is_empty());
        assert_eq!((outer.id, inner.id), (7, 2));
    }

    #[test]
    fn a_panic_takes_the_frames_off() {
        let chain = Chain::new();
        let mut outer = frame(1);
        chain.within(Cell::from_mut(&mut outer), Instant::FAR, 0, || {
            let result = catch_unwind(AssertUnwindSafe(|| {
                let mut inner = frame(2);
                chain.within(Cell::from_mut(&mut inner), Instant::FAR, 0, || {
                    panic!("in the body");
                });
            }));
            assert!(result.is_err());
            assert_eq!(ids(&chain), [1]);
        });
        assert!(chain.is_empty());
    }
}
