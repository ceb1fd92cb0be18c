//! How members fail, one or several, and how a group refuses.

use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bibelot_kernel::{Cancelled, Panic, Task, TaskError, TaskId};

/// Why a member gave no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum MemberError<E> {
    /// It returned this error.
    Failed(E),
    /// It was cancelled, and returned this error, which says so.
    Cancelled(E),
    /// It was cancelled while nothing in it could hear, and was dropped.
    Dropped(Cancelled),
    /// It panicked.
    Panicked(Panic),
    /// It was aborted.
    Aborted,
}

impl<E> MemberError<E> {
    /// Whether the member failed, rather than being stopped from outside.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Panicked(_))
    }

    /// The error that the member returned, if it returned one.
    #[must_use]
    pub fn into_returned(self) -> Option<E> {
        match self {
            Self::Failed(error) | Self::Cancelled(error) => Some(error),
            _ => None,
        }
    }

    /// Reads a task's end; `is_cut` says whether an error is a live cancellation.
    pub(super) fn read<T>(
        joined: Result<Result<T, E>, TaskError>,
        was_cancelled: bool,
        is_cut: fn(&E) -> bool,
    ) -> Result<T, Self> {
        match joined {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) if was_cancelled && says(&error, is_cut) => Err(Self::Cancelled(error)),
            Ok(Err(error)) => Err(Self::Failed(error)),
            Err(TaskError::Cancelled(cancelled)) => Err(Self::Dropped(cancelled)),
            Err(TaskError::Panicked(panic)) => Err(Self::Panicked(panic)),
            Err(_) => Err(Self::Aborted),
        }
    }

    /// The end of the task as a join of it gives it.
    pub(super) fn into_joined<T>(self) -> Result<Result<T, E>, TaskError> {
        match self {
            Self::Failed(error) | Self::Cancelled(error) => Ok(Err(error)),
            Self::Dropped(cancelled) => Err(TaskError::Cancelled(cancelled)),
            Self::Panicked(panic) => Err(TaskError::Panicked(panic)),
            Self::Aborted => Err(TaskError::Aborted),
        }
    }
}

/// What an error says of itself; one that panics when it is asked says no, so that its member still ends.
fn says<E>(error: &E, is_cut: fn(&E) -> bool) -> bool {
    catch_unwind(AssertUnwindSafe(|| is_cut(error))).unwrap_or(false)
}

impl<E: fmt::Display> fmt::Display for MemberError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) | Self::Cancelled(error) => error.fmt(f),
            Self::Dropped(cancelled) => write!(f, "dropped: {cancelled}"),
            Self::Panicked(panic) => write!(f, "panicked: {panic}"),
            Self::Aborted => f.write_str("aborted"),
        }
    }
}

impl<E: Error + 'static> Error for MemberError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) | Self::Cancelled(error) => Some(error),
            Self::Dropped(cancelled) => Some(cancelled),
            Self::Panicked(_) | Self::Aborted => None,
        }
    }
}

/// Why a group gave no values: the failures of its members, all of them.
///
/// Members that were stopped from outside count only if none failed.
#[derive(Debug)]
pub struct GroupError<E> {
    /// The first, in the order in which the members were spawned.
    pub first: (TaskId, MemberError<E>),
    /// The others, in that order.
    pub others: Vec<(TaskId, MemberError<E>)>,
    names: Vec<(TaskId, Arc<str>)>,
}

impl<E> GroupError<E> {
    /// `errors` in spawn order; `None` if there are none.
    pub(super) fn new(
        mut errors: Vec<(TaskId, MemberError<E>)>,
        names: Vec<(TaskId, Arc<str>)>,
    ) -> Option<Self> {
        if errors.iter().any(|(_, error)| error.is_failure()) {
            errors.retain(|(_, error)| error.is_failure());
        }
        let mut errors = errors.into_iter();
        let first = errors.next()?;
        Some(Self {
            first,
            others: errors.collect(),
            names,
        })
    }

    /// All of them, in spawn order.
    pub fn iter(&self) -> impl Iterator<Item = (TaskId, &MemberError<E>)> {
        let all = std::iter::once(&self.first).chain(&self.others);
        all.map(|(id, error)| (*id, error))
    }

    /// The first alone.
    #[must_use]
    pub fn into_first(self) -> MemberError<E> {
        self.first.1
    }

    fn name(&self, id: TaskId) -> Option<&str> {
        self.names
            .iter()
            .find(|(named, _)| *named == id)
            .map(|(_, name)| &**name)
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (id, error)) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            match self.name(id) {
                Some(name) => write!(f, "task {id} ({name}): {error}")?,
                None => write!(f, "task {id}: {error}")?,
            }
        }
        Ok(())
    }
}

