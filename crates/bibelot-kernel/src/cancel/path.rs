//! The path: the frames from the task's root to the code being polled, one stack per kernel.
//!
//! A scope's future [`enter`](Path::enter)s its frame, polls its body and takes the frame back from the
//! guard; a panic unwinds through the guard too. The stack keeps its capacity, so scopes cost no allocation.
//! Nobody's code runs while the stack is borrowed. What every parking trap asks lies beside the stack in
//! cells, so that a task without scopes never touches a frame.
//!
//! # Invariants
//!
//! - Guards are left in the reverse order of entry; each truncates the stack to its own height.
//! - The `alarm` of each frame is the earliest deadline of an armed limit from the root up to it, and
//!   [`Instant::ZERO`] if a scope up to it has fired: then a parking trap must look closer.
//! - The path's own `alarm` is that of the innermost frame, and [`Instant::FAR`] without one.
//! - Between polls the stack holds at most a root that was told nothing.

use std::cell::{Cell, RefCell};

use bibelot_timer::Instant;

use super::frame::{Frame, Kind, Told};
use super::unheard::Unheard;

/// The frames around the code being polled.
pub(crate) struct Path {
    frames: RefCell<Vec<Frame>>,
    alarm: Cell<Instant>,
    /// How often a trap parked, ever.
    parks: Cell<u64>,
    /// The poll under way, whose root is put on the stack when somebody looks for it.
    root: Cell<Root>,
    /// A frame of this poll was told something.
    is_told: Cell<bool>,
    pub unheard: Unheard,
}

/// What is known of a root that nobody has looked for.
#[derive(Clone, Copy)]
struct Root {
    /// The task's number; 0 when the root is on the stack, or there is none.
    number: u64,
    parks_before: u64,
}

const NO_ROOT: Root = Root {
    number: 0,
    parks_before: 0,
};

impl Path {
    pub(crate) const fn new() -> Self {
        Self {
            frames: RefCell::new(Vec::new()),
            alarm: Cell::new(Instant::FAR),
            parks: Cell::new(0),
            root: Cell::new(NO_ROOT),
            is_told: Cell::new(false),
            unheard: Unheard::new(),
        }
    }

    /// Looks at the frames around the code being polled, outermost first.
    pub(crate) fn look<R>(&self, view: impl FnOnce(&[Frame]) -> R) -> R {
        self.put_root();
        view(&self.frames.borrow())
    }

    /// Changes what the frames around the code being polled were told.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut [Frame]) -> R) -> R {
        self.put_root();
        self.is_told.set(true);
        change(&mut self.frames.borrow_mut())
    }

    /// The earliest deadline around the code being polled.
    #[inline]
    pub(crate) fn alarm(&self) -> Instant {
        self.alarm.get()
    }

    /// Notes that a trap parked here, in every frame around the code being polled.
    #[inline]
    pub(crate) fn occupy(&self) {
        self.parks.set(self.parks.get() + 1);
    }

    /// The id of the innermost frame, and whether a trap parked inside during this poll.
    pub(crate) fn innermost(&self) -> Option<(u64, bool)> {
        self.put_root();
        let frames = self.frames.borrow();
        let frame = frames.last()?;
        Some((frame.id, frame.parks_before != self.parks.get()))
    }

    /// Puts `frame` on the path until the guard is left or dropped.
    ///
    /// `stamps` gives the next stamp; it is asked when a limit is found to have passed.
    #[inline]
    pub(crate) fn enter(
        &self,
        mut frame: Frame,
        now: Instant,
        stamps: impl Fn() -> u64,
    ) -> Entered<'_> {
        self.put_root();
        let mut frames = self.frames.borrow_mut();
        if frame.id == 0 {
            frame.id = stamps();
            frame.inherit(&frames);
        }
        let fires = frame.kind == Kind::Limit && frame.fired == 0 && frame.deadline <= now;
        if fires {
            frame.fired = stamps();
        }
        frame.parks_before = self.parks.get();
        frame.alarm = frame.alarm_inside(self.alarm.get());
        self.alarm.set(frame.alarm);
        let depth = frames.len();
        frames.push(frame);
        Entered {
            path: self,
            depth,
            fires,
        }
    }

    /// Gives a frame that was never entered its id, and what it takes from the frames around it, before
    /// it is entered here.
    pub(crate) fn name(&self, frame: &mut Frame, stamps: impl Fn() -> u64) {
        self.put_root();
        frame.id = stamps();
        frame.inherit(&self.frames.borrow());
    }

    /// Moves the deadline of the limit `id`, if that is on the path. One that has fired or was silenced
    /// stays as it is.
    pub(crate) fn move_limit(
        &self,
        id: u64,
        deadline: Instant,
        now: Instant,
        stamps: impl Fn() -> u64,
    ) -> Moved {
        let mut frames = self.frames.borrow_mut();
        let Some(place) = frames.iter().position(|frame| frame.id == id) else {
            return Moved::Absent;
        };
        let limit = &mut frames[place];
        if !limit.is_armed() {
            return Moved::Here;
        }
        limit.deadline = deadline;
        if deadline <= now {
            limit.fired = stamps();
        }
        let has_fired = limit.fired != 0;
        let mut alarm = match place.checked_sub(1) {
            Some(outer) => frames[outer].alarm,
            None => Instant::FAR,
        };
        for frame in &mut frames[place..] {
            frame.alarm = frame.alarm_inside(alarm);
            alarm = frame.alarm;
        }
        self.alarm.set(alarm);
        if has_fired { Moved::Fired } else { Moved::Here }
    }

    /// Begins a path with a task's root. What a poll that panicked left is cleared away.
    #[inline]
    pub(crate) fn begin(&self, number: u64, told: Option<Told>) {
        self.unheard.clear();
        self.alarm.set(Instant::FAR);
        self.root.set(Root {
            number,
            parks_before: self.parks.get(),
        });
        if let Some(told) = told {
            self.change(|frames| frames[0].set_told(told));
        }
    }

    /// Puts the root of the poll under way on the stack, if it is not there.
    #[inline]
    fn put_root(&self) {
        let root = self.root.replace(NO_ROOT);
        if root.number == 0 {
            return;
        }
        let mut frames = self.frames.borrow_mut();
        frames.truncate(1);
        if frames.is_empty() {
            frames.push(Frame::root(root.number));
        }
        frames[0].set_root(root.number);
        frames[0].parks_before = root.parks_before;
    }

    /// Ends the path; what the root was told, if it was told anything.
    #[inline]
    pub(crate) fn end(&self) -> Option<Told> {
        self.is_told.get().then(|| self.take_told())
    }

    fn take_told(&self) -> Told {
        self.is_told.set(false);
        let mut frames = self.frames.borrow_mut();
        let told = frames.first().map(Frame::told).unwrap_or_default();
        frames.clear();
        told
    }

    fn leave(&self, depth: usize) -> Option<Frame> {
        let mut frames = self.frames.borrow_mut();
        let frame = frames.get(depth).copied();
        frames.truncate(depth);
        let outer = frames.last().map_or(Instant::FAR, |outer| outer.alarm);
        self.alarm.set(outer);
        frame
    }

    /// Whether an armed limit that ends no later, and cannot be moved, encloses the innermost frame, with
    /// no shield between: its timer serves for both.
    pub(crate) fn is_covered(&self) -> bool {
        self.look(|path| {
            let Some((innermost, outer)) = path.split_last() else {
                return false;
            };
            let deadline = innermost.deadline;
            if outer.last().is_none_or(|frame| frame.alarm > deadline) {
                return false;
            }
            outer
                .iter()
                .rev()
                .take_while(|frame| frame.kind != Kind::Shield)
                .any(|frame| frame.is_armed() && !frame.is_movable && frame.deadline <= deadline)
        })
    }
}

