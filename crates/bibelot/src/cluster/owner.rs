//! The cluster: several kernels, each on a thread of its own.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use bibelot_kernel::Wait;
use bibelot_sync::block_on_timeout;

use super::builder::ClusterBuilder;
use super::handle::ClusterHandle;
use super::latch::WaitLatch;
use super::report::ClusterReport;
use super::shared::Shared;

/// Several kernels, each on a thread of its own, one a core.
///
/// A kernel of a cluster is a kernel like any other: single-threaded inside, so that what its tasks share
/// needs no locks. Between them go closures, which are `Send`, and build futures, which need not be, on the
/// kernel that is chosen for them: see [`spawn`](ClusterHandle::spawn) and
/// [`spawn_on`](ClusterHandle::spawn_on). It dereferences to its [`ClusterHandle`], which may be cloned and
/// taken anywhere.
///
/// Dropping it is [`shutdown`](Self::shutdown) with the grace that it was built with, without the report;
/// on a thread of its own it only asks, and does not wait.
///
/// # Examples
///
/// ```
/// use bibelot::{Cluster, sleep};
/// use std::rc::Rc;
/// use std::time::Duration;
///
/// let cluster = Cluster::builder().kernels(2).build()?;
/// let task = cluster
///     .spawn(async || {
///         // It never leaves its kernel, so it may hold what is not `Send`.
///         let shared = Rc::new(6);
///         sleep(Duration::from_millis(1)).await?;
///         bibelot::Ok(*shared * 7)
///     })
///     .unwrap();
/// assert_eq!(task.join_blocking().unwrap().unwrap(), 42);
/// assert!(cluster.shutdown(Duration::from_secs(1)).is_clean());
/// # std::io::Result::Ok(())
/// ```
pub struct Cluster {
    handle: ClusterHandle,
    is_down: bool,
}

impl Cluster {
    /// A builder of clusters.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::new()
    }

    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            handle: ClusterHandle::new(shared),
            is_down: false,
        }
    }

    /// A handle that may be cloned and taken anywhere.
    #[must_use]
    pub fn handle(&self) -> ClusterHandle {
        self.handle.clone()
    }

    /// Ends all kernels, and says of each how it ended.
    ///
    /// Their tasks are cancelled, and given `grace` to end; what is left is aborted and named. What was
    /// written is sent, within the kernels' linger time. A kernel whose thread does not come back within the
    /// [stop limit](ClusterBuilder::stop_limit) after that, because a task of it does not, is left to itself
    /// and reported as stuck, with its tasks.
    ///
    /// It blocks the thread, which should be none of the cluster's.
    pub fn shutdown(mut self, grace: Duration) -> ClusterReport {
        self.shut_down(grace);
        let shared = self.handle.shared();
        let kernels = 0..shared.members.len();
        ClusterReport {
            kernels: kernels.map(|kernel| shared.report(kernel)).collect(),
        }
    }

    fn shut_down(&mut self, grace: Duration) {
        self.is_down = true;
        let shared = self.handle.shared();
        shared.stop(grace);
        if self.handle.current_kernel().is_some() {
            return;
        }
        let waits = shared.members.iter();
        let waits = waits.filter_map(|member| {
            // One that was never started never ends.
            let thread = member.take_thread()?;
            let wait = member.ended.wait(Wait::Other);
            Some((thread, wait))
        });
        let (threads, waits): (Vec<_>, Vec<_>) = waits.unzip();
        let limit = grace.saturating_add(shared.stop_limit);
        let mut all = AllEnded(waits);
        let all_ended = block_on_timeout(&mut all, limit).is_some();
        for thread in threads {
            // It has set its latch as the last thing it does; a thread that is stuck is left to itself.
            if all_ended || thread.is_finished() {
                thread.join();
            }
        }
    }
}

impl Deref for Cluster {
    type Target = ClusterHandle;

    fn deref(&self) -> &ClusterHandle {
        &self.handle
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.is_down {
            // A thread that is unwinding does not wait for tasks.
            let is_patient = !thread::panicking();
            let grace = self.handle.shared().grace;
            self.shut_down(if is_patient { grace } else { Duration::ZERO });
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cluster").field(&self.handle).finish()
    }
}

/// Waits for the end of several kernels.
struct AllEnded(Vec<WaitLatch>);

impl Future for AllEnded {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0
            .retain_mut(|wait| Pin::new(wait).poll(context).is_pending());
        if self.0.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
