//! The other side: what a worker does in place of the program's `main`.
//!
//! It takes one call after another and answers each. It blocks: there is nothing else that it could do
//! meanwhile. When the program at the other end lets go of it, or is gone, it ends.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::parent_id;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use bibelot_kernel::Panic;
use bibelot_reactor::Program;

use super::error::{ProcessError, RemotePanic};
use super::frame::{
    Frame, Frames, HEAD_LEN, Head, Says, end, panic_frame, read_head, short, take_front,
};
use super::function::{Begins, Failure, at};

/// The argument that makes a worker of this program.
const ARGUMENT: &str = "--bibelot-process-worker";

/// The variable that makes a worker of a test binary, whose arguments are not ours; it holds the number of
/// the process that started it.
const VARIABLE: &str = "BIBELOT_PROCESS_WORKER_OF";

/// The most bytes of a call that a worker takes: the sender has a smaller limit of its own.
const CALL_MAX: usize = u32::MAX as usize;

/// Whether `main` has come past the entry, so that a worker's `main` will, too.
static HAS_ENTERED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether a call runs on this thread.
    static RUNS: Cell<bool> = const { Cell::new(false) };
    /// The panic that the call on this thread has ended with.
    static PANIC: RefCell<Option<RemotePanic>> = const { RefCell::new(None) };
}

/// The way in for worker processes: call it first of all in a `main` that is not
/// [`#[bibelot::main]`](crate::main), which does it by itself.
///
/// In a worker it carries out calls until there will be no more, and does not return. Elsewhere it returns
/// at once, and [`run_in_process`](crate::run_in_process) knows that it may start workers.
///
/// # Examples
///
/// The body of such a `main`:
///
/// ```no_run
/// bibelot::process::entry();
/// // Only the program itself comes here.
/// bibelot::run(async { println!("Hello!") });
/// ```
pub fn entry() {
    if env::args_os().nth(1).is_some_and(|first| first == ARGUMENT) {
        serve_and_exit();
    }
    HAS_ENTERED.store(true, Ordering::Relaxed);
}

/// A test that is the way in for worker processes of a test binary, where `main` is the test harness's.
#[derive(Debug)]
pub struct TestEntry {
    /// Its path, which begins with the crate.
    path: &'static str,
}

impl TestEntry {
    /// The test of this path.
    #[must_use]
    pub const fn new(path: &'static str) -> Self {
        Self { path }
    }
}

inventory::collect!(TestEntry);

/// What the test does: nothing, except in a worker.
pub fn test_entry() {
    let parent = env::var(VARIABLE).ok();
    // A process started by a worker inherits the variable, and is none.
    if parent.is_some_and(|parent| parent == parent_id().to_string()) {
        serve_and_exit();
    }
}

/// Makes a test at the root of a test crate (a file in `tests/`, or a `lib.rs` under `cfg(test)`) that lets
/// [`run_in_process`](crate::run_in_process) start workers from its tests.
///
/// ```no_run
/// #[cfg(test)]
/// bibelot::process::test_entry!();
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __process_test_entry {
    () => {
        /// The way in for worker processes; a test like any other in this one.
        #[::core::prelude::v1::test]
        fn bibelot_process_entry() {
            $crate::process::private::test_entry();
        }

        $crate::__private::inventory::submit! {
            $crate::process::private::TestEntry::new(::core::concat!(
                ::core::module_path!(),
                "::bibelot_process_entry",
            ))
        }
    };
}

/// What is started as a worker: this program, by a way on which it becomes one. `None` if there is none.
pub(super) fn program() -> Option<Program> {
    let test = inventory::iter::<TestEntry>.into_iter().next();
    let (arguments, variables): (Vec<OsString>, _) = match test {
        Some(test) => {
            let (_crate, test) = test.path.split_once("::")?;
            let arguments = [
                "--exact",
                test,
                "--nocapture",
                "--test-threads=1",
                "--quiet",
            ];
            let parent = (VARIABLE.into(), process::id().to_string().into());
            (arguments.map(Into::into).into(), vec![parent])
        }
        None if HAS_ENTERED.load(Ordering::Relaxed) => (vec![ARGUMENT.into()], Vec::new()),
        None => return None,
    };
    Some(Program {
        // Also when the file was replaced meanwhile: the worker must be the same program.
        path: "/proc/self/exe".into(),
        name: env::args_os().next(),
        arguments,
        variables,
        has_link: true,
    })
}

fn serve_and_exit() -> ! {
    let code = match bibelot_sys::take_link() {
        Ok(link) => {
            panic::set_hook({
                let before = panic::take_hook();
                Box::new(move |info| note_panic(info, &before))
            });
            // What a worker's function calls in turn finds the same way in.
            HAS_ENTERED.store(true, Ordering::Relaxed);
            match serve(&link) {
                Ok(()) => 0,
                // The other end is gone, and with it whoever could be told.
                Err(error) if is_gone(&error) => 0,
                Err(error) => complain(&error),
            }
        }
        Err(error) => complain(&error),
    };
    process::exit(code);
}

fn complain(error: &io::Error) -> i32 {
    eprintln!("error: a worker process of bibelot: {error}");
    2
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
    )
}

