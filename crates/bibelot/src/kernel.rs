//! The kernel as the facade gives it: with the backends of the operating system by name.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::time::Duration;

use bibelot_kernel::{Observer, OnPanic, ReadyTask, ShutdownReport};
use bibelot_sched::Scheduler;

use crate::backend::Os;
use crate::interrupt::{CtrlCPolicy, heed};
use crate::{Backend, RunError};

/// One thread's kernel.
///
/// It dereferences to [`bibelot_kernel::Kernel`], where its methods are: `block_on`, `turn`, `backend`,
/// `reader`. Tasks persist from one `block_on` to the next; dropping it shuts it down.
///
/// # Examples
///
/// ```
/// let mut kernel = bibelot::Kernel::new()?;
/// let child = kernel.block_on(async { bibelot::spawn(async { 2 * 2 + 3 }) });
/// assert_eq!(kernel.block_on(child.join()).unwrap(), 7);
/// println!("ran on {}", kernel.backend());
/// # std::io::Result::Ok(())
/// ```
pub struct Kernel {
    inner: bibelot_kernel::Kernel,
    ctrl_c: Rc<Cell<bool>>,
}

impl Kernel {
    /// A kernel on the backend that the machine offers, see [`Backend::Auto`].
    ///
    /// # Errors
    ///
    /// When this thread has a kernel already, or no backend can be had.
    pub fn new() -> io::Result<Self> {
        Self::builder().build()
    }

    /// A builder of kernels.
    pub fn builder() -> Builder {
        Builder {
            inner: bibelot_kernel::Builder::new(),
            os: Some(Os::default()),
            ctrl_c: CtrlCPolicy::Leave,
            #[cfg(feature = "process")]
            processes: None,
        }
    }

    /// Whether Ctrl-C has asked a main future of this kernel to stop; see [`CtrlCPolicy::CancelMain`].
    #[must_use]
    pub fn ctrl_c_was_pressed(&self) -> bool {
        self.ctrl_c.get()
    }

    /// Ends all tasks, sends what was written, and says what was left; see
    /// [`bibelot_kernel::Kernel::shutdown`].
    pub fn shutdown(self) -> ShutdownReport {
        self.inner.shutdown()
    }

    /// The same, with another grace than the kernel was built with.
    pub fn shutdown_within(self, grace: Duration) -> ShutdownReport {
        self.inner.shutdown_within(grace)
    }
}

impl Deref for Kernel {
    type Target = bibelot_kernel::Kernel;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for Kernel {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Makes kernels; every choice is a value.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    inner: bibelot_kernel::Builder,
    /// The operating system's backend; `None` when `inner` has one that is not ours.
    os: Option<Os>,
    ctrl_c: CtrlCPolicy,
    #[cfg(feature = "process")]
    processes: Option<crate::process::ProcessLimits>,
}

impl Builder {
    /// The way to the world: a [`Backend`], or a simulated world; [`Backend::Auto`] without it.
    #[doc(alias = "selector")]
    pub fn backend(mut self, backend: impl bibelot_kernel::Backend + 'static) -> Self {
        match (&backend as &dyn Any).downcast_ref::<Backend>() {
            Some(&which) => self.os.get_or_insert_default().which = which,
            None => {
                self.os = None;
                self.inner = self.inner.backend(backend);
            }
        }
        self
    }

    /// How many threads there may be at once for jobs and for what the operating system cannot do without
    /// blocking; 32 without it, and 0 counts as 1. Threads are made when they are needed. A backend that is
    /// not of this crate has its own ways.
    #[doc(alias = "MAX_WORKER_THREADS")]
    pub fn worker_threads_max(mut self, threads: usize) -> Self {
        if let Some(os) = &mut self.os {
            os.keeping.workers.threads_max = Some(threads);
        }
        self
    }

    /// How long such a thread waits for another job before it leaves; 10 s without it.
    pub fn worker_idle(mut self, span: Duration) -> Self {
        if let Some(os) = &mut self.os {
            os.keeping.workers.idle = Some(span);
        }
        self
    }

    /// Whether wakes of kernels on other threads that have this too are sent as messages of the ring, with
    /// the turn's own submissions, where this kernel and that are on io_uring; not without it.
    ///
    /// It saves a system call for each kernel that is woken in its sleep, and costs more processor time than
    /// that. What is woken begins when this kernel's turn has ended, not before: do not ask for it where
    /// tasks compute for long, and never where one blocks its thread until another kernel has done something.
    pub fn wake_by_message(mut self, on: bool) -> Self {
        if let Some(os) = &mut self.os {
            os.keeping.wake_by_message = on;
        }
        self
    }

