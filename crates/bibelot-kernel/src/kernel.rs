//! The kernel: one thread's tasks, and the ways to run them.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::RawFd;
use std::panic::{Location, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use bibelot_reactor::{Call, Completion, Counters, Reply};
use bibelot_timer::Instant;

use crate::backend::BackendInfo;
use crate::builder::Builder;
use crate::core::Core;
use crate::counters::KernelCounters;
use crate::exit::MainDropped;
use crate::home::{self, KernelId};
use crate::kernel_handle::KernelHandle;
use crate::main_future::{Main, Outcome};
use crate::record::RecordReader;
use crate::shutdown::ShutdownReport;
use crate::tasks::Ending;
use crate::turn::Idle;

/// One thread's kernel: its tasks, timers and operations, which persist from one run to the next.
///
/// A thread has at most one. Dropping it is [`shutdown`](Self::shutdown) without the report; forgetting
/// it leaks everything it has, and its thread never gets another.
///
/// After a fork the kernel belongs to the parent alone: the child must neither use nor drop it.
///
/// Curio: `Kernel`.
pub struct Kernel {
    pub(crate) core: Rc<Core>,
    pub(crate) ends: Vec<Completion>,
    pub(crate) is_down: bool,
    /// Why it cannot go on.
    pub(crate) failure: Option<String>,
}

/// A kernel cannot be had on this thread, because it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this thread has a bibelot kernel already, and can have only one at a time")]
pub struct AlreadyRunning;

/// The kernel cannot go on, because its reactor failed before.
///
/// It comes inside an [`io::Error`]. Shutting the kernel down is all that is left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kernel's reactor failed before: {0}")]
pub struct Poisoned(String);

/// What one [`Kernel::turn`] did and what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// How many polls it made.
    pub ran: usize,
    /// Whether tasks are ready again already.
    pub is_ready: bool,
    /// When the next timer is due.
    pub next_deadline: Option<Instant>,
    /// The descriptor that becomes readable when the world has something, for the loop that waits; it
    /// is the kernel's, which closes it. `None` in a world without one.
    pub fd: Option<RawFd>,
}

impl Kernel {
    /// A builder of kernels.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Runs `future` to its end, and everything that is ready meanwhile.
    ///
    /// Returns as soon as the future does; tasks that are left stay as they are until the next run.
    /// The future need not be `'static`.
    ///
    /// Curio: `Kernel.run(corofunc)`.
    ///
    /// # Panics
    ///
    /// With the future's own panic; when called from inside a task of this kernel; and when the kernel
    /// cannot go on, see [`try_block_on`](Self::try_block_on).
    #[track_caller]
    pub fn block_on<F: Future>(&mut self, future: F) -> F::Output {
        match self.try_block_on(future) {
            Ok(value) => value,
            Err(error) => panic!("the run cannot go on: {error}"),
        }
    }

    /// The same, with an error when the kernel cannot go on.
    ///
    /// # Errors
    ///
    /// When the reactor is beyond use, and from then on [`Poisoned`] inside the error;
    /// [`Deadlock`](crate::Deadlock) inside the error when a simulated world finds that nothing will ever
    /// happen, or the kernel was built to look for that and does; [`MainDropped`] inside the error when the future was
    /// asked to stop and did not, see [`exit`](crate::exit()) and [`KernelHandle::stop`]; the error that
    /// was given to [`KernelHandle::break_off`].
    ///
    /// # Panics
    ///
    /// With the future's own panic, and when called from inside a task of this kernel.
    #[track_caller]
    pub fn try_block_on<F: Future>(&mut self, future: F) -> io::Result<F::Output> {
        self.check()?;
        let core = self.core.clone();
        let main = Main::begin(&core, Location::caller());
        let mut future = pin!(Some(future));
        core.wake_main();
        let outcome = {
            let _attention = Attention::begin(&core);
            self.drive(&core, &main, future.as_mut())
        };
        // What is left of it goes while it still has its place among the tasks.
        future.set(None);
        match self.keep(outcome)?? {
            Outcome::Returned(value) => {
                main.end(Ending::Returned);
                Ok(value)
            }
            Outcome::Panicked(payload) => {
                main.end(Ending::Panicked);
                resume_unwind(payload)
            }
            Outcome::Deaf(cancelled) => {
                main.end(Ending::Deaf);
                Err(MainDropped::Deaf(cancelled).into())
            }
        }
    }

    /// Turns until the main future has ended or is to be dropped; an error of its own is the reactor's.
    fn drive<F: Future>(
        &mut self,
        core: &Rc<Core>,
        main: &Main<'_>,
        mut future: Pin<&mut Option<F>>,
    ) -> io::Result<io::Result<Outcome<F::Output>>> {
        let mut outcome = None;
        loop {
            let mut poll = || {
                outcome = future
                    .as_mut()
                    .as_pin_mut()
                    .and_then(|future| main.poll(future));
                outcome.is_some()
            };
            let done = match core.turn(core.idle(), &mut self.ends, &mut poll) {
                Ok(done) => done,
                Err(error) => return core.explain(error).map(Err),
            };
            if let Some(outcome) = outcome {
                return Ok(Ok(outcome));
            }
            core.look_for_deadlock(done.polls);
            if let Some(error) = core.end.verdict(core.now()) {
                return Ok(Err(error));
            }
        }
    }

    /// Refuses to go on after a failure that was final.
    fn check(&self) -> io::Result<()> {
        match &self.failure {
            Some(failure) => Err(io::Error::other(Poisoned(failure.clone()))),
            None => Ok(()),
        }
    }

