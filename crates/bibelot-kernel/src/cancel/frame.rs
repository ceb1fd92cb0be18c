//! The frame: what a scope's future puts on the path while it polls its body.
//!
//! A frame is a small value. Its owner, the scope's future, lends it to the path while it polls its body,
//! so scopes belong to a *poll* and not to a task: a body polled by `join!`, by `FuturesUnordered` or from
//! a box finds exactly the scopes that are really around it.
//!
//! # Invariants
//!
//! - `id` is 0 until the first entry (or until it was named just before), and never changes after it.
//! - `fired` is 0 until the scope's request exists, and never changes after it.
//! - `silenced` never goes back to false.

use bibelot_timer::Instant;

use super::cause::{Cause, ScopeId};
use super::taken;
use crate::foreign::Around;

/// What sets the ids of roots apart from those of scopes, which are stamps.
const ROOT: u64 = 1 << 63;

/// What a frame stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The task itself.
    Root,
    /// One arm of the facade's own combinators, told of a cancel by itself.
    Branch,
    /// A limit on time.
    Limit,
    /// The body of an eager group: fired once, by a member's failure.
    Edge,
    /// A scope that stays stopped.
    Level,
    /// Hides what is outside from what is inside, until `deadline`.
    Shield,
}

/// One scope around the code being polled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub kind: Kind,
    /// A stronger request passed through this limit: it never fires again. Of a shield: it has lifted.
    pub silenced: bool,
    /// A limit whose deadline may change: its timer serves nobody else.
    pub is_movable: bool,
    /// An expiry was taken by hand here: see `taken`.
    pub has_taken: bool,
    /// The scope's number; 0 before the first poll.
    pub id: u64,
    /// A limit: when it passes. A shield: when it lifts.
    pub deadline: Instant,
    /// The stamp at which the limit was found to have passed, the edge fired or the level stopped, or 0.
    pub fired: u64,
    /// Expiries stamped up to here were delivered in this level.
    pub told: u64,
    /// A cancel stamped up to here was delivered in this branch or root.
    pub told_cancel: u64,
    /// A note stamped up to here was delivered in this branch or root.
    pub told_note: u64,
}

/// What a root was told up to which stamp: expiries (never), cancels, notes.
pub(crate) type Told = (u64, u64, u64);

impl Frame {
    #[inline]
    pub(crate) const fn new(kind: Kind, deadline: Instant) -> Self {
        Self {
            kind,
            silenced: false,
            is_movable: false,
            has_taken: false,
            id: 0,
            deadline,
            fired: 0,
            told: 0,
            told_cancel: 0,
            told_note: 0,
        }
    }

    /// The frame of a task, known by the number the task is shown by, in a range of its own: no scope
    /// has the id of a root.
    pub(crate) const fn root(number: u64) -> Self {
        let mut root = Self::new(Kind::Root, Instant::FAR);
        root.set_root(number);
        root
    }

    /// Makes the frame of one task that of another.
    #[inline]
    pub(crate) const fn set_root(&mut self, number: u64) {
        self.id = number | ROOT;
    }

    /// The scope as it is listed with a trap.
    pub(crate) fn around(&self) -> Around {
        Around {
            id: self.id,
            kind: self.kind,
            deadline: self.deadline,
        }
    }

    /// What it was told.
    pub(crate) fn told(&self) -> Told {
        (self.told, self.told_cancel, self.told_note)
    }

    pub(crate) fn set_told(&mut self, told: Told) {
        (self.told, self.told_cancel, self.told_note) = told;
    }

    #[inline]
    pub(crate) fn scope(&self) -> ScopeId {
        ScopeId(self.id)
    }

    /// Whether code unwinds to this frame; a shield it only passes.
    pub(crate) fn is_level(&self) -> bool {
        self.kind != Kind::Shield
    }

    /// Whether it hears of cancels and notes by itself.
    pub(crate) fn is_branch(&self) -> bool {
        matches!(self.kind, Kind::Branch | Kind::Root)
    }

    /// Whether requests from outside are hidden from what is inside, at `now`.
    pub(crate) fn masks(&self, now: Instant) -> bool {
        self.kind == Kind::Shield && now < self.deadline
    }

    /// Whether this shield is found to have lifted, for the first time.
    pub(crate) fn lifts(&mut self, now: Instant) -> bool {
        let lifts = self.kind == Kind::Shield && !self.silenced && now >= self.deadline;
        self.silenced |= lifts;
        lifts
    }

    /// Whether this limit can still fire by its time.
    #[inline]
    pub(crate) fn is_armed(&self) -> bool {
        self.kind == Kind::Limit && self.fired == 0 && !self.silenced
    }

    /// The earliest deadline from the root to this frame, if that around it is `outer`.
    #[inline]
    pub(crate) fn alarm_inside(&self, outer: Instant) -> Instant {
        if self.fired != 0 && !self.silenced {
            Instant::ZERO
        } else if self.kind == Kind::Limit && !self.silenced {
            outer.min(self.deadline)
        } else {
            outer
        }
    }

    /// Whether a stronger request that passes through switches it off.
    pub(crate) fn is_edge(&self) -> bool {
        matches!(self.kind, Kind::Limit | Kind::Edge)
    }

    /// What a request of this frame's gives as its cause.
    pub(crate) fn cause(&self) -> Cause {
        match self.kind {
            Kind::Edge => Cause::Group(self.scope()),
            Kind::Level => Cause::Scope(self.scope()),
            _ => Cause::Deadline(self.scope()),
        }
    }

    /// Fills in what a frame takes, when it is first entered, from the innermost level and the innermost
    /// branch or root around it.
    pub(crate) fn inherit(&mut self, level: &Self, branch: &Self) {
        self.told = level.told;
        if self.is_level() {
            taken::inherit(self, level);
        }
        self.told_cancel = branch.told_cancel;
        self.told_note = branch.told_note;
    }
}
