//! The path: the scopes around the code being polled, from its task's root on.
//!
//! A scope's future lends its frame to the [`Chain`] while it polls its body. What every parking trap asks
//! lies beside the chain in cells, so that a task without scopes never touches a frame; whoever has to look
//! closer gets the frames in a row, outermost first, and what is changed there goes back to their owners.
//!
//! # Invariants
//!
//! - The `alarm` is the earliest deadline of an armed limit around the code being polled, [`Instant::FAR`]
//!   without one, and [`Instant::ZERO`] if a scope there has fired: then a parking trap must look closer.
//! - A root exists only in what [`look`](Path::look) shows; what it was told is kept apart.

use std::cell::{Cell, RefCell};

use bibelot_timer::Instant;

use super::chain::{Chain, Link};
use super::frame::{Frame, Kind, Told};
use super::unheard::Unheard;

/// The scopes around the code being polled.
pub(crate) struct Path {
    chain: Chain,
    /// How often a trap parked, ever.
    parks: Cell<u64>,
    root: Cell<Root>,
    /// What the root was told, if it was told anything.
    told: Cell<Option<Told>>,
    /// Where the frames are put in a row.
    row: RefCell<Vec<Frame>>,
    pub unheard: Unheard,
}

/// The task that is being polled.
#[derive(Clone, Copy)]
struct Root {
    /// Its number; 0 if there was none yet.
    number: u64,
    parks_before: u64,
}

impl Path {
    pub(crate) const fn new() -> Self {
        Self {
            chain: Chain::new(),
            parks: Cell::new(0),
            root: Cell::new(Root {
                number: 0,
                parks_before: 0,
            }),
            told: Cell::new(None),
            row: RefCell::new(Vec::new()),
            unheard: Unheard::new(),
        }
    }

    /// Looks at the frames around the code being polled, outermost first.
    pub(crate) fn look<R>(&self, view: impl FnOnce(&[Frame]) -> R) -> R {
        let row = &mut *self.row.borrow_mut();
        self.put_in_a_row(row);
        view(row)
    }

