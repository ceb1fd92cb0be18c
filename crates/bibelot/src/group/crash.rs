//! Crashes: failures that nobody was given.
//!
//! They go to one hook for the process, as panics do in the standard library. The hook that is there
//! from the start writes a line to the standard error; the count grows whatever the hook does.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bibelot_kernel::TaskId;

/// A failure that nobody was given.
#[derive(Debug)]
#[non_exhaustive]
pub struct Crash<'a> {
    /// The task that failed.
    pub task: TaskId,
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// What it says of its failure.
    pub message: &'a str,
    /// Whether it panicked.
    pub is_panic: bool,
}

impl fmt::Display for Crash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.is_panic { "panicked" } else { "failed" };
        match self.name {
            Some(name) => write!(f, "task {} ({name}) {how}: {}", self.task, self.message),
            None => write!(f, "task {} {how}: {}", self.task, self.message),
        }
    }
}

type Hook = dyn Fn(&Crash<'_>) + Send + Sync;

static HOOK: RwLock<Option<Arc<Hook>>> = RwLock::new(None);
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Has `hook` called for every failure that nobody was given, on the thread where it happened, in the
/// place of the hook before.
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

/// Tells the hook.
pub(super) fn report(crash: &Crash<'_>) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    let hook = HOOK.read().unwrap_or_else(PoisonError::into_inner).clone();
    match hook {
        Some(hook) => hook(crash),
        None => eprintln!("{crash}"),
    }
}
