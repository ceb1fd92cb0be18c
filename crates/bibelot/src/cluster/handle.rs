//! The handle: a cluster from anywhere.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bibelot_kernel::{BackendInfo, Cancelled, KernelHandle, Wait};
use bibelot_sync::block_on_timeout;

use super::latch::WaitLatch;
use super::load::KernelLoad;
use super::member::{KernelPhase, Order};
use super::report::KernelReport;
use super::shared::Shared;
use super::spawn::{ClusterTaskBuilder, SpawnError};
use super::task::ClusterTask;

thread_local! {
    /// The cluster that this thread serves, and its place there.
    static HERE: RefCell<Option<(ClusterHandle, usize)>> = const { RefCell::new(None) };
}

/// Reaches a cluster from any thread and any task.
///
/// It keeps no kernel alive: once the [`Cluster`](crate::Cluster) was shut down, nothing more can be spawned.
/// Kernels are named by their places, from 0 on; all methods that take one panic when there is none.
#[derive(Clone)]
pub struct ClusterHandle(Arc<Shared>);

impl ClusterHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// The cluster that this thread serves, if it serves one.
    #[must_use]
    pub fn try_current() -> Option<Self> {
        HERE.with_borrow(|here| here.as_ref().map(|(handle, _)| handle.clone()))
    }

    /// The cluster that this thread serves.
    ///
    /// # Panics
    ///
    /// On a thread that is none of a cluster's.
    #[must_use]
    #[track_caller]
    pub fn current() -> Self {
        Self::try_current().expect("current() is called on a thread of a cluster")
    }

    /// The place of the kernel that this thread runs, if it is one of this cluster's.
    #[must_use]
    pub fn current_kernel(&self) -> Option<usize> {
        HERE.with_borrow(|here| {
            let (handle, place) = here.as_ref()?;
            Arc::ptr_eq(&handle.0, &self.0).then_some(*place)
        })
    }

    /// Makes this thread one of the cluster's, until the guard is dropped.
    pub(super) fn enter(self, place: usize) -> Entered {
        HERE.set(Some((self, place)));
        Entered
    }

    /// How many kernels there are, ended ones included.
    #[must_use]
    pub fn kernels(&self) -> usize {
        self.0.members.len()
    }

    /// What each kernel has to do, ended ones included.
    #[must_use]
    pub fn loads(&self) -> Vec<KernelLoad> {
        let members = self.0.members.iter().enumerate();
        members.map(|(kernel, it)| it.load(kernel)).collect()
    }

    /// How far a kernel has come.
    #[track_caller]
    #[must_use]
    pub fn phase(&self, kernel: usize) -> KernelPhase {
        self.0.member(kernel).phase()
    }

    /// How a kernel has ended, if it has, for whatever reason.
    #[track_caller]
    #[must_use]
    pub fn report(&self, kernel: usize) -> Option<KernelReport> {
        let member = self.0.member(kernel);
        member.ended.is_set().then(|| self.0.report(kernel))
    }

    /// Which backend a kernel runs on, and why.
    #[track_caller]
    #[must_use]
    pub fn backend(&self, kernel: usize) -> BackendInfo {
        let backend = self.0.member(kernel).backend();
        backend.expect("a cluster has its kernels").clone()
    }

    /// A kernel's handle: for monitors, and to post code there.
    #[track_caller]
    #[must_use]
    pub fn kernel(&self, kernel: usize) -> KernelHandle {
        let handle = self.0.member(kernel).kernel();
        handle.expect("a cluster has its kernels").clone()
    }

    /// Starts a task on the kernel with the least to do, or the one that the
    /// [hook](super::ClusterBuilder::choose) chooses.
    ///
    /// `make` is called there, inside the task, so its future need not be `Send`, and may use everything that
    /// belongs to that kernel. [`task`](Self::task) gives it a name, or makes it a daemon.
    ///
    /// # Errors
    ///
    /// [`SpawnError`], with `make`, when no kernel takes new tasks.
    #[track_caller]
    pub fn spawn<F, T>(&self, make: F) -> Result<ClusterTask<T>, SpawnError<F>>
    where
        F: AsyncFnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().spawn(make)
    }

    /// Starts a task on this kernel. See [`spawn`](Self::spawn).
    ///
    /// # Errors
    ///
    /// [`SpawnError`], with `make`, when that kernel takes no new tasks.
    #[track_caller]
    pub fn spawn_on<F, T>(&self, kernel: usize, make: F) -> Result<ClusterTask<T>, SpawnError<F>>
    where
        F: AsyncFnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().on(kernel).spawn(make)
    }

    /// What a task is spawned with besides its closure.
    pub fn task(&self) -> ClusterTaskBuilder<'_> {
        ClusterTaskBuilder::new(self)
    }

    /// Ends one kernel in good order, while the others go on, and waits for that.
    ///
    /// It gets nothing new from now on, and what listens there is taken over by another kernel, backlog and
    /// all. Its tasks are given `patience` to end by themselves, except daemons; what is left is cancelled and
    /// given the kernel's grace, as in every [shutdown](crate::Kernel::shutdown).
    ///
    /// A kernel that is stuck, because a task of it does not return from a poll, is waited for without an end:
    /// put a limit around this, or use [`drain_blocking`](Self::drain_blocking), which has one.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when the caller itself was asked to stop.
    ///
    /// # Cancellation
    ///
    /// The drain goes on; only the wait is left. A kernel waits for the end of the task that waits for its
    /// end no longer than `patience`.
    #[track_caller]
    pub fn drain(&self, kernel: usize, patience: Duration) -> Drain {
        let member = self.0.member(kernel);
        member.tell(Order::Drain(patience));
        Drain {
            end: member.ended.wait(Wait::Other),
            shared: self.0.clone(),
            kernel,
        }
    }

    /// The same, blocking the thread, which should be none of the cluster's. A kernel whose thread does not
    /// come back is reported as stuck after patience, grace and [stop
    /// limit](super::ClusterBuilder::stop_limit).
    #[track_caller]
    pub fn drain_blocking(&self, kernel: usize, patience: Duration) -> KernelReport {
        let limit = patience.saturating_add(self.0.grace);
        let limit = limit.saturating_add(self.0.stop_limit);
        let mut drain = self.drain(kernel, patience);
        let ended = block_on_timeout(&mut drain, limit);
        ended
            .and_then(Result::ok)
            .unwrap_or_else(|| self.0.report(kernel))
    }
}

impl fmt::Debug for ClusterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterHandle")
            .field("loads", &self.loads())
            .finish()
    }
}

/// This thread is one of a cluster's.
#[must_use]
pub(super) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        let here = HERE.take();
        drop(here);
    }
}

/// The future of [`ClusterHandle::drain`].
#[must_use = "futures do nothing until polled"]
pub struct Drain {
    end: WaitLatch,
    shared: Arc<Shared>,
    kernel: usize,
}

impl Future for Drain {
    type Output = Result<KernelReport, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = ready!(Pin::new(&mut self.end).poll(context));
        Poll::Ready(ended.map(|()| self.shared.report(self.kernel)))
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("kernel", &self.kernel)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