/// Answers calls until there will be no more.
fn serve(mut link: &UnixStream) -> io::Result<()> {
    link.write_all(&short(Says::Hello, &()))?;
    loop {
        let mut head = [0; HEAD_LEN];
        link.read_exact(&mut head)?;
        let (says, len) = read_head(head).map_err(io::Error::other)?;
        if says != Says::Call || len > CALL_MAX {
            return Err(io::Error::other(ProcessError::Broken("it sent no call")));
        }
        let mut body = vec![0; len];
        link.read_exact(&mut body)?;
        let mut begins = || link.write_all(&short(Says::Begun, &()));
        let answer = carry_out(&body, &mut begins)?;
        // A print without a newline should not wait for the next call, nor go down with a signal.
        let _nobody_reads = io::stdout().flush();
        link.write_all(&answer)?;
    }
}

/// Carries a call out in this process, where there are no others; the answer.
pub(super) fn in_place(call: &[u8]) -> Result<Frame, ProcessError> {
    let body = call.get(HEAD_LEN..).unwrap_or_default();
    let answer = carry_out(body, &mut || Ok(())).map_err(ProcessError::Lost)?;
    let mut frames = Frames::default();
    frames.put(&answer);
    let broken = || ProcessError::Broken("it gave no answer");
    frames.next(usize::MAX)?.ok_or_else(broken)
}

/// Runs the function that a call names; the frame that answers.
fn carry_out(body: &[u8], begins: Begins<'_>) -> io::Result<Vec<u8>> {
    let refuse = |of_value: bool, why: String, len: Option<(u64, u64)>| {
        Ok(short(Says::Refused, &(of_value, why, len)))
    };
    let (head, arguments): (Head, _) = match take_front(body) {
        Ok(front) => front,
        Err(why) => return refuse(false, why, None),
    };
    let (place, name, value_max) = head;
    let Some(function) = at(place, &name) else {
        return refuse(false, format!("{name} is not in this program"), None);
    };
    let ended = catch_call(|| (function.runs)(arguments, begins));
    let failure = match ended {
        Ok(Ok(answer)) => {
            let max = usize::try_from(value_max).unwrap_or(usize::MAX);
            match end(answer, max) {
                Ok(answer) => return Ok(answer),
                Err(len) => return refuse(true, String::new(), Some((len as u64, max as u64))),
            }
        }
        Ok(Err(failure)) => failure,
        Err(panic) => return Ok(panic_frame(&panic)),
    };
    match failure {
        Failure::Arguments(why) => refuse(false, why, None),
        Failure::Value(why) => refuse(true, why, None),
        Failure::Link(error) => Err(error),
    }
}

/// Runs a call; a panic of it with what the hook has noted.
fn catch_call<T>(body: impl FnOnce() -> T) -> Result<T, RemotePanic> {
    RUNS.set(true);
    let ended = catch_unwind(AssertUnwindSafe(body));
    RUNS.set(false);
    let noted = PANIC.take();
    ended.map_err(|payload| {
        let panic = Panic::new(payload);
        let told = noted.unwrap_or_else(|| RemotePanic {
            message: cut(panic.to_string(), MESSAGE_MAX),
            place: "an unknown place".into(),
            backtrace: String::new(),
        });
        // A payload whose drop panics would end the worker.
        std::mem::forget(panic);
        told
    })
}

/// The most that goes home of a panic's message, and of its backtrace, in bytes: both fit a frame.
const MESSAGE_MAX: usize = 64 << 10;
const BACKTRACE_MAX: usize = 512 << 10;

/// Cuts what is over `max` bytes, at a character's end.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let end = (0..=max).rev().find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or(0));
        text.push_str(" ..");
    }
    text
}

/// Notes the panic of a call, which is told to whoever called; others go the usual way.
fn note_panic(info: &PanicHookInfo<'_>, usual: &dyn Fn(&PanicHookInfo<'_>)) {
    // Where nothing unwinds, nobody is told.
    if cfg!(panic = "abort") || !RUNS.try_with(Cell::get).unwrap_or(false) {
        return usual(info);
    }
    let payload = info.payload();
    let message = match payload.downcast_ref::<&'static str>() {
        Some(message) => (*message).to_owned(),
        None => match payload.downcast_ref::<String>() {
            Some(message) => message.clone(),
            None => "no message".to_owned(),
        },
    };
    let place = info.location().map(ToString::to_string);
    let noted = RemotePanic {
        message: cut(message, MESSAGE_MAX),
        place: place.unwrap_or_else(|| "an unknown place".into()),
        backtrace: cut(Backtrace::force_capture().to_string(), BACKTRACE_MAX),
    };
    let before = PANIC.with(|panic| panic.try_borrow_mut().ok()?.replace(noted));
    drop(before);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_entry_there_is_nothing_to_start() {
        // The harness of these tests has none.
        assert_eq!(program(), None);
    }

    #[test]
    fn a_call_that_does_not_unwind_gives_its_value() {
        assert_eq!(catch_call(|| 7), Ok(7));
    }

    #[test]
    fn a_panic_that_no_hook_noted_is_told_with_its_message() {
        let told = catch_call(|| panic::resume_unwind(Box::new("on purpose"))).map(|()| 0);
        let told = told.unwrap_err();
        assert_eq!(told.message(), "on purpose");
        assert!(told.backtrace().is_empty());
    }
}
