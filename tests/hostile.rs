//! A hostile world: code of users that does what it should not, handles in the wrong place, and an
//! operating system that runs dry.
//!
//! | Module | What it shows |
//! |---|---|
//! | `run` | each backend in turn, under a watchdog |
//! | `meddler` | code of users that uses everything, or panics |
//! | `drops`, `wakers`, `listeners`, `groups` | such code wherever a kernel calls code of users |
//! | `chaos` | random code in all those places |
//! | `handles` | traps and handles on the wrong thread, the wrong kernel, or after their kernel |
//! | `crowds`, `memory` | depth, number and storms; memory that stays flat |
//! | `sockets` | peers that stall or reset, closes that meet |
//! | `threads` | threads that cannot be had |
//! | `processes` | forks, and descriptors that run out, in processes of their own |

#[path = "hostile/chaos.rs"]
mod chaos;
#[path = "hostile/crowds.rs"]
mod crowds;
#[path = "hostile/drops.rs"]
mod drops;
#[path = "hostile/groups.rs"]
mod groups;
#[path = "hostile/handles.rs"]
mod handles;
#[path = "hostile/listeners.rs"]
mod listeners;
#[path = "hostile/meddler.rs"]
mod meddler;
#[path = "hostile/memory.rs"]
mod memory;
#[path = "hostile/processes.rs"]
mod processes;
#[path = "hostile/run.rs"]
mod run;
#[path = "hostile/sockets.rs"]
mod sockets;
#[path = "hostile/threads.rs"]
mod threads;
#[path = "hostile/wakers.rs"]
mod wakers;
