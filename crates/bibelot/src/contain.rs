//! Containing code of users that runs where its panic is nobody's result.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bibelot_kernel::{Crash, CrashKind, Panic, TaskError, TaskId, failure};

/// Runs `body`; the crash hook is told of its panic, and where that was.
///
/// Where several values are dropped one after another this keeps the panics of two of them from ending the
/// process.
pub(crate) fn contain(place: &str, body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        let panic = Panic::new(payload);
        let message = format!("{panic} (in {place})");
        Crash::new(CrashKind::Panicked, &message).report();
        // A payload may panic when it is dropped, too.
        mem::forget(panic);
    }
}

/// Drops what a task came to, if it lies here still; the crash hook is told if that is a failure.
pub(crate) fn drop_unseen<T: 'static>(
    result: &mut Option<Result<T, TaskError>>,
    task: Option<TaskId>,
) {
    contain("the drop of what a task came to", || {
        if let Some((kind, message)) = result.as_ref().and_then(unseen) {
            let crash = Crash::new(kind, &message);
            match task {
                Some(task) => crash.of(task, None).report(),
                None => crash.report(),
            }
        }
        drop(result.take());
    });
}

fn unseen<T: 'static>(result: &Result<T, TaskError>) -> Option<(CrashKind, String)> {
    match result {
        Err(TaskError::Panicked(panic)) => Some((CrashKind::Panicked, panic.to_string())),
        Ok(value) => failure(value).map(|message| (CrashKind::Failed, message)),
        Err(_) => None,
    }
}
