//! The pool: a handle to worker processes, the kernel's own or others.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bibelot_kernel::{Cancelled, KernelHandle, KernelId, Wait, WaitFuture, wait_future};

use super::call::Call;
use super::error::ProcessError;
use super::function::ProcessFn;
use super::limits::ProcessLimits;
use super::line::Shared;
use super::run::RunInProcess;

thread_local! {
    /// The pool of the kernel of this thread.
    static OWN: RefCell<Option<(KernelId, ProcessPool)>> = const { RefCell::new(None) };
}

/// Worker processes of one's own, beside those of the kernel.
///
/// Nothing is started before the first call. The pool belongs to the kernel on which that is made; clones
/// are handles to the same pool. When the last one is dropped, idle processes are let go of, and busy ones
/// after their calls.
///
/// Curio: `ProcessPool`; `WorkerPool` with processes.
///
/// # Examples
///
/// ```no_run
/// use bibelot::process::{ProcessLimits, ProcessPool};
///
/// #[bibelot::process_fn]
/// fn longest(words: Vec<String>) -> Option<String> {
///     words.into_iter().max_by_key(String::len)
/// }
///
/// # async fn start() -> bibelot::Result<()> {
/// let pool = ProcessPool::new(ProcessLimits::new().processes_max(2));
/// let words = ["a", "few", "words"].map(String::from).to_vec();
/// assert_eq!(pool.run(longest, words).await?.as_deref(), Some("words"));
/// pool.close().await?;
/// # bibelot::Ok(()) }
/// ```
#[derive(Clone)]
#[doc(alias = "WorkerPool::processes")]
pub struct ProcessPool(Arc<Open>);

/// The handles to a pool; the drop of the last one closes it.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What a pool does right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessReport {
    /// Workers that are there; each has a process, or is about to start one.
    pub processes: usize,
    /// How many of them have nothing to do.
    pub idle: usize,
    /// Calls that wait for one.
    pub waiting: usize,
}

impl ProcessPool {
    /// A pool with these limits.
    #[must_use]
    pub fn new(limits: ProcessLimits) -> Self {
        Self(Arc::new(Open(Arc::new(Shared::new(limits)))))
    }

    /// Calls `function` in one of the pool's processes; see [`run_in_process`](crate::run_in_process).
    ///
    /// # Errors
    ///
    /// Those of `run_in_process`; [`ProcessError::Closed`] once it is closed;
    /// [`ProcessError::WrongKernel`] away from its kernel.
    ///
    /// # Cancellation
    ///
    /// As with `run_in_process`.
    #[track_caller]
    pub fn run<F, A, Via>(&self, function: F, arguments: A) -> RunInProcess<F::Out>
    where
        F: ProcessFn<A, Via>,
        A: serde::Serialize,
    {
        let site = Location::caller();
        RunInProcess::new(Some(self.clone()), function, &arguments, site)
    }

    /// What the pool does right now.
    #[must_use]
    pub fn report(&self) -> ProcessReport {
        self.0.0.report()
    }

    /// Takes no more calls, and waits until those it has are over and its processes have ended.
    ///
    /// # Errors
    ///
    /// [`Cancelled`].
    ///
    /// # Cancellation
    ///
    /// Leaves at once. The pool closes all the same; dropped before its first poll, too.
    #[track_caller]
    pub fn close(self) -> ClosePool {
        let shared = self.0.0.clone();
        shared.close();
        let end = shared.end.clone();
        ClosePool(wait_future(
            Wait::Process,
            Box::pin(async move { end.wait().await }),
        ))
    }

    pub(super) fn limits(&self) -> &ProcessLimits {
        &self.0.0.limits
    }

    /// Puts a call into the line.
    pub(super) fn submit(&self, call: Arc<Call>) -> Result<(), ProcessError> {
        self.0.0.submit(call)
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProcessPool").field(&self.report()).finish()
    }
}

/// The future of [`ProcessPool::close`].
#[must_use = "futures do nothing until polled"]
pub struct ClosePool(WaitFuture<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Future for ClosePool {
    type Output = Result<(), Cancelled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl fmt::Debug for ClosePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClosePool")
    }
}

/// What the pool does that [`run_in_process`](crate::run_in_process) uses on this thread's kernel.
///
/// # Panics
///
/// Without a kernel on this thread.
#[must_use]
pub fn report() -> ProcessReport {
    own().report()
}

/// The pool of this thread's kernel.
pub(super) fn own() -> ProcessPool {
    let kernel = current_kernel();
    let known = OWN.with_borrow(|own| {
        own.as_ref()
            .filter(|(of, _)| *of == kernel)
            .map(|(_, pool)| pool.clone())
    });
    known.unwrap_or_else(|| {
        let pool = ProcessPool::new(ProcessLimits::new());
        let older = OWN.replace(Some((kernel, pool.clone())));
        drop(older);
        pool
    })
}

/// Sets the limits of a kernel's pool, which nobody has used yet.
pub(crate) fn set_limits(kernel: KernelId, limits: ProcessLimits) {
    let older = OWN.replace(Some((kernel, ProcessPool::new(limits))));
    drop(older);
}

pub(super) fn current_kernel() -> KernelId {
    let kernel = KernelHandle::try_current();
    kernel
        .expect("a call in another process needs a kernel on this thread")
        .id()
}
