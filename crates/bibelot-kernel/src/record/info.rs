//! What is known of one task at one moment.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use bibelot_timer::Instant;

use super::wait::Wait;

/// What a task is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// Spawned, and not polled yet.
    Initial,
    /// Woken: it is polled in this turn or the next.
    Ready,
    /// Being polled right now.
    Running,
    /// Waiting for something.
    Parked(Wait),
    /// Ended, and kept for a handle that may still ask for its result.
    Terminated,
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Initial => "initial",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Parked(wait) => wait.as_str(),
            Self::Terminated => "terminated",
        })
    }
}

/// What is known of one task, copied at one moment.
///
/// Its [`Display`](fmt::Display) is one line, whatever the name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskInfo {
    /// The number the task is shown by; grows with each spawn and is never used again.
    pub number: u64,
    /// The task's place in its kernel's table, which a later task will use too.
    pub slot: u32,
    /// Tells this task from the others that had its slot.
    pub generation: u32,
    /// The number of the task that spawned it; 0 if none did.
    pub parent: u64,
    /// The name it was given. A task that ends while it is looked at may come without.
    pub name: Option<Arc<str>>,
    /// What it is doing.
    pub state: TaskState,
    /// Where it waits; of a task that does not wait, where it last did.
    pub site: Option<&'static Location<'static>>,
    /// Where it was spawned.
    pub spawn_site: Option<&'static Location<'static>>,
    /// How often it has been polled, the poll under way included.
    pub polls: u64,
    /// The earliest deadline it is under, in its kernel's time.
    pub deadline: Option<Instant>,
    /// Whether its kernel ends without waiting for it.
    pub daemon: bool,
    /// Whether it was asked to end.
    pub cancelled: bool,
}

impl TaskInfo {
    /// What it waits for, if it is parked.
    #[must_use]
    pub fn wait(&self) -> Option<Wait> {
        match self.state {
            TaskState::Parked(wait) => Some(wait),
            _ => None,
        }
    }
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.number)?;
        if let Some(name) = &self.name {
            // Quoted and escaped, so that a line break in a name makes no second line.
            write!(f, " {name:?}")?;
        }
        write!(f, ": {}", self.state)?;
        if let (Some(_), Some(site)) = (self.wait(), self.site) {
            write!(f, " at {site}")?;
        }
        write!(f, ", polls {}", self.polls)?;
        if let Some(deadline) = self.deadline {
            write!(
                f,
                ", due at {:?}",
                Duration::from_nanos(deadline.as_nanos())
            )?;
        }
        if self.parent != 0 {
            write!(f, ", child of {}", self.parent)?;
        }
        if let Some(site) = self.spawn_site {
            write!(f, ", spawned at {site}")?;
        }
        f.write_str(if self.daemon { ", daemon" } else { "" })?;
        f.write_str(if self.cancelled { ", cancelled" } else { "" })
    }
}