    /// For how long the kernel may look for something to come before its thread sleeps; 50 us without it, and
    /// zero is never.
    ///
    /// It is done only where the waits of late were short and ended by the same one or two partners, and
    /// to end timers on time where the operating system is late; an idle kernel sleeps. A backend that is
    /// not of this crate has its own ways.
    pub fn look_max(mut self, span: Duration) -> Self {
        if let Some(os) = &mut self.os {
            os.keeping.look_max = Some(span);
        }
        self
    }

    /// For how long from its beginning a wait on io_uring may gather what comes while many connections are busy,
    /// instead of ending with the first; 20 us without it, and zero is never.
    ///
    /// It saves most system calls of a busy server. A wait that takes longer than that is not prolonged, and one
    /// that brings three things or fewer ends the gathering.
    pub fn gather_max(mut self, span: Duration) -> Self {
        if let Some(os) = &mut self.os {
            os.keeping.gather_max = Some(span);
        }
        self
    }

    /// What Ctrl-C does while nobody waits for it by [`ctrl_c`](crate::ctrl_c()); nothing without it.
    pub fn ctrl_c(mut self, policy: CtrlCPolicy) -> Self {
        self.ctrl_c = policy;
        self
    }

    /// How many processes [`run_in_process`](crate::run_in_process()) has, and what they get; at most one
    /// for each processor without it.
    #[cfg(feature = "process")]
    pub fn processes(mut self, limits: crate::process::ProcessLimits) -> Self {
        self.processes = Some(limits);
        self
    }

    /// Who decides what runs next; first in, first out without one.
    pub fn scheduler(mut self, scheduler: impl Scheduler<ReadyTask> + 'static) -> Self {
        self.inner = self.inner.scheduler(scheduler);
        self
    }

    /// Tells `observer` what the tasks do; may be repeated.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.inner = self.inner.observer(observer);
        self
    }

    /// How long a shutdown waits for cancelled tasks before it aborts them; 10 s without it.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.inner = self.inner.grace(grace);
        self
    }

    /// How long a cancelled operation is waited for before it is left as an orphan; 2 s without it.
    pub fn drain_limit(mut self, limit: Duration) -> Self {
        self.inner = self.inner.drain_limit(limit);
        self
    }

    /// How long a stream that was dropped or closed has to send and deliver what was written; 5 s without
    /// it.
    ///
    /// Linux may put an acknowledgement off for 200 ms: with less, what has arrived may be reported as not
    /// delivered.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.inner = self.inner.linger(linger);
        self
    }

    /// How many bytes one stream takes from its writers before they wait, and down to where they then
    /// wait; 64 and 16 KiB without it.
    pub fn write_marks(mut self, high: usize, low: usize) -> Self {
        self.inner = self.inner.write_marks(high, low);
        self
    }

    /// How many bytes all streams together take from their writers before they wait; 64 MiB without it.
    pub fn write_mark_of_kernel(mut self, bytes: usize) -> Self {
        self.inner = self.inner.write_mark_of_kernel(bytes);
        self
    }

    /// How much may arrive at a stream that nobody reads before the rest is left with the operating
    /// system; 64 KiB and 4 buffers without it.
    pub fn unread_max(mut self, bytes: usize, buffers: usize) -> Self {
        self.inner = self.inner.unread_max(bytes, buffers);
        self
    }

    /// The longest wait in one turn; without it there is no limit.
    pub fn max_park(mut self, span: Duration) -> Self {
        self.inner = self.inner.max_park(span);
        self
    }

    /// Has a run end with a [`Deadlock`](crate::Deadlock), which names every task and what it waits for, when for
    /// `span` nothing was under way that could wake a task; see
    /// [`bibelot_kernel::Builder::deadlock_after`].
    pub fn deadlock_after(mut self, span: Duration) -> Self {
        self.inner = self.inner.deadlock_after(span);
        self
    }

    /// What happens when a task panics; without it, the panic is the joiner's to handle.
    pub fn on_panic(mut self, what: OnPanic) -> Self {
        self.inner = self.inner.on_panic(what);
        self
    }

    /// Has the crash hook told of tasks that nobody joined; see
    /// [`bibelot_kernel::Builder::orphan_log`].
    pub fn orphan_log(mut self, on: bool) -> Self {
        self.inner = self.inner.orphan_log(on);
        self
    }

    /// Keeps all that [`Task::traceback`](crate::Task::traceback) can tell; see
    /// [`bibelot_kernel::Builder::tracebacks`].
    pub fn tracebacks(mut self, on: bool) -> Self {
        self.inner = self.inner.tracebacks(on);
        self
    }

    /// Makes every operation a cancel point that gives way, also one that is ready: for tests, and for
    /// who comes from Trio.
    pub fn checkpoint_everywhere(mut self, on: bool) -> Self {
        self.inner = self.inner.checkpoint_everywhere(on);
        self
    }

    /// Builds the kernel, on the thread that will run it.
    ///
    /// # Errors
    ///
    /// When this thread has a kernel already, or the backend cannot be had; the message says why.
    pub fn build(self) -> io::Result<Kernel> {
        #[cfg(feature = "process")]
        let processes = self.processes;
        let Self {
            inner, os, ctrl_c, ..
        } = self;
        let inner = match os {
            Some(os) => inner.backend(os),
            None => inner,
        };
        bibelot_kernel::watch_errors_of::<crate::Error, _>();
        let inner = inner.build()?;
        let ctrl_c = heed(&inner, ctrl_c)?;
        #[cfg(feature = "process")]
        if let Some(limits) = processes {
            crate::process::set_limits(inner.id(), limits);
        }
        Ok(Kernel { inner, ctrl_c })
    }

    /// Builds a kernel, runs `future` to its end, and shuts the kernel down.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    ///
    /// # Panics
    ///
    /// With the future's own panic.
    #[track_caller]
    pub fn run<F: Future>(self, future: F) -> io::Result<F::Output> {
        let mut kernel = self.build()?;
        let value = kernel.block_on(future);
        drop(kernel);
        Ok(value)
    }

    /// The same, with everything that can go wrong as an error, a call of [`exit`](crate::exit()) included.
    ///
    /// # Errors
    ///
    /// As [`try_run`].
    ///
    /// # Panics
    ///
    /// With the future's own panic.
    #[track_caller]
    pub fn try_run<F: Future>(self, future: F) -> Result<F::Output, RunError> {
        let mut kernel = self.build().map_err(RunError::of_build)?;
        let result = kernel.try_block_on(future);
        match kernel.shutdown().exit_code {
            Some(code) => Err(RunError::Exit(code)),
            None => result.map_err(RunError::of_run),
        }
    }
}