impl<E: Error + 'static> Error for GroupError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.first.1)
    }
}

impl GroupError<crate::Error> {
    /// Puts the failures of groups inside in the place of the members whose groups they were, however deep.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::{Error, Wait, task_group};
    ///
    /// async fn branch() -> bibelot::Result<()> {
    ///     let twigs = task_group(Wait::All, async |group| {
    ///         group.spawn_named("twig", async { Err::<(), _>(Error::Closed) })?;
    ///         bibelot::Ok(())
    ///     });
    ///     Ok(twigs.await?.into_results().map(drop)?)
    /// }
    ///
    /// # bibelot::run(async {
    /// let tree = task_group(Wait::All, async |group| {
    ///     group.spawn_named("branch", branch())?;
    ///     bibelot::Ok(())
    /// });
    /// let failures = tree.await?.into_results().unwrap_err().flatten();
    /// assert!(failures.to_string().contains("(twig)"));
    /// assert!(!failures.to_string().contains("(branch)"));
    /// # bibelot::Ok(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn flatten(self) -> Self {
        let mut names = self.names;
        let mut errors = Vec::new();
        for (id, error) in std::iter::once(self.first).chain(self.others) {
            match inner_group(error) {
                Ok(inner) => {
                    let inner = inner.flatten();
                    names.extend(inner.names);
                    errors.push(inner.first);
                    errors.extend(inner.others);
                }
                Err(error) => errors.push((id, error)),
            }
        }
        let mut errors = errors.into_iter();
        let first = errors.next().expect("each member leaves one at least");
        Self {
            first,
            others: errors.collect(),
            names,
        }
    }
}

/// The failures of the group that a member failed with, if that is what it failed with.
fn inner_group(
    error: MemberError<crate::Error>,
) -> Result<GroupError<crate::Error>, MemberError<crate::Error>> {
    match error {
        MemberError::Failed(crate::Error::Io(error)) => error
            .downcast()
            .map_err(|error| MemberError::Failed(crate::Error::Io(error))),
        error => Err(error),
    }
}

impl From<GroupError<crate::Error>> for crate::Error {
    /// The whole of it, inside an [`io::Error`].
    fn from(error: GroupError<crate::Error>) -> Self {
        Self::Io(io::Error::other(error))
    }
}

/// The group takes no more members: it has ended or is ending, or belongs to another kernel. What was to
/// become one comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GroupClosed<F>(pub F);

impl<F> GroupClosed<F> {
    /// What was to become a member.
    pub fn into_inner(self) -> F {
        self.0
    }
}

impl<F> fmt::Debug for GroupClosed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupClosed(..)")
    }
}

impl<F> fmt::Display for GroupClosed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the group takes no more members")
    }
}

impl<F> Error for GroupClosed<F> {}

impl<F> From<GroupClosed<F>> for crate::Error {
    fn from(_: GroupClosed<F>) -> Self {
        Self::Closed
    }
}

/// A task was not adopted. It comes back and goes on.
#[derive(Debug)]
pub struct AddError<T> {
    /// The task.
    pub task: Task<T>,
    /// Why.
    pub why: AddRefusal,
}

/// Why a group does not adopt a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddRefusal {
    /// The group has ended or is ending.
    #[error("the group takes no more members")]
    Closed,
    /// Somebody hears of the task's end already: it is a member of a group.
    #[error("the task belongs to a group")]
    HasGroup,
    /// The task or the group belongs to another kernel.
    #[error("the task belongs to another kernel")]
    WrongKernel,
}

impl<T> fmt::Display for AddError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl<T: fmt::Debug> Error for AddError<T> {}

/// Why a group gave no next value.
#[derive(Debug)]
#[non_exhaustive]
pub enum NextError<E> {
    /// No member is left.
    Empty,
    /// The next member that ended gave no value.
    Member(MemberError<E>),
    /// The wait for it was asked to stop; the members go on.
    Interrupted(Cancelled),
}

impl<E: fmt::Display> fmt::Display for NextError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the group has no members left"),
            Self::Member(error) => error.fmt(f),
            Self::Interrupted(cancelled) => cancelled.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for NextError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Empty => None,
            Self::Member(error) => Some(error),
            Self::Interrupted(cancelled) => Some(cancelled),
        }
    }
}

impl<E> From<Cancelled> for NextError<E> {
    fn from(cancelled: Cancelled) -> Self {
        Self::Interrupted(cancelled)
    }
}
