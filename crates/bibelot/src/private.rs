//! What the attributes write calls to.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::ops::Deref;
use std::process;
use std::time::Duration;

use bibelot_kernel::{Cancellation, TaskBuilder, sleep};

use crate::{Builder, RunError};

#[cfg(feature = "process")]
pub use inventory;

/// The status that shells have for a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
/// The status that `timeout` has for a program whose time was up.
const TIMED_OUT: i32 = 124;

/// Runs a program: its value, or, as an error, its value after a Ctrl-C asked it to stop.
///
/// A worker process it does not run at all.
///
/// Ends the process where there is nothing to return: with the status of an `exit`, with 1 and the reason on the
/// standard error where no kernel can be had.
#[track_caller]
pub fn enter<F: Future>(
    builder: Builder,
    limit: Option<Duration>,
    main: F,
) -> Result<F::Output, Interrupted<F::Output>> {
    #[cfg(feature = "process")]
    crate::process::entry();
    let mut kernel = match builder.build() {
        Ok(kernel) => kernel,
        Err(error) => fail(&RunError::of_build(error)),
    };
    if let Some(limit) = limit {
        keep_to(limit);
    }
    let ended = kernel.try_block_on(main);
    let was_pressed = kernel.ctrl_c_was_pressed();
    if let Some(code) = kernel.shutdown().exit_code {
        drop(ended);
        process::exit(code);
    }
    match ended {
        Ok(value) if was_pressed => Err(Interrupted(value)),
        Ok(value) => Ok(value),
        Err(_) if was_pressed => process::exit(INTERRUPTED),
        Err(error) => fail(&RunError::of_run(error)),
    }
}

fn fail(error: &RunError) -> ! {
    eprintln!("error: {error}");
    process::exit(1);
}

/// Has the program end when `limit` is over.
fn keep_to(limit: Duration) {
    let watch = TaskBuilder::new().name("timeout").daemon();
    let watching = watch.spawn(async move {
        if sleep(limit).await.is_ok() {
            eprintln!("error: the program did not end within {limit:?}");
            bibelot_kernel::exit(TIMED_OUT);
        }
    });
    watching.detach();
}

/// What a program returned after a Ctrl-C had asked it to stop.
#[derive(Debug)]
pub struct Interrupted<T>(T);

/// How it took that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It returned what it wanted to return.
    AtWill,
    /// It stopped.
    Stopped,
    /// It failed otherwise, and that was said.
    Failed,
}

impl<T> Interrupted<T> {
    /// The value, or the end of the process with the status that shells have for it.
    pub fn end(self, how: How) -> T {
        match how {
            How::AtWill => self.0,
            How::Stopped | How::Failed => process::exit(INTERRUPTED),
        }
    }
}

/// The most specific of these that fits is found by the number of references in front of the value.
pub trait ByError {
    /// How an error of a usual type was meant.
    fn how(&self) -> How;
}

impl<T, E: Error + 'static> ByError for &&&Interrupted<Result<T, E>> {
    fn how(&self) -> How {
        how(&self.0, |error| error)
    }
}

/// See [`ByError`].
pub trait ByDynError {
    /// How a boxed error was meant.
    fn how(&self) -> How;
}

impl<T, E> ByDynError for &&Interrupted<Result<T, E>>
where
    E: Deref<Target = dyn Error + Send + Sync + 'static> + Debug,
{
    fn how(&self) -> How {
        how(&self.0, |error| &**error)
    }
}

/// See [`ByError`].
pub trait ByResult {
    /// How an error that only can be shown was meant.
    fn how(&self) -> How;
}

impl<T, E: Debug> ByResult for &Interrupted<Result<T, E>> {
    fn how(&self) -> How {
        match &self.0 {
            Ok(_) => How::AtWill,
            Err(error) => say(error),
        }
    }
}

/// See [`ByError`].
pub trait ByNothing {
    /// What is no error was meant as it is.
    fn how(&self) -> How;
}

impl<T> ByNothing for Interrupted<T> {
    fn how(&self) -> How {
        How::AtWill
    }
}

fn how<T, E: Debug>(result: &Result<T, E>, inner: fn(&E) -> &(dyn Error + 'static)) -> How {
    match result {
        Ok(_) => How::AtWill,
        Err(error) => match Cancellation::find(inner(error)) {
            Some(cancellation) if cancellation.is_live() => How::Stopped,
            _ => say(error),
        },
    }
}

/// Says why, as the standard library does for a `main` that fails.
fn say(error: &impl Debug) -> How {
    eprintln!("Error: {error:?}");
    How::Failed
}

#[cfg(test)]
mod tests {
    use std::io;

    use bibelot_kernel::{Cancelled, Cause};

    use super::*;

    #[test]
    #[expect(clippy::needless_borrow, reason = "as the attribute writes it")]
    fn a_program_that_stopped_is_told_from_one_that_failed_or_went_on() {
        let cancelled = || Cancelled::new(Cause::CtrlC);
        let stopped = Interrupted(Err::<(), _>(crate::Error::from(cancelled())));
        assert_eq!((&&&&stopped).how(), How::Stopped);
        let stopped = Interrupted(Err::<(), _>(io::Error::from(cancelled())));
        assert_eq!((&&&&stopped).how(), How::Stopped);
        let boxed: Box<dyn Error + Send + Sync> = Box::new(cancelled());
        let stopped = Interrupted(Err::<(), _>(boxed));
        assert_eq!((&&&&stopped).how(), How::Stopped);
        let failed = Interrupted(Err::<(), _>(io::Error::other("disk full")));
        assert_eq!((&&&&failed).how(), How::Failed);
        let failed = Interrupted(Err::<(), _>("disk full"));
        assert_eq!((&&&&failed).how(), How::Failed);
        let went_on = Interrupted(Ok::<_, crate::Error>(()));
        assert_eq!((&&&&went_on).how(), How::AtWill);
        assert_eq!((&&&&Interrupted(())).how(), How::AtWill);
        assert_eq!((&&&&Interrupted(7_u8)).how(), How::AtWill);
    }
}