/// What came of [`Path::move_limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Moved {
    /// It is not around the code being polled.
    Absent,
    /// It is, and what is parked inside has nothing to hear.
    Here,
    /// It has expired by this.
    Fired,
}

/// A frame that is on the path.
#[must_use]
pub(crate) struct Entered<'a> {
    path: &'a Path,
    depth: usize,
    /// The limit was found to have passed at this entry.
    pub fires: bool,
}

impl Entered<'_> {
    /// Takes the frame off the path, with what happened to it there.
    #[inline]
    pub(crate) fn leave(self) -> Frame {
        let left = self.path.leave(self.depth);
        std::mem::forget(self);
        left.expect("what was entered is there until it is left")
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        // A panic: it takes the frame and all inside it off.
        self.path.leave(self.depth);
    }
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
        let path = Path::new();
        let outer = path.enter(Frame::new(Kind::Limit, at(50)), at(0), next);
        let inner = path.enter(Frame::new(Kind::Limit, at(90)), at(0), next);
        assert_eq!(path.alarm(), at(50));
        assert!(path.is_covered());
        let innermost = path.enter(Frame::new(Kind::Limit, at(40)), at(0), next);
        assert!(!path.is_covered());
        assert_eq!(innermost.leave().fired, 0);
        assert_eq!(inner.leave().fired, 0);
        let outer = outer.leave();
        assert_eq!(path.alarm(), Instant::FAR);
        let late = path.enter(outer, at(50), next);
        assert_ne!(late.leave().fired, 0);
    }

    #[test]
    fn a_limit_that_moves_takes_the_alarms_inside_along() {
        let path = Path::new();
        let outer = path.enter(Frame::new(Kind::Limit, at(50)), at(0), || 1);
        let shield = path.enter(Frame::new(Kind::Shield, Instant::FAR), at(0), || 2);
        let inner = path.enter(Frame::new(Kind::Limit, at(90)), at(0), || 3);
        assert_eq!(path.move_limit(9, at(5), at(1), || 9), Moved::Absent);
        assert_eq!(path.move_limit(1, at(200), at(1), || 9), Moved::Here);
        assert_eq!(path.alarm(), at(90));
        assert_eq!(path.move_limit(3, Instant::FAR, at(1), || 9), Moved::Here);
        assert_eq!(path.alarm(), at(200));
        assert_eq!(path.move_limit(3, at(1), at(1), || 9), Moved::Fired);
        assert_eq!(path.move_limit(3, at(70), at(1), || 9), Moved::Here);
        assert_eq!((inner.leave().fired, path.alarm()), (9, at(200)));
        assert_eq!(shield.leave().alarm, at(200));
        assert_eq!(outer.leave().deadline, at(200));
    }

    #[test]
    fn a_panic_takes_the_frames_off() {
        let path = Path::new();
        let result = catch_unwind(AssertUnwindSafe(|| {
            let _outer = path.enter(Frame::new(Kind::Shield, Instant::FAR), at(0), || 1);
            let _inner = path.enter(Frame::new(Kind::Branch, Instant::FAR), at(0), || 2);
            panic!("in the body");
        }));
        assert!(result.is_err());
        assert_eq!(path.look(<[Frame]>::len), 0);
    }
}
