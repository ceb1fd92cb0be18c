//! The cause: why code was asked to stop.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Names one scope: a limit, a level scope or a group. Two scopes of one kernel never share an id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub(crate) u64);

impl fmt::Debug for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopeId({})", self.0)
    }
}

impl fmt::Display for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why code was asked to stop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// Somebody cancelled the task, or the group that owns it ended.
    Task,
    /// The kernel is shutting down.
    Shutdown,
    /// Ctrl-C was pressed, or the process got `SIGINT` from somewhere else.
    CtrlC,
    /// Somebody interrupted the task, which is not meant to end it.
    Interrupt,
    /// The limit of this scope passed.
    Deadline(ScopeId),
    /// The level scope was stopped.
    Scope(ScopeId),
    /// The first failure in this eager group, or the end of what this local scope runs.
    Group(ScopeId),
    /// A reason of the user's own, given to [`Task::cancel_with`](crate::Task::cancel_with).
    Custom(Arc<dyn Error + Send + Sync>),
}

impl Cause {
    /// The scope that the request belongs to, if it belongs to one.
    #[must_use]
    pub fn scope(&self) -> Option<ScopeId> {
        match self {
            Self::Deadline(id) | Self::Scope(id) | Self::Group(id) => Some(*id),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task => f.write_str("the task was cancelled"),
            Self::Shutdown => f.write_str("the kernel is shutting down"),
            Self::CtrlC => f.write_str("Ctrl-C was pressed"),
            Self::Interrupt => f.write_str("the task was interrupted"),
            Self::Deadline(id) => write!(f, "the limit of scope {id} passed"),
            Self::Scope(id) => write!(f, "scope {id} was stopped"),
            Self::Group(id) => write!(f, "group {id} is to end"),
            Self::Custom(reason) => write!(f, "{reason}"),
        }
    }
}
