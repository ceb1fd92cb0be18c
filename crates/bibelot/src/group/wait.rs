//! The wait: for what a group waits, and the traps in which it does.

use std::fmt;
use std::task::Waker;

use bibelot_kernel::{Leave, Op, Park, Wait as Reason};

use super::error::MemberError;
use super::state::Shared;

/// For what a group waits before it ends and cancels whoever still runs.
///
/// A member that fails ends the wait, whatever it is for, unless it is [`None`](Self::None). A member
/// that was cancelled or aborted is no failure. Daemons, and members that are joined or taken as they
/// end, do not count.
pub enum Wait<T> {
    /// For all members.
    ///
    /// Curio: `wait=all`.
    All,
    /// For the first member that ends, however it ends.
    ///
    /// Curio: `wait=any`.
    Any,
    /// For nobody: all members are cancelled.
    ///
    /// Curio: `wait=None`.
    None,
    /// For the first value that the predicate accepts, or for all members if it accepts none.
    Until(fn(&T) -> bool),
}

impl<T> Wait<Option<T>> {
    /// For the first member that gives `Some`.
    ///
    /// Curio: `wait=object`.
    pub const SOME: Self = Self::Until(Option::is_some);
}

impl<T> Wait<T> {
    /// Whether a member with this result is the kind that the group waits for, and whether the wait is
    /// over with it.
    pub(super) fn weigh<E>(self, result: &Result<T, MemberError<E>>) -> (bool, bool) {
        if result.as_ref().is_err_and(MemberError::is_failure) {
            return (true, true);
        }
        match (self, result) {
            (Self::Any, _) => (true, true),
            (Self::Until(accepts), Ok(value)) if accepts(value) => (true, true),
            (Self::All, _) => (true, false),
            _ => (false, false),
        }
    }
}

impl<T> Clone for Wait<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Wait<T> {}

impl<T> fmt::Debug for Wait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "All",
            Self::Any => "Any",
            Self::None => "None",
            Self::Until(_) => "Until(..)",
        })
    }
}

/// Waits at a group until `look` finds what it looks for.
pub(super) struct GroupOp<'g, T: 'static, E: 'static, F> {
    group: &'g Shared<T, E>,
    look: F,
    ticket: Option<u64>,
}

impl<'g, T, E, F> GroupOp<'g, T, E, F> {
    pub(super) fn new(group: &'g Shared<T, E>, look: F) -> Self {
        Self {
            group,
            look,
            ticket: None,
        }
    }
}

/// Nothing in it is ever pinned.
impl<T, E, F> Unpin for GroupOp<'_, T, E, F> {}

impl<T, E, F, O> Op for GroupOp<'_, T, E, F>
where
    F: FnMut(&Shared<T, E>) -> Option<O>,
{
    type Out = O;

    fn take(&mut self) -> Option<O> {
        let found = (self.look)(self.group)?;
        self.group.leave(&mut self.ticket);
        Some(found)
    }

    fn park(&mut self, waker: &Waker) -> Park<O> {
        self.group.park(&mut self.ticket, waker);
        Park::Waits
    }

    fn leave(&mut self) -> Leave<O> {
        self.group.leave(&mut self.ticket);
        Leave::Left
    }

    fn wait(&self) -> Reason {
        Reason::Group
    }
}

impl<T, E, F> Drop for GroupOp<'_, T, E, F> {
    fn drop(&mut self) {
        self.group.leave(&mut self.ticket);
    }
}
