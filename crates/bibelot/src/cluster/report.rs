//! The report: how a cluster ended, kernel by kernel.

use std::fmt;

use bibelot_kernel::{ShutdownReport, TaskInfo};

/// How a cluster ended.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ClusterReport {
    /// Each kernel's end, in the order of their places.
    pub kernels: Vec<KernelReport>,
}

/// How one kernel of a cluster ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KernelReport {
    /// Which kernel, by its place in the cluster.
    pub kernel: usize,
    /// How it ended.
    pub end: KernelEnd,
}

/// How a kernel's thread came to its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KernelEnd {
    /// It shut down, with this report; its `failure` says so if it could not go on before that.
    ShutDown(ShutdownReport),
    /// The kernel's thread panicked outside any task, with this message.
    Panicked(String),
    /// The thread did not come back in time, and was left to itself: these tasks were there.
    Stuck(Vec<TaskInfo>),
}

impl ClusterReport {
    /// Whether every kernel ended by itself, with all its tasks, and sent everything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.kernels.iter().all(KernelReport::is_clean)
    }
}

impl KernelReport {
    /// Whether it ended by itself, with all its tasks, and sent everything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        matches!(&self.end, KernelEnd::ShutDown(report) if report.is_clean())
    }
}

impl fmt::Display for KernelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel {} ", self.kernel)?;
        match &self.end {
            KernelEnd::ShutDown(report) if report.is_clean() => f.write_str("ended"),
            KernelEnd::ShutDown(report) => {
                write!(
                    f,
                    "ended with {} tasks aborted and {} bytes unsent",
                    report.aborted.len(),
                    report.io.unsent_bytes
                )?;
                match &report.failure {
                    Some(failure) => write!(f, ": {failure}"),
                    None => Ok(()),
                }
            }
            KernelEnd::Panicked(message) => write!(f, "panicked: {message}"),
            KernelEnd::Stuck(tasks) => {
                write!(f, "is stuck, with {} tasks:", tasks.len())?;
                tasks.iter().try_for_each(|task| write!(f, " {task};"))
            }
        }
    }
}