    /// Remembers a failure that is final.
    fn keep<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Deadlock
        {
            self.failure = Some(error.to_string());
        }
        result
    }

    /// Makes one pass without waiting: for loops that belong to somebody else.
    ///
    /// Curio: `Kernel.run()` without an argument.
    ///
    /// # Errors
    ///
    /// When the reactor is beyond use, and from then on [`Poisoned`] inside the error.
    pub fn turn(&mut self) -> io::Result<Turn> {
        self.check()?;
        let core = self.core.clone();
        let done = core.turn(Idle::Look, &mut self.ends, &mut || false);
        let done = self.keep(done)?;
        // What the turn left for the world goes out now: nobody knows when the next turn will be.
        let looked = core.look_at_world(Some(Duration::ZERO), &mut self.ends);
        self.keep(looked)?;
        let fd = core.reactor.borrow_mut().wait_fd();
        Ok(Turn {
            fd,
            ran: done.polls,
            is_ready: self.core.ready.borrow().len() > 0,
            next_deadline: self.core.timers.next_deadline(),
        })
    }

    /// Makes turns, waiting in between, until `is_done`, asked after each turn, says so; at most until
    /// `deadline`. Whether it was done by then.
    ///
    /// # Errors
    ///
    /// When the reactor is beyond use.
    pub fn turn_until(
        &mut self,
        deadline: Instant,
        mut is_done: impl FnMut(&Self) -> bool,
    ) -> io::Result<bool> {
        let core = self.core.clone();
        let _attention = Attention::begin(&core);
        loop {
            if is_done(self) {
                return Ok(true);
            }
            if core.now() >= deadline {
                return Ok(false);
            }
            core.turn(Idle::WaitUntil(deadline), &mut self.ends, &mut || false)?;
        }
    }

    /// Ends all tasks, sends what was written, and says what was left.
    ///
    /// All tasks are cancelled, newest first, and awaited for the kernel's grace; what has not ended by
    /// then is aborted and named in the report. Outboxes have the kernel's linger time. Then the
    /// callbacks of [`on_shutdown`](Self::on_shutdown) run.
    ///
    /// Curio: `Kernel.run(shutdown=True)`.
    pub fn shutdown(mut self) -> ShutdownReport {
        self.shut_down(None)
    }

    /// The same, with another grace than the kernel was built with.
    pub fn shutdown_within(mut self, grace: Duration) -> ShutdownReport {
        self.shut_down(Some(grace))
    }

    /// Calls `callback` when all tasks have ended, in the order of registration; see
    /// [`on_shutdown`](crate::on_shutdown()).
    #[doc(alias = "_call_at_shutdown")]
    pub fn on_shutdown(&mut self, callback: impl FnOnce() + 'static) {
        self.core.at_shutdown(Box::new(callback));
    }

    /// This kernel's id.
    #[must_use]
    pub fn id(&self) -> KernelId {
        self.core.id
    }

    /// Which backend it runs on, and why.
    #[must_use]
    pub fn backend(&self) -> &BackendInfo {
        &self.core.info
    }

    /// A handle for other threads.
    #[must_use]
    pub fn handle(&self) -> KernelHandle {
        KernelHandle::new(self.core.id, self.core.records.reader())
    }

    /// A reader of what its tasks do, for any thread; it works also while the kernel is stuck.
    #[must_use]
    pub fn reader(&self) -> RecordReader {
        self.core.records.reader()
    }

    /// The status that [`exit`](crate::exit()) asked for, if it was called; 101 after a panic under
    /// [`OnPanic::Shutdown`](crate::OnPanic::Shutdown).
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        self.core.end.code()
    }

    /// How many tasks have not ended.
    #[must_use]
    pub fn live_tasks(&self) -> usize {
        self.core.tasks.borrow().live()
    }

    /// What it has done so far.
    #[must_use]
    pub fn counters(&self) -> KernelCounters {
        self.core.counters.get()
    }

    /// What its reactor has done so far.
    #[must_use]
    pub fn reactor_counters(&self) -> Counters {
        match self.core.call(Call::Counters) {
            Ok(Reply::Counters(counters)) => counters,
            _ => Counters::default(),
        }
    }

    /// The time of its current turn.
    #[must_use]
    pub fn clock(&self) -> Instant {
        self.core.now()
    }

    /// Runs without a main future until `is_done`, at most until `deadline`.
    pub(crate) fn run_until(
        &mut self,
        deadline: Instant,
        is_done: impl Fn(&Core) -> bool,
    ) -> io::Result<()> {
        let core = self.core.clone();
        let _attention = Attention::begin(&core);
        while !is_done(&core) && core.now() < deadline {
            core.turn(Idle::WaitUntil(deadline), &mut self.ends, &mut || false)?;
        }
        Ok(())
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if !self.is_down {
            self.shut_down(None);
        }
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("id", &self.core.id)
            .field("backend", &self.core.info.name)
            .field("live_tasks", &self.live_tasks())
            .finish_non_exhaustive()
    }
}

/// Whether this thread's kernel is being run, and a task of it is being polled right now.
#[must_use]
#[doc(alias = "curio_running")]
pub fn is_running() -> bool {
    home::with(|core| core.current.key().is_some()).unwrap_or(false)
}

/// While it lives the thread waits for the world as sharply as it can.
struct Attention<'a>(&'a Core);

impl<'a> Attention<'a> {
    fn begin(core: &'a Core) -> Self {
        // A world without a thread of its own to sharpen may refuse; timers are merely less sharp.
        let _ = core.call(Call::Attend { begin: true });
        Self(core)
    }
}

impl Drop for Attention<'_> {
    fn drop(&mut self) {
        let _ = self.0.call(Call::Attend { begin: false });
    }
}
