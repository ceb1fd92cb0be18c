//! Several kernels, each on a thread of its own.

#[path = "cluster/common.rs"]
mod common;
#[path = "cluster/ends.rs"]
mod ends;
#[path = "cluster/messages.rs"]
mod messages;
#[path = "cluster/moving.rs"]
mod moving;
#[path = "cluster/programs.rs"]
mod programs;
#[path = "cluster/server.rs"]
mod server;
#[path = "cluster/tasks.rs"]
mod tasks;
