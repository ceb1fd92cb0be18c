//! The load: how much each kernel has to do, and who gets the next task.

/// How much one kernel has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelLoad {
    /// Which kernel, by its place in the cluster.
    pub kernel: usize,
    /// How many tasks it has that have not ended and are no daemons, also those that its own tasks spawned.
    pub tasks: usize,
    /// How many tasks and connections were given to it that it has not begun.
    pub queued: usize,
}

impl KernelLoad {
    /// All that it has to do.
    #[must_use]
    pub fn total(&self) -> usize {
        self.tasks + self.queued
    }
}

/// Chooses among the kernels that take new tasks: the place in the list of the one that gets the next.
pub(super) type Choose = Box<dyn Fn(&[KernelLoad]) -> usize + Send + Sync>;