/// Runs `future` on a new kernel, on the backend that the machine offers, and shuts the kernel down.
///
/// Returns as soon as the future does; tasks that are left are cancelled, and what was written is sent.
///
/// A call of [`exit`](crate::exit()) asks the future to stop like everything else, and what it makes of
/// that is its value; [`try_run`] tells of the status, and `#[bibelot::main]` makes it the process's own.
///
/// Curio: `run(corofunc)`.
///
/// # Panics
///
/// With the future's own panic; when this thread has a kernel already; when no backend can be had; when
/// the future was asked to stop and had to be dropped. [`try_run`] gives an error instead.
///
/// # Examples
///
/// ```
/// let value = bibelot::run(async { 2 * 2 + 3 });
/// assert_eq!(value, 7);
/// ```
#[track_caller]
pub fn run<F: Future>(future: F) -> F::Output {
    match Kernel::new() {
        Ok(mut kernel) => kernel.block_on(future),
        Err(error) => panic!("no kernel can be had: {error}"),
    }
}

/// The same as [`run`], with everything that can go wrong as an error.
///
/// # Errors
///
/// [`RunError::AlreadyRunning`] when this thread has a kernel; [`RunError::NoKernel`] when no backend can be
/// had; [`RunError::Exit`] with the status when [`exit`](crate::exit()) was called, also during the clean-up;
/// [`RunError::Dropped`] when the future was asked to stop and did not end by itself;
/// [`RunError::Failed`] when the kernel cannot go on.
///
/// # Panics
///
/// With the future's own panic.
///
/// # Examples
///
/// ```
/// use bibelot::{RunError, exit, sleep, spawn, try_run};
/// use std::time::Duration;
///
/// let ended = try_run(async {
///     spawn(async { exit(3) }).detach();
///     sleep(Duration::from_secs(3600)).await
/// });
/// assert!(matches!(ended, Err(RunError::Exit(3))));
/// ```
#[track_caller]
pub fn try_run<F: Future>(future: F) -> Result<F::Output, RunError> {
    Kernel::builder().try_run(future)
}
