//! Spawning: a closure goes to a kernel, and becomes a task there.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use bibelot_kernel::TaskBuilder;

use super::cell::{Cell, Ending};
use super::handle::ClusterHandle;
use super::member::Seat;
use super::task::ClusterTask;

/// What a task of a cluster is spawned with besides its closure; made by [`ClusterHandle::task`].
///
/// # Examples
///
/// ```
/// use bibelot::{Cluster, current};
///
/// let cluster = Cluster::builder().kernels(2).build()?;
/// let task = cluster.task().name("ticker").on(1).spawn(async || current().info().unwrap().name);
/// assert_eq!(task.unwrap().join_blocking().unwrap().as_deref(), Some("ticker"));
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClusterTaskBuilder<'a> {
    cluster: &'a ClusterHandle,
    how: How,
    kernel: Option<usize>,
}

/// What of it goes along to the kernel.
#[derive(Clone, Debug, Default)]
pub(super) struct How {
    name: Option<Arc<str>>,
    is_daemon: bool,
}

impl<'a> ClusterTaskBuilder<'a> {
    pub(super) fn new(cluster: &'a ClusterHandle) -> Self {
        Self {
            cluster,
            how: How::default(),
            kernel: None,
        }
    }

    /// The name it is shown by.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.how.name = Some(name.into());
        self
    }

    /// Nobody is expected to join it: it counts for no load, no drain waits for it, and it is cancelled with
    /// its kernel.
    pub fn daemon(mut self) -> Self {
        self.how.is_daemon = true;
        self
    }

    /// The kernel, by its place; the one with the least to do without this.
    pub fn on(mut self, kernel: usize) -> Self {
        self.kernel = Some(kernel);
        self
    }

    /// Starts the task. See [`ClusterHandle::spawn`].
    ///
    /// # Errors
    ///
    /// [`SpawnError`], with `make`, when that kernel, or any, takes no new tasks.
    ///
    /// # Panics
    ///
    /// When there is no such kernel.
    #[track_caller]
    pub fn spawn<F, T>(self, make: F) -> Result<ClusterTask<T>, SpawnError<F>>
    where
        F: AsyncFnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (shared, kernel) = (self.cluster.shared(), self.kernel);
        let seat = match kernel {
            Some(kernel) => Seat::take(shared, kernel),
            None => shared.seat(),
        };
        match seat {
            Some(seat) => Ok(begin(seat, self.how, make, Location::caller())),
            None => Err(SpawnError { kernel, make }),
        }
    }
}

/// A task was not taken; the closure that was to build it comes back.
#[derive(thiserror::Error)]
#[error("{} takes new tasks", match kernel { Some(_) => "that kernel no longer", None => "no kernel" })]
pub struct SpawnError<F> {
    /// The kernel that was asked; `None` when any would have done.
    pub kernel: Option<usize>,
    /// What was to build the task.
    pub make: F,
}

/// Sends a task to the kernel whose seat this is.
pub(super) fn begin<F, T>(
    seat: Seat,
    how: How,
    make: F,
    site: &'static Location<'static>,
) -> ClusterTask<T>
where
    F: AsyncFnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let cell = Cell::new();
    let task = ClusterTask::new(cell.clone(), seat.kernel());
    let kernel = seat.member_kernel();
    let ending = Ending::new(cell, seat);
    let sent = kernel.post(move || {
        let mut builder = TaskBuilder::new().at(site);
        if let Some(name) = how.name {
            builder = builder.name(name);
        }
        if how.is_daemon {
            builder = builder.daemon();
            ending.give_up_seat();
        }
        ending.begin(builder, async move { make().await });
    });
    // A kernel that has ended meanwhile gives the job back, and its drop ends the task.
    drop(sent);
    task
}

impl<F> fmt::Debug for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnError")
            .field("kernel", &self.kernel)
            .finish_non_exhaustive()
    }
}

impl<F> From<SpawnError<F>> for crate::Error {
    /// [`Closed`](crate::Error::Closed): what takes no new tasks now never will.
    fn from(_: SpawnError<F>) -> Self {
        Self::Closed
    }
}
