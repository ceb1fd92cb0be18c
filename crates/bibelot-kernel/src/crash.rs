//! Crashes: failures that nobody was given.
//!
//! They go to one hook for the process, as panics do in the standard library: what a task that nobody joined
//! panicked with or returned as its error, what the members of a group that nobody took failed with, panics
//! of jobs that were left to themselves, and those of drops and wakers, which are no task's result. The hook
//! that is there from the start writes a line to the standard error; the count grows whatever the hook does.
//!
//! That a task panicked is seen from outside whatever its type. Which types are errors has to be known:
//! tasks that return `Result<(), E>` for the error types of this crate, of the standard library, and those
//! named by [`watch_errors_of`].

use std::any::{Any, TypeId};
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::cancel::{AsCancelled, Cancelled, ViaDyn, ViaLocalDyn};
use crate::task::TaskId;
use crate::task_error::TaskError;

/// A failure that nobody was given.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Crash<'a> {
    /// What it is.
    pub kind: CrashKind,
    /// The task that failed, if it was one.
    pub task: Option<TaskId>,
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// Where it was spawned, if that is known.
    pub spawn_site: Option<&'static Location<'static>>,
    /// What it says of its failure.
    pub message: &'a str,
}

/// What it is that nobody was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CrashKind {
    /// A panic.
    Panicked,
    /// An error that was returned.
    Failed,
    /// Not a failure, and not counted: a task ended that nobody joined or detached. Only kernels that were
    /// built with [`orphan_log`](crate::Builder::orphan_log) tell.
    NeverJoined,
}

impl<'a> Crash<'a> {
    /// A crash of no task.
    #[must_use]
    pub fn new(kind: CrashKind, message: &'a str) -> Self {
        Self {
            kind,
            task: None,
            name: None,
            spawn_site: None,
            message,
        }
    }

    /// The same, of a task.
    #[must_use]
    pub fn of(self, task: TaskId, name: Option<&'a str>) -> Self {
        Self {
            task: Some(task),
            name,
            ..self
        }
    }

    /// Whether it is a panic.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        self.kind == CrashKind::Panicked
    }

    /// Counts it and tells the hook, on this thread. A panic of the hook's goes no further.
    pub fn report(&self) {
        if self.kind != CrashKind::NeverJoined {
            // Relaxed: a count orders nothing.
            COUNT.fetch_add(1, Ordering::Relaxed);
        }
        let hook = HOOK.read().unwrap_or_else(PoisonError::into_inner).clone();
        let told = catch_unwind(AssertUnwindSafe(|| match hook {
            Some(hook) => hook(self),
            None => eprintln!("{self}"),
        }));
        if let Err(payload) = told {
            std::mem::forget(payload);
        }
    }
}

impl fmt::Display for Crash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.task, self.name) {
            (Some(task), Some(name)) => write!(f, "task {task} ({name}) ")?,
            (Some(task), None) => write!(f, "task {task} ")?,
            (None, _) => f.write_str("something nobody waits for ")?,
        }
        match self.kind {
            CrashKind::Panicked => write!(f, "panicked: {}", self.message)?,
            CrashKind::Failed => write!(f, "failed: {}", self.message)?,
            CrashKind::NeverJoined => f.write_str("was never joined")?,
        }
        match self.spawn_site {
            Some(site) => write!(f, ", spawned at {site}"),
            None => Ok(()),
        }
    }
}

