//! Several cores: a cluster of kernels, each on a thread of its own.
//!
//! Nothing is shared between the kernels but what is sent: closures that build tasks, results, requests, and
//! connections. A [`Cluster`](crate::Cluster) owns the threads; a [`ClusterHandle`] reaches it from anywhere, and
//! a [`ClusterTask`] is a task of one of its kernels as all others see it.
//!
//! | File | What it holds |
//! |---|---|
//! | `owner`, `builder` | the cluster, and what it is made with |
//! | `handle` | the cluster from anywhere |
//! | `spawn` | a closure on its way to a kernel |
//! | `task`, `cell` | the handle to a task of another kernel, and what it shares with the task |
//! | `shared`, `member`, `load` | the kernels as others see them; who gets the next task |
//! | `server`, `hall`, `ear` | one address served by all: its handle, what it is, its listeners |
//! | `life` | what a kernel's thread does |
//! | `latch` | what happens once, waited for from anywhere |
//! | `report` | how it all ended |

mod builder;
mod cell;
mod ear;
mod hall;
mod handle;
mod latch;
mod life;
mod load;
mod member;
pub(crate) mod owner;
mod report;
mod server;
mod shared;
mod spawn;
mod task;

pub use builder::ClusterBuilder;
pub use handle::{ClusterHandle, Drain};
pub use load::KernelLoad;
pub use member::KernelPhase;
pub use report::{ClusterReport, KernelEnd, KernelReport};
pub use server::{ClusterServer, Spread, StartClusterServer, WaitClusterServer};
pub use spawn::{ClusterTaskBuilder, SpawnError};
pub use task::{ClusterTask, JoinClusterTask, WaitClusterTask};
