//! One thread's turn: tasks, timers, cancellation and operations, reached by traps.
//!
//! A [`Kernel`] runs futures as tasks on one thread, over any [`Backend`]. It knows no backend by name,
//! no socket, and makes no system call; a facade stands on its traps. Everything that can wait is a
//! [`Trap`] around an [`Op`], and so follows the rules of cancellation by itself.
//!
//! | File | What it holds |
//! |---|---|
//! | `kernel`, `builder`, `shutdown`, `exit`, `deadlock` | making, running and ending a kernel; a status for its end; runs that are stuck |
//! | `main_future`, `kernel_handle` | what `block_on` runs; a running kernel from other threads |
//! | `turn`, `run_task`, `ready`, `choose` | one pass; one poll; what comes next |
//! | `core`, `counters`, `home`, `remote` | the state; which kernel is here; how other threads reach it |
//! | `unseen`, `crash` | what becomes of tasks that have ended; failures nobody was given |
//! | `spawn`, `task`, `task_name`, `task_local`, `shared_task`, `task_error`, `join`, `panic`, `tasks`, `tag` | tasks, their handles, their table |
//! | `traceback` | where a task waits, as text |
//! | `trap`, `foreign`, `deliver`, `budget`, `current` | waiting, and being asked to stop while waiting |
//! | `cancel` | the value, the scopes and the rules |
//! | `sleep` | points in time |
//! | `io` | operations and objects: what the kernel has with its reactor |
//! | `record` | what monitors may read |
//! | `observer`, `backend`, `config`, `numbers` | who is told; the world; sizes; names |
//!
//! # Promises
//!
//! - A blocking point completes or is cancelled, never both and never neither; what completed first wins.
//! - No code of users runs under a borrow or lock of the kernel's, except a scheduler's and a chooser's
//!   own, which must not use the kernel.
//! - An idle kernel makes no turn.

#![deny(unsafe_code)]

mod backend;
mod budget;
mod builder;
mod cancel;
mod choose;
mod config;
mod core;
mod counters;
mod crash;
mod current;
mod deadlock;
mod deliver;
mod end_listener;
mod entry;
mod exit;
mod foreign;
mod home;
pub mod io;
mod join;
mod kernel;
mod kernel_handle;
mod main_future;
mod numbers;
mod observer;
mod panic;
mod quick;
mod ready;
mod record;
mod remote;
mod ring;
mod run_task;
mod shared_task;
mod shutdown;
mod sleep;
mod spare;
mod spawn;
mod tag;
mod task;
mod task_error;
mod task_local;
mod task_name;
mod tasks;
mod timers;
mod traceback;
mod trap;
mod turn;
mod unseen;
mod wait_future;

pub use backend::{Backend, BackendInfo, World};
pub use builder::Builder;
pub use cancel::{
    AsCancelled, CancelScope, Cancellable, Cancellation, Cancelled, Cause, Edge, Framed,
    IgnoreAfter, Limit, RunInEdge, RunInScope, ScopeId, TimedOut, TimeoutAfter, TimeoutDrop,
    ViaDyn, ViaError, ViaLocalDyn, branch, cancellable, check_cancellation, current_deadline,
    ignore_after, ignore_at, is_deaf, newest_request, set_pending, shield, shield_for,
    take_pending, timeout_after, timeout_at, timeout_drop,
};
pub use cancel::{Deadline, IgnoreUntil, TimeoutUntil};
pub use config::OnPanic;
pub use counters::KernelCounters;
pub use crash::{Crash, CrashKind, crash_count, failure, set_crash_hook, watch_errors_of};
pub use deadlock::Deadlock;
pub use end_listener::Listening;
pub use exit::{MainDropped, exit};
pub use home::KernelId;
pub use join::{EndOp, Join, JoinOp, JoinOwned, WaitEnd};
pub use kernel::{AlreadyRunning, Kernel, Poisoned, Turn, is_running};
pub use kernel_handle::{KernelEnded, KernelHandle};
pub use observer::{Observer, Suspended, Terminated};
pub use panic::Panic;
pub use quick::Quick;
pub use ready::ReadyTask;
pub use record::{Reason, RecordReader, TaskInfo, TaskState, Wait};
pub use shared_task::{JoinShared, SharedTask};
pub use shutdown::{ShutdownReport, on_shutdown};
pub use sleep::{Sleep, SleepOp, YieldNow, YieldOp, clock, sleep, sleep_until, yield_now};
pub use spawn::{TaskBuilder, spawn};
pub use task::{Task, TaskId};
pub use task_error::TaskError;
pub use task_local::{TaskLocal, WithLocal};
pub use task_name::{TaskName, current, try_current};
pub use traceback::{ParkedOp, ScopeAround, Traceback, traceback};
pub use trap::{Drained, Leave, Op, Park, Trap};
pub use wait_future::{FutureOp, WaitFuture, wait_future, wait_future_at};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
