//! The kernel as the facade gives it: with the backends of the operating system by name.

use std::fmt;
use std::future::Future;
use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bibelot_kernel::{Observer, OnPanic, ReadyTask, ShutdownReport};
use bibelot_sched::Scheduler;

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
pub struct Kernel(bibelot_kernel::Kernel);

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
            inner: bibelot_kernel::Builder::new().backend(Backend::Auto),
        }
    }

    /// Ends all tasks, sends what was written, and says what was left; see
    /// [`bibelot_kernel::Kernel::shutdown`].
    pub fn shutdown(self) -> ShutdownReport {
        self.0.shutdown()
    }

    /// The same, with another grace than the kernel was built with.
    pub fn shutdown_within(self, grace: Duration) -> ShutdownReport {
        self.0.shutdown_within(grace)
    }
}

impl Deref for Kernel {
    type Target = bibelot_kernel::Kernel;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Kernel {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes kernels; every choice is a value.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    inner: bibelot_kernel::Builder,
}

impl Builder {
    /// The way to the world: a [`Backend`], or a simulated world; [`Backend::Auto`] without it.
    pub fn backend(self, backend: impl bibelot_kernel::Backend + 'static) -> Self {
        Self {
            inner: self.inner.backend(backend),
        }
    }

    /// Who decides what runs next; first in, first out without one.
    pub fn scheduler(self, scheduler: impl Scheduler<ReadyTask> + 'static) -> Self {
        Self {
            inner: self.inner.scheduler(scheduler),
        }
    }

    /// Tells `observer` what the tasks do; may be repeated.
    pub fn observer(self, observer: impl Observer + 'static) -> Self {
        Self {
            inner: self.inner.observer(observer),
        }
    }

    /// How long a shutdown waits for cancelled tasks before it aborts them; 10 s without it.
    pub fn grace(self, grace: Duration) -> Self {
        Self {
            inner: self.inner.grace(grace),
        }
    }

    /// How long a cancelled operation is waited for before it is left as an orphan; 2 s without it.
    pub fn drain_limit(self, limit: Duration) -> Self {
        Self {
            inner: self.inner.drain_limit(limit),
        }
    }

    /// How long what was written may still be sent after its stream was dropped; 5 s without it.
    pub fn linger(self, linger: Duration) -> Self {
        Self {
            inner: self.inner.linger(linger),
        }
    }

    /// How many bytes one stream takes from its writers before they wait, and down to where they then
    /// wait; 64 and 16 KiB without it.
    pub fn write_marks(self, high: usize, low: usize) -> Self {
        Self {
            inner: self.inner.write_marks(high, low),
        }
    }

    /// How many bytes all streams together take from their writers before they wait; 64 MiB without it.
    pub fn write_mark_of_kernel(self, bytes: usize) -> Self {
        Self {
            inner: self.inner.write_mark_of_kernel(bytes),
        }
    }

    /// How much may arrive at a stream that nobody reads before the rest is left with the operating
    /// system; 64 KiB and 4 buffers without it.
    pub fn unread_max(self, bytes: usize, buffers: usize) -> Self {
        Self {
            inner: self.inner.unread_max(bytes, buffers),
        }
    }

    /// The longest wait in one turn; without it there is no limit.
    pub fn max_park(self, span: Duration) -> Self {
        Self {
            inner: self.inner.max_park(span),
        }
    }

    /// What happens when a task panics; without it, the panic is the joiner's to handle.
    pub fn on_panic(self, what: OnPanic) -> Self {
        Self {
            inner: self.inner.on_panic(what),
        }
    }

    /// Makes every operation a cancel point that gives way, also one that is ready: for tests, and for
    /// who comes from Trio.
    pub fn checkpoint_everywhere(self, on: bool) -> Self {
        Self {
            inner: self.inner.checkpoint_everywhere(on),
        }
    }

    /// Builds the kernel, on the thread that will run it.
    ///
    /// # Errors
    ///
    /// When this thread has a kernel already, or the backend cannot be had; the message says why.
    pub fn build(self) -> io::Result<Kernel> {
        Ok(Kernel(self.inner.build()?))
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
