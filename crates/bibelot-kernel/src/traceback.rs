//! The traceback: where a task waits, for what, and inside which scopes.
//!
//! A suspended future has no frames to walk. What there is are the operations that it is parked in, each
//! with the place in the source that waits, which is the caller's place of every public operation. Arms
//! that a combinator polls with wakers of their own are listed while they wait (those of the facade's
//! `gather`, `wait` and their kin), with their scopes; operations that are polled with the task's own waker
//! are those in which its last poll parked, with their scopes if the kernel was built to keep them.
//!
//! # Invariants
//!
//! - Of a poll that parked a crowd the first [`KEPT`] are kept.
//! - What is kept of a poll counts only until the next one, and is not taken away then: it says which poll
//!   it is of.

use std::fmt;
use std::mem;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use bibelot_timer::Instant;

use crate::cancel::Kind;
use crate::core::Core;
use crate::current::Parked;
use crate::foreign::Around;
use crate::home;
use crate::record::{Record, TaskInfo, Wait};
use crate::task::TaskId;
use crate::task_name::TaskName;
use crate::tasks::TaskKey;

/// So many of the operations that one poll parked in are kept.
const KEPT: usize = 64;

/// Where a task waits, copied at one moment; its [`Display`](fmt::Display) is the text.
///
/// Curio: `traceback()`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Traceback {
    /// The task.
    pub task: TaskInfo,
    /// The operations in which it is parked, as far as they are known.
    pub waits: Vec<ParkedOp>,
}

/// Where a task parked in one of its polls.
#[derive(Default)]
pub(crate) struct Trace {
    polls: u64,
    ops: Vec<ParkedOp>,
}

/// An operation in which a task is parked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParkedOp {
    /// What it waits for.
    pub wait: Wait,
    /// Where, in the source.
    pub site: &'static Location<'static>,
    /// The earliest deadline around it.
    pub deadline: Option<Instant>,
    /// The scopes around it, outermost first; `None` if they were not kept.
    pub scopes: Option<Vec<ScopeAround>>,
}

/// A scope around an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeAround {
    /// A limit, which passes then, if ever.
    Limit(Option<Instant>),
    /// A shield, which lifts then, if ever.
    Shield(Option<Instant>),
    /// An arm of a combinator.
    Arm,
    /// The body of an eager group.
    Group,
    /// A [`CancelScope`](crate::CancelScope).
    Scope,
}

impl TaskName {
    /// See [`Task::traceback`](crate::Task::traceback).
    #[must_use]
    pub fn traceback(self) -> Option<Traceback> {
        let TaskId { kernel, key, .. } = self.id;
        home::with_kernel(kernel, |core| core.traceback(key))?
    }
}

/// Where the task with this number waits, if it belongs to this thread's kernel; see
/// [`Task::traceback`](crate::Task::traceback).
#[must_use]
pub fn traceback(number: u64) -> Option<Traceback> {
    home::with(|core| {
        let keys = core.tasks.borrow().keys();
        let found = keys
            .into_iter()
            .find(|key| core.records.number(key.slot) == number);
        core.traceback(found?)
    })?
}

impl Core {
    /// A trap parks: it is noted for whoever looks at its task.
    #[inline]
    pub(crate) fn note_wait(&self, parked: Parked) {
        if self.config.tracebacks || (parked.is_own && self.current.has_parked.replace(true)) {
            self.trace(parked);
        }
        self.current.note_wait(parked);
    }

    #[inline(never)]
    fn trace(&self, parked: Parked) {
        if self.trace.borrow().len() >= KEPT {
            return;
        }
        if self.config.tracebacks {
            self.trace_with_scopes(parked);
        } else if let Some(before) = self.current.wait()
            && before.is_own
        {
            self.trace_several(before, parked);
        }
    }

    fn trace_with_scopes(&self, parked: Parked) {
        if parked.is_own {
            let scopes = self.path.look(|path| {
                let frames = path.iter().map(|frame| frame.around());
                frames.filter_map(ScopeAround::of).collect()
            });
            let op = ParkedOp::new(parked, Some(scopes));
            self.has_trace.set(true);
            self.trace.borrow_mut().push(op);
        }
    }

