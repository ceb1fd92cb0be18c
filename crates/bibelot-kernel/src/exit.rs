//! The exit: how a program under way is asked to end, with a status, and what is left of its main future.
//!
//! Whoever asks, every task and the main future are asked to stop, as in a shutdown. The main future has
//! the kernel's grace for its end; then it is dropped, and the run ends without its value.
//!
//! # Invariants
//!
//! - The first status stands.
//! - A main future that was judged is not polled again.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use bibelot_timer::Instant;

use crate::cancel::{Cancelled, Cause};
use crate::core::Core;
use crate::home;

/// The status of a program that a panic ended, as the standard library has it.
const PANICKED: i32 = 101;

/// Asks this thread's program to end with the status `code`: every task and the main future are asked to
/// stop, newest first, and clean up as in a shutdown.
///
/// The caller goes on to its own next blocking point, which hears
/// [`Cause::Shutdown`](crate::Cause::Shutdown) like all others. The main future has the kernel's grace for its
/// end. Then the status is for whoever ran it: [`Kernel::exit_code`](crate::Kernel::exit_code), and for a
/// program under the facade's `#[main]` the process's own. Of several the first stands.
///
/// Curio: `raise SystemExit(code)`.
///
/// # Panics
///
/// Without a kernel on this thread; [`KernelHandle::exit`](crate::KernelHandle::exit) asks from others.
///
/// # Examples
///
/// ```no_run
/// # async fn check() {
/// if std::env::args().count() < 2 {
///     eprintln!("usage: serve ADDRESS");
///     bibelot_kernel::exit(2);
/// }
/// # }
/// ```
#[doc(alias = "SystemExit")]
#[track_caller]
pub fn exit(code: i32) {
    home::expect("exit", |core| core.exit(code));
}

/// The main future did not end by itself, and was dropped.
///
/// It comes inside the [`io::Error`] of [`try_block_on`](crate::Kernel::try_block_on).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MainDropped {
    /// It was asked to stop while nothing in it could hear.
    #[error("the main future was dropped when it was asked to stop: {0}")]
    Deaf(#[source] Cancelled),
    /// It was asked to stop, and had not ended when the kernel's grace was over.
    #[error("the main future was dropped, since it did not end when it was asked to")]
    Late,
}

impl From<MainDropped> for io::Error {
    fn from(dropped: MainDropped) -> Self {
        Self::other(dropped)
    }
}

/// What was said about the end of a kernel's program.
pub(crate) struct End {
    /// Tasks spawned from now on are born cancelled.
    is_closing: Cell<bool>,
    code: Cell<Option<i32>>,
    /// When the main future is dropped.
    main_until: Cell<Instant>,
    verdict: RefCell<Option<io::Error>>,
}

impl End {
    pub(crate) const fn new() -> Self {
        Self {
            is_closing: Cell::new(false),
            code: Cell::new(None),
            main_until: Cell::new(Instant::FAR),
            verdict: RefCell::new(None),
        }
    }

    /// Whether tasks are born cancelled.
    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    /// The status that was asked for.
    pub(crate) fn code(&self) -> Option<i32> {
        self.code.get()
    }

    /// When the main future is dropped.
    pub(crate) fn main_until(&self) -> Instant {
        self.main_until.get()
    }

    /// Why the main future is to be dropped now, if it is.
    #[inline]
    pub(crate) fn verdict(&self, now: Instant) -> Option<io::Error> {
        (self.main_until.get() <= now).then(|| self.take_verdict())
    }

    #[cold]
    fn take_verdict(&self) -> io::Error {
        let verdict = self.verdict.borrow_mut().take();
        verdict.unwrap_or_else(|| MainDropped::Late.into())
    }
}

impl Core {
    /// Asks everything to end, with a status for whoever runs it.
    pub(crate) fn exit(self: &Rc<Self>, code: i32) {
        if self.end.code.get().is_none() {
            self.end.code.set(Some(code));
        }
        self.close();
    }

    /// A task panicked, and that is to end the program.
    pub(crate) fn exit_after_panic(self: &Rc<Self>) {
        self.exit(PANICKED);
    }

    /// Asks everything to end, once.
    fn close(self: &Rc<Self>) {
        if !self.end.is_closing.get() {
            self.limit_main();
            self.cancel_all();
        }
    }

    /// Asks every task and the main future to end, newest first; how many that were.
    pub(crate) fn cancel_all(self: &Rc<Self>) -> usize {
        self.end.is_closing.set(true);
        self.is_special.set(true);
        let asked = self.newest_first();
        for &key in &asked {
            self.cancel(key, Cause::Shutdown);
        }
        asked.len()
    }

    /// Asks the main future to end.
    pub(crate) fn stop(self: &Rc<Self>, cause: Cause) {
        if let Some(key) = self.main_key.get() {
            self.cancel(key, cause);
        }
    }

    /// Has the run under way end with `error`, its main future dropped.
    pub(crate) fn break_off(&self, error: io::Error) {
        if self.main_key.get().is_none() {
            return;
        }
        let unread = self.end.verdict.borrow_mut().replace(error);
        drop(unread);
        self.end.main_until.set(Instant::ZERO);
    }

    /// A main future begins: where everything ends already, it is born cancelled.
    pub(crate) fn begin_main(self: &Rc<Self>) {
        if self.end.is_closing.get() {
            self.limit_main();
            self.stop(Cause::Shutdown);
        }
    }

    fn limit_main(&self) {
        if self.main_key.get().is_some() {
            self.end.main_until.set(self.now() + self.config.grace);
        }
    }

    /// A main future is over.
    pub(crate) fn end_main(&self) {
        self.main_key.set(None);
        self.end.main_until.set(Instant::FAR);
        let unread = self.end.verdict.borrow_mut().take();
        drop(unread);
    }
}