    /// Changes what the frames around the code being polled were told.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut [Frame]) -> R) -> R {
        let row = &mut *self.row.borrow_mut();
        self.put_in_a_row(row);
        let changed = change(row);
        let mut frames = row.iter().rev();
        self.chain.look(|mut link| {
            while let Some(inner) = link
                && let Some(frame) = frames.next()
            {
                inner.frame().set(*frame);
                link = inner.outer();
            }
        });
        if let Some(root) = frames.next() {
            self.told.set(Some(root.told()));
        }
        changed
    }

    fn put_in_a_row(&self, row: &mut Vec<Frame>) {
        row.clear();
        self.chain.look(|mut link| {
            while let Some(inner) = link {
                row.push(inner.frame().get());
                link = inner.outer();
            }
        });
        row.extend(self.root());
        row.reverse();
    }

    fn root(&self) -> Option<Frame> {
        let number = self.root.get().number;
        let mut root = (number != 0).then(|| Frame::root(number))?;
        root.set_told(self.told.get().unwrap_or_default());
        Some(root)
    }

    /// The earliest deadline around the code being polled.
    #[inline]
    pub(crate) fn alarm(&self) -> Instant {
        self.chain.alarm.get()
    }

    /// Notes that a trap parked here, in every frame around the code being polled.
    #[inline]
    pub(crate) fn occupy(&self) {
        self.parks.set(self.parks.get() + 1);
    }

    /// The id of the innermost frame, and whether a trap parked inside during this poll.
    pub(crate) fn innermost(&self) -> Option<(u64, bool)> {
        let parks = self.parks.get();
        let scope = self.chain.look(|link| {
            let link = link?;
            Some((link.frame().get().id, link.parks_before != parks))
        });
        scope.or_else(|| Some((self.root()?.id, self.root.get().parks_before != parks)))
    }

    /// Makes a frame ready to be put around a body here: named, if it is entered for the first time, and
    /// fired, if it is a limit that is found to have passed; whether it fired by that.
    ///
    /// `stamps` gives the next stamp.
    #[inline]
    pub(crate) fn prepare(
        &self,
        frame: &mut Frame,
        now: Instant,
        stamps: impl Fn() -> u64,
    ) -> bool {
        if frame.id == 0 {
            self.name(frame, &stamps);
        }
        let fires = frame.kind == Kind::Limit && frame.fired == 0 && frame.deadline <= now;
        if fires {
            frame.fired = stamps();
        }
        fires
    }

    /// Gives a frame that was never entered its id, and what it takes from the frames around it, before
    /// it is entered here.
    #[inline]
    pub(crate) fn name(&self, frame: &mut Frame, stamps: impl Fn() -> u64) {
        frame.id = stamps();
        if !self.chain.is_empty() || self.told.get().is_some() {
            self.inherit(frame);
        }
    }

    #[inline(never)]
    fn inherit(&self, frame: &mut Frame) {
        let root = self.root();
        let (level, branch) = self.chain.look(|link| {
            let find = |is_it: fn(&Frame) -> bool| {
                let mut link = link;
                while let Some(inner) = link {
                    let around = inner.frame().get();
                    if is_it(&around) {
                        return Some(around);
                    }
                    link = inner.outer();
                }
                root
            };
            (find(Frame::is_level), find(Frame::is_branch))
        });
        if let Some(level) = level {
            frame.inherit(&level, &branch.unwrap_or(level));
        }
    }

    /// Runs `body` inside a frame that was [made ready](Self::prepare).
    #[inline(always)]
    pub(crate) fn within<R>(&self, frame: &mut Frame, body: impl FnOnce() -> R) -> R {
        let alarm = frame.alarm_inside(self.alarm());
        let frame = Cell::from_mut(frame);
        self.chain.within(frame, alarm, self.parks.get(), body)
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
        self.chain.look(|top| {
            let mut found = top;
            while let Some(link) = found
                && link.frame().get().id != id
            {
                found = link.outer();
            }
            let (Some(top), Some(link)) = (top, found) else {
                return Moved::Absent;
            };
            let mut limit = link.frame().get();
            if !limit.is_armed() {
                return Moved::Here;
            }
            limit.deadline = deadline;
            if deadline <= now {
                limit.fired = stamps();
            }
            link.frame().set(limit);
            self.chain.alarm.set(alarm_from(top, link));
            if limit.fired != 0 {
                Moved::Fired
            } else {
                Moved::Here
            }
        })
    }

    /// Begins a path with a task's root. What a poll that panicked left is cleared away.
    #[inline]
    pub(crate) fn begin(&self, number: u64) {
        self.unheard.clear();
        self.chain.alarm.set(Instant::FAR);
        self.root.set(Root {
            number,
            parks_before: self.parks.get(),
        });
        self.told.set(None);
    }

    /// What the root was told in earlier polls.
    pub(crate) fn set_told(&self, told: Option<Told>) {
        self.told.set(told);
    }

    /// Ends the path; what the root was told, if it was told anything.
    #[inline]
    pub(crate) fn end(&self) -> Option<Told> {
        self.told.get()
    }

    /// Whether a trap parked inside the innermost scope during this poll.
    #[inline]
    pub(crate) fn is_occupied(&self) -> bool {
        let parks = self.parks.get();
        let scope = |link: Option<&Link>| link.is_some_and(|link| link.parks_before != parks);
        self.chain.look(scope)
    }

    /// Whether an armed limit that ends no later, and cannot be moved, encloses the innermost frame, with
    /// no shield between: its timer serves for both.
    #[inline]
    pub(crate) fn is_covered(&self) -> bool {
        self.chain.look(|link| {
            let Some(link) = link else { return false };
            let deadline = link.frame().get().deadline;
            link.alarm_outside.get() <= deadline && is_covered(link.outer(), deadline)
        })
    }
}

/// Whether one of these frames has a timer that serves for `deadline` too.
#[inline(never)]
fn is_covered(mut link: Option<&Link>, deadline: Instant) -> bool {
    while let Some(around) = link {
        let frame = around.frame().get();
        if frame.kind == Kind::Shield {
            return false;
        }
        if frame.is_armed() && !frame.is_movable && frame.deadline <= deadline {
            return true;
        }
        link = around.outer();
    }
    false
}

/// The earliest deadline inside `link`, when that of `changed`, which is it or is around it, has moved.
fn alarm_from(link: &Link, changed: &Link) -> Instant {
    if !std::ptr::eq(link, changed)
        && let Some(outer) = link.outer()
    {
        link.alarm_outside.set(alarm_from(outer, changed));
    }
    link.frame().get().alarm_inside(link.alarm_outside.get())
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

#[cfg(test)]
mod tests;
