//! The builder: what a cluster is made with, each by a value.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use bibelot_sys::{bind_to_processor, processors, start_thread};

use super::life;
use super::load::{Choose, KernelLoad};
use super::owner::Cluster;
use super::shared::Shared;
use crate::Backend;
use crate::kernel::{Builder, Kernel};

type Configure = Arc<dyn Fn(usize, Builder) -> Builder + Send + Sync>;

/// Makes clusters; made by [`Cluster::builder`].
#[must_use]
pub struct ClusterBuilder {
    kernels: Option<usize>,
    backend: Backend,
    is_pinned: bool,
    name: String,
    grace: Duration,
    stop_limit: Duration,
    configure: Option<Configure>,
    choose: Option<Choose>,
}

impl ClusterBuilder {
    pub(super) fn new() -> Self {
        Self {
            kernels: None,
            backend: Backend::Auto,
            is_pinned: false,
            name: "kernel".to_owned(),
            grace: Duration::from_secs(10),
            stop_limit: Duration::from_secs(10),
            configure: None,
            choose: None,
        }
    }

    /// How many kernels; as many as processors this process may use without it.
    pub fn kernels(mut self, kernels: usize) -> Self {
        self.kernels = Some(kernels);
        self
    }

    /// The way to the world of each kernel; [`Backend::Auto`] without it.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Whether each kernel's thread is bound to one processor, in turns among those that this process may
    /// use; not without it.
    pub fn pinned(mut self, on: bool) -> Self {
        self.is_pinned = on;
        self
    }

    /// What the threads are called, each with its number; `kernel` without it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long kernels that end give their cancelled tasks, where no other time is asked for; 10 s without
    /// it.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How much longer than the grace [`Cluster::shutdown`] waits for the kernels' threads: for what was
    /// written to be sent, for operations to end, and for a task that never comes back to be named; 10 s
    /// without it.
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.stop_limit = limit;
        self
    }

    /// Changes what a kernel is made with. It is called on the kernel's thread, with its place.
    pub fn configure(
        mut self,
        configure: impl Fn(usize, Builder) -> Builder + Send + Sync + 'static,
    ) -> Self {
        self.configure = Some(Arc::new(configure));
        self
    }

    /// Chooses the kernel that gets the next task or connection, in place of the one with the least to do.
    ///
    /// It is given the loads of those that take new tasks, of which there is at least one, and answers with
    /// a place in that list; beyond its end counts as the least loaded, and so does a panic, of which the
    /// [crash hook](crate::set_crash_hook) is told. It is called on whichever thread asks, so it should be
    /// short.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::Cluster;
    ///
    /// // The first kernel does the accepting, and little else.
    /// let cluster = Cluster::builder()
    ///     .kernels(3)
    ///     .choose(|loads| {
    ///         let others = loads.iter().enumerate().filter(|(_, load)| load.kernel != 0);
    ///         others.min_by_key(|(_, load)| load.total()).map_or(0, |(place, _)| place)
    ///     })
    ///     .build()?;
    /// let task = cluster.spawn(async || ()).unwrap();
    /// assert_ne!(task.kernel(), 0);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn choose(
        mut self,
        choose: impl Fn(&[KernelLoad]) -> usize + Send + Sync + 'static,
    ) -> Self {
        self.choose = Some(Box::new(choose));
        self
    }

    /// Starts the threads, and returns when each has its kernel.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for no kernels at all; when a thread, its processor or
    /// its backend cannot be had, which the message says of which kernel. Those that were started have
    /// ended by then.
    pub fn build(self) -> io::Result<Cluster> {
        let processors = processors()?;
        let kernels = self.kernels.unwrap_or(processors.len());
        if kernels == 0 {
            let message = "a cluster needs at least one kernel";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let shared = Shared::new(kernels, self.choose, self.grace, self.stop_limit);
        // Dropped at an error below, it ends those that were started.
        let cluster = Cluster::new(shared.clone());
        let mut starting = Vec::new();
        for place in 0..kernels {
            let (backend, grace) = (self.backend, self.grace);
            let configure = self.configure.clone();
            let processor = self.is_pinned.then(|| processors[place % processors.len()]);
            let build = move || {
                if let Some(processor) = processor {
                    bind_to_processor(processor)?;
                }
                let builder = Kernel::builder().backend(backend).grace(grace);
                Ok(match configure {
                    Some(configure) => configure(place, builder),
                    None => builder,
                })
            };
            let (built, is_built) = channel();
            let there = shared.clone();
            let name = format!("{}-{place}", self.name);
            let thread = start_thread(&name, move || life::live(there, place, build, &built))
                .map_err(|error| of_kernel(place, &error))?;
            shared.members[place].set_thread(thread);
            starting.push(is_built);
        }
        for (place, is_built) in starting.into_iter().enumerate() {
            // Nothing comes when `configure` panics.
            let built = is_built
                .recv()
                .unwrap_or_else(|_| Err(io::Error::other("its thread ended")));
            built.map_err(|error| of_kernel(place, &error))?;
        }
        Ok(cluster)
    }
}

fn of_kernel(place: usize, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("kernel {place}: {error}"))
}

impl fmt::Debug for ClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterBuilder")
            .field("kernels", &self.kernels)
            .field("backend", &self.backend)
            .field("pinned", &self.is_pinned)
            .finish_non_exhaustive()
    }
}