type Hook = dyn Fn(&Crash<'_>) + Send + Sync;

static HOOK: RwLock<Option<Arc<Hook>>> = RwLock::new(None);
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Has `hook` called for every failure that nobody was given, on the thread where that was found, in the
/// place of the hook before.
///
/// Of a task it is called when the task has ended and its handle is gone, in this order or the other.
///
/// Curio: the log of crashes and of tasks never joined; asyncio: `set_exception_handler`.
pub fn set_crash_hook(hook: impl Fn(&Crash<'_>) + Send + Sync + 'static) {
    let hook: Arc<Hook> = Arc::new(hook);
    let old = HOOK
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(hook);
    drop(old);
}

/// How many failures nobody was given, in this process so far.
#[must_use]
pub fn crash_count() -> u64 {
    // Relaxed: a count orders nothing.
    COUNT.load(Ordering::Relaxed)
}

/// What an error says, if the value of a task is one that nobody expects.
type Witness = fn(&dyn Any) -> Option<String>;

static WITNESSES: RwLock<Vec<(TypeId, Witness)>> = RwLock::new(Vec::new());

const KNOWN: [Witness; 4] = [
    witness::<io::Error, _>,
    witness::<TaskError, _>,
    witness::<Box<dyn Error + Send + Sync>, ViaDyn>,
    witness::<Box<dyn Error>, ViaLocalDyn>,
];

/// Has errors of this type told to the crash hook, too, when a task returns them inside a
/// `Result<(), E>` and nobody joins it. A cancellation is no failure.
pub fn watch_errors_of<E, Via: 'static>()
where
    E: AsCancelled<Via> + fmt::Display + 'static,
{
    let id = TypeId::of::<E>();
    let mut witnesses = WITNESSES.write().unwrap_or_else(PoisonError::into_inner);
    if witnesses.iter().all(|(known, _)| *known != id) {
        witnesses.push((id, witness::<E, Via>));
    }
}

fn witness<E, Via>(value: &dyn Any) -> Option<String>
where
    E: AsCancelled<Via> + fmt::Display + 'static,
{
    let error = value.downcast_ref::<Result<(), E>>()?.as_ref().err()?;
    (!error.is_cancelled()).then(|| error.to_string())
}

/// What the value of a task says, if it is an error that nobody expects: what the crash hook is told of a task
/// that nobody joins, for who keeps such values in other places.
#[must_use]
pub fn failure(value: &dyn Any) -> Option<String> {
    if let Some(value) = value.downcast_ref::<Result<(), Cancelled>>() {
        let error = value.as_ref().err()?;
        return (!error.is_live()).then(|| error.to_string());
    }
    if let Some(said) = KNOWN.iter().find_map(|witness| witness(value)) {
        return Some(said);
    }
    let witnesses = WITNESSES
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    witnesses.iter().find_map(|(_, witness)| witness(value))
}

/// What a panic's payload says.
pub(crate) fn said(payload: &(dyn Any + Send)) -> Option<&str> {
    match payload.downcast_ref::<&'static str>() {
        Some(said) => Some(said),
        None => payload.downcast_ref::<String>().map(String::as_str),
    }
}

/// Reports a panic that is no task's result.
#[cold]
pub(crate) fn report_panic(payload: &(dyn Any + Send)) {
    Crash::new(
        CrashKind::Panicked,
        said(payload).unwrap_or("without a message"),
    )
    .report();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::Cause;

    #[test]
    fn errors_are_told_from_values_and_cancellations() {
        let fails: [(Box<dyn Any>, Option<&str>); 8] = [
            (Box::new(7), None),
            (Box::new(Ok::<(), io::Error>(())), None),
            (
                Box::new(Err::<(), _>(io::Error::other("lost"))),
                Some("lost"),
            ),
            (
                Box::new(Err::<(), _>(io::Error::from(Cancelled::new(Cause::Task)))),
                None,
            ),
            (Box::new(Err::<(), _>(Cancelled::new(Cause::Task))), None),
            (
                Box::new(Err::<(), _>(Box::<dyn Error>::from("boxed"))),
                Some("boxed"),
            ),
            (
                Box::new(Err::<(), _>(TaskError::Taken)),
                Some("the value of the task has been taken already"),
            ),
            (Box::new(Err::<(), _>(fmt::Error)), None),
        ];
        for (value, expected) in fails {
            assert_eq!(failure(&*value).as_deref(), expected);
        }
        watch_errors_of::<fmt::Error, _>();
        watch_errors_of::<fmt::Error, _>();
        let told = failure(&Err::<(), _>(fmt::Error));
        assert_eq!(told, Some(fmt::Error.to_string()));
    }

    #[test]
    fn a_crash_is_one_line() {
        let crash = Crash::new(CrashKind::Failed, "lost");
        assert_eq!(crash.to_string(), "something nobody waits for failed: lost");
    }
}