    fn trace_several(&self, before: Parked, parked: Parked) {
        self.has_trace.set(true);
        let mut trace = self.trace.borrow_mut();
        if trace.is_empty() {
            trace.push(ParkedOp::new(before, None));
        }
        trace.push(ParkedOp::new(parked, None));
    }

    /// Forgets where traps parked in the poll before.
    #[inline]
    pub(crate) fn begin_trace(&self) {
        if self.has_trace.replace(false) {
            self.trace.borrow_mut().clear();
        }
    }

    /// Keeps where traps parked in the poll just done, which left its task parked.
    #[inline]
    pub(crate) fn end_trace(&self, record: &Record, key: TaskKey) {
        if self.has_trace.get() {
            self.keep_trace(record.polls(), key);
        }
    }

    #[inline(never)]
    fn keep_trace(&self, polls: u64, key: TaskKey) {
        let mut tasks = self.tasks.borrow_mut();
        if let Some(entry) = tasks.get_mut(key) {
            let kept = &mut entry.extra_mut().trace;
            kept.polls = polls;
            mem::swap(&mut kept.ops, &mut self.trace.borrow_mut());
        }
    }

    fn traceback(self: &Rc<Self>, key: TaskKey) -> Option<Traceback> {
        let reader = self.records.reader();
        let task = reader.get_at(key.slot, key.generation)?;
        let tasks = self.tasks.borrow();
        let entry = tasks.get(key)?;
        let mut waits = Vec::new();
        let is_parked = entry.end.is_none() && task.wait().is_some();
        if is_parked && let Some(extra) = entry.extra() {
            if extra.trace.polls == task.polls {
                waits.extend_from_slice(&extra.trace.ops);
            }
            for (_, listed) in &extra.foreign {
                let scopes = listed.scopes.iter().copied().filter_map(ScopeAround::of);
                let Some(parked) = listed.parked else {
                    continue;
                };
                waits.push(ParkedOp::new(parked, Some(scopes.collect())));
            }
        }
        if let (Some(wait), Some(site)) = (task.wait(), task.site)
            && !waits
                .iter()
                .any(|listed| listed.site == site && listed.wait == wait)
        {
            waits.push(ParkedOp {
                wait,
                site,
                deadline: task.deadline,
                scopes: None,
            });
        }
        Some(Traceback { task, waits })
    }
}

impl ParkedOp {
    fn new(parked: Parked, scopes: Option<Vec<ScopeAround>>) -> Self {
        Self {
            wait: parked.wait,
            site: parked.site,
            deadline: known(parked.alarm),
            scopes,
        }
    }
}

impl ScopeAround {
    fn of(around: Around) -> Option<Self> {
        Some(match around.kind {
            Kind::Root => return None,
            Kind::Branch => Self::Arm,
            Kind::Limit => Self::Limit(known(around.deadline)),
            Kind::Edge => Self::Group,
            Kind::Level => Self::Scope,
            Kind::Shield => Self::Shield(known(around.deadline)),
        })
    }
}

/// `ZERO` stands for a scope that has fired, `FAR` for none.
fn known(deadline: Instant) -> Option<Instant> {
    (!deadline.is_never()).then_some(deadline)
}

impl fmt::Display for Traceback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.task)?;
        for wait in &self.waits {
            write!(f, "\n  {wait}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ParkedOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waits: {} at {}", self.wait, self.site)?;
        if let Some(deadline) = self.deadline {
            let at = Duration::from_nanos(deadline.as_nanos());
            write!(f, ", at most until {at:?}")?;
        }
        // As a reader of the source sees them, from the inside out.
        for scope in self.scopes.iter().flatten().rev() {
            write!(f, "\n    inside {scope}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ScopeAround {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, at) = match self {
            Self::Limit(at) => ("a limit", at),
            Self::Shield(at) => ("a shield", at),
            Self::Arm => ("an arm", &None),
            Self::Group => ("an eager group", &None),
            Self::Scope => ("a cancel scope", &None),
        };
        f.write_str(what)?;
        match at {
            Some(at) => write!(f, " until {:?}", Duration::from_nanos(at.as_nanos())),
            None => Ok(()),
        }
    }
}
