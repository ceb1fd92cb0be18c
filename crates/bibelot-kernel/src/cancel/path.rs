//! The path: the frames from the task's root to the code being polled, one stack per thread.
//!
//! A scope's future [`enter`]s its frame, polls its body and takes the frame back from the guard; a
//! panic unwinds through the guard too. The stack keeps its capacity, so scopes cost no allocation.
//! Nobody's code runs while the stack is borrowed.
//!
//! # Invariants
//!
//! - Guards are left in the reverse order of entry; each truncates the stack to its own height.
//! - The `alarm` of each frame is the earliest deadline of an armed limit from the root up to it, and
//!   [`Instant::ZERO`] if a scope up to it has fired: then a parking trap must look closer.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use bibelot_timer::Instant;

use super::frame::{Frame, Kind};
use super::unheard;

thread_local! {
    /// Freed by `free` and not by the thread's end, so that it can be reached to the last.
    static PATH: RefCell<ManuallyDrop<Vec<Frame>>> =
        const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// Looks at the frames around the code being polled, outermost first.
pub(crate) fn look<R>(view: impl FnOnce(&[Frame]) -> R) -> R {
    PATH.with_borrow(|path| view(path))
}

/// Changes the frames around the code being polled.
pub(crate) fn change<R>(change: impl FnOnce(&mut [Frame]) -> R) -> R {
    PATH.with_borrow_mut(|path| change(path))
}

/// The earliest deadline around the code being polled.
pub(crate) fn alarm() -> Instant {
    PATH.with_borrow(|path| path.last().map_or(Instant::FAR, |frame| frame.alarm))
}

/// Notes in every frame around the code being polled that a trap parked here.
pub(crate) fn occupy() {
    change(|path| path.iter_mut().for_each(|frame| frame.occupied = true));
}

/// Puts `frame` on the path until the guard is left or dropped.
///
/// `stamps` gives the next stamp; it is asked when a limit is found to have passed.
pub(crate) fn enter(mut frame: Frame, now: Instant, stamps: impl Fn() -> u64) -> Entered {
    PATH.with_borrow_mut(|path| {
        if frame.id == 0 {
            frame.id = stamps();
            frame.inherit(path);
        }
        let fires = frame.kind == Kind::Limit && frame.fired == 0 && frame.deadline <= now;
        if fires {
            frame.fired = stamps();
        }
        frame.occupied = false;
        frame.alarm = path.last().map_or(Instant::FAR, |outer| outer.alarm);
        if frame.fired != 0 && !frame.silenced {
            frame.alarm = Instant::ZERO;
        } else if frame.kind == Kind::Limit && !frame.silenced {
            frame.alarm = frame.alarm.min(frame.deadline);
        }
        let depth = path.len();
        path.push(frame);
        Entered { depth, fires }
    })
}

/// Begins a path with a task's root frame. What a poll that panicked left is cleared away.
pub(crate) fn push_root(root: Frame) {
    unheard::clear();
    PATH.with_borrow_mut(|path| {
        path.clear();
        path.push(root);
    });
}

/// Ends the path; the root frame with what happened to it.
pub(crate) fn pop_root() -> Option<Frame> {
    PATH.with_borrow_mut(|path| {
        path.truncate(1);
        path.pop()
    })
}

/// Frees the stack's memory, when a thread's kernel ends.
pub(crate) fn free() {
    PATH.with_borrow_mut(|path| drop(std::mem::take(&mut **path)));
}

/// A frame that is on the path.
#[must_use]
pub(crate) struct Entered {
    depth: usize,
    /// The limit was found to have passed at this entry.
    pub fires: bool,
}

impl Entered {
    /// Takes the frame off the path, with what happened to it there.
    pub(crate) fn leave(self) -> Frame {
        PATH.with_borrow_mut(|path| {
            let frame = path[self.depth];
            path.truncate(self.depth);
            frame
        })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // After `leave` this changes nothing; in a panic it takes the frame and all inside it off.
        PATH.with_borrow_mut(|path| path.truncate(self.depth));
    }
}

/// Whether an armed limit that ends no later than `deadline` encloses the innermost frame, with no
/// shield between: its timer serves for both.
pub(crate) fn is_covered(deadline: Instant) -> bool {
    look(|path| {
        let Some((_, outer)) = path.split_last() else {
            return false;
        };
        outer
            .iter()
            .rev()
            .take_while(|frame| frame.kind != Kind::Shield)
            .any(|frame| frame.is_armed() && frame.deadline <= deadline)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn at(ns: u64) -> Instant {
        Instant::from_nanos(ns)
    }

    #[test]
    fn the_alarm_is_the_earliest_deadline_around() {
        let stamp = Cell::new(0);
        let next = || stamp.replace(stamp.get() + 1) + 1;
        let outer = enter(Frame::new(Kind::Limit, at(50)), at(0), next);
        let inner = enter(Frame::new(Kind::Limit, at(90)), at(0), next);
        assert_eq!(alarm(), at(50));
        assert!(is_covered(at(90)) && !is_covered(at(40)));
        assert_eq!(inner.leave().fired, 0);
        let outer = outer.leave();
        assert_eq!(alarm(), Instant::FAR);
        let late = enter(outer, at(50), next);
        assert_ne!(late.leave().fired, 0);
    }

    #[test]
    fn a_panic_takes_the_frames_off() {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let _outer = enter(Frame::new(Kind::Shield, Instant::FAR), at(0), || 1);
            let _inner = enter(Frame::new(Kind::Branch, Instant::FAR), at(0), || 2);
            panic!("in the body");
        }));
        assert!(result.is_err());
        assert_eq!(look(<[Frame]>::len), 0);
    }
}
