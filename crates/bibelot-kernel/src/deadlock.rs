//! The deadlock: every task waits, and nothing that this kernel knows of could end a wait.
//!
//! Nobody can know who holds a waker: another thread may wake a task at any time, also one that has been
//! silent for long. So this is for kernels that were built to have it, with a time for which nothing must
//! have happened; without that nothing here costs anything.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bibelot_timer::Instant;

use crate::core::Core;
use crate::record::TaskInfo;
use crate::turn::Idle;

/// Every task waits, and nothing is under way that could end a wait: no timer, no operation, no open socket.
///
/// It comes inside an [`io::Error`] of kind [`Deadlock`](io::ErrorKind::Deadlock), from a kernel that was
/// built with [`Builder::deadlock_after`](crate::Builder::deadlock_after), and from one in a simulated world,
/// which knows by itself that nothing will ever happen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlock {
    /// All tasks and what they wait for, the main future first.
    pub tasks: Vec<TaskInfo>,
    /// What a simulated world says of it.
    pub world: Option<String>,
}

impl fmt::Display for Deadlock {
    /// A line, and one for each task.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.world {
            Some(world) => write!(f, "{world}:")?,
            None => f.write_str(
                "deadlock: every task waits, and nothing is under way that could wake one:",
            )?,
        }
        for task in &self.tasks {
            write!(f, "\n  {task}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Deadlock {}

impl From<Deadlock> for io::Error {
    fn from(deadlock: Deadlock) -> Self {
        Self::new(io::ErrorKind::Deadlock, deadlock)
    }
}

impl Core {
    /// How a turn for a main future treats an idle world.
    #[inline]
    pub(crate) fn idle(&self) -> Idle {
        let until = self.end.main_until();
        if self.config.deadlock_after.is_none() && until.is_never() {
            return Idle::Wait;
        }
        self.idle_until(until)
    }

    fn idle_until(&self, until: Instant) -> Idle {
        match self.config.deadlock_after {
            Some(span) if self.is_stuck() => {
                let since = self.stuck_since.get().unwrap_or_else(|| self.now());
                self.stuck_since.set(Some(since));
                Idle::WaitUntil(until.min(since + span))
            }
            _ if until.is_never() => Idle::Wait,
            _ => Idle::WaitUntil(until),
        }
    }

    /// Ends the run under way if nothing has happened in it for too long, which a turn with so many polls
    /// has not changed.
    #[inline]
    pub(crate) fn look_for_deadlock(self: &Rc<Self>, polls: usize) {
        if let Some(span) = self.config.deadlock_after {
            self.look_for_stuck(span, polls);
        }
    }

    #[cold]
    fn look_for_stuck(self: &Rc<Self>, span: Duration, polls: usize) {
        if polls > 0 || !self.is_stuck() {
            self.stuck_since.set(None);
            return;
        }
        let Some(since) = self.stuck_since.get() else {
            return;
        };
        if self.now() >= since + span {
            self.stuck_since.set(None);
            self.break_off(self.deadlock(None));
        }
    }

    /// A deadlock with the tasks that there are, and what the world said.
    fn deadlock(&self, world: Option<String>) -> io::Error {
        let tasks = self.records.reader().snapshot();
        Deadlock { tasks, world }.into()
    }

    /// Names the tasks in the error of a world in which nothing will ever happen; other errors are final, and
    /// come back as they are.
    pub(crate) fn explain(&self, error: io::Error) -> Result<io::Error, io::Error> {
        match error.kind() {
            io::ErrorKind::Deadlock => Ok(self.deadlock(Some(error.to_string()))),
            _ => Err(error),
        }
    }

    /// Whether nothing this kernel knows of could wake a task.
    fn is_stuck(&self) -> bool {
        self.ready.borrow().len() == 0
            && self.timers.is_empty()
            && self.io.borrow().is_empty()
            && !self.remote.is_pending()
    }
}
