//! The pleasures of David Beazley's Curio for Rust: structured tasks, cancellation that code can catch
//! and clean up after, nested timeouts, queues and streams, on io_uring or polling.
//!
//! ```
//! use std::time::Duration;
//! use bibelot::{sleep, spawn};
//!
//! #[bibelot::main]
//! async fn main() -> bibelot::Result<()> {
//!     let kid = spawn(async {
//!         sleep(Duration::from_millis(5)).await?;
//!         bibelot::Ok(2 * 2 + 3)
//!     });
//!     assert_eq!(kid.await??, 7);
//!     Ok(())
//! }
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `backend`, `kernel`, `run_error` | ways to the operating system; making and running kernels |
//! | `group` | tasks that do not outlive the code that started them |
//! | `combine` | several futures in one task |
//! | `sync`, `universal` | events, locks, queues and channels, within a kernel and across threads |
//! | `interval` | ticks at a fixed pace |
//! | `error` | the one error for `?` |
//! | `process` | functions in other processes (feature `process`) |
//! | `net`, `stream` | listeners, connections, servers; what all streams have |
//! | `signal`, `interrupt` | signals that ask for the end; Ctrl-C where nobody waits for it |
//! | `cluster`, `bridge` | several kernels, one a core; other executors |
//! | `thread` | jobs that block; threads that await |
//! | `prelude` | what most programs name, for an import by `*` |
//! | `contain` | panics that are nobody's result |
//! | `testing` | tests on one backend after another |

#![forbid(unsafe_code)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod backend;
pub mod bridge;
pub mod cluster;
mod combine;
mod contain;
mod error;
mod group;
mod interrupt;
mod interval;
mod kernel;
pub mod net;
pub mod prelude;
#[cfg(feature = "process")]
pub mod process;
mod run_error;
mod scope;
mod signal;
pub mod stream;
pub mod sync;
pub mod testing;
mod thread;
pub mod universal;

pub use backend::{Backend, HIDE_VARIABLE, REACTOR_VARIABLE};
pub use bibelot_kernel::{
    AlreadyRunning, AsCancelled, BackendInfo, CancelScope, Cancellation, Cancelled, Cause,
    Deadlock, KernelCounters, KernelHandle, KernelId, Limit, MainDropped, Observer, OnPanic, Panic,
    Poisoned, RecordReader, ScopeId, ShutdownReport, Suspended, Task, TaskBuilder, TaskError,
    TaskId, TaskInfo, TaskName, TaskState, Terminated, TimedOut, Turn, Wait as WaitReason, branch,
    cancellable, check_cancellation, clock, current, current_deadline, exit, ignore_after,
    ignore_at, is_running, on_shutdown, set_pending, shield, shield_for, sleep, sleep_until, spawn,
    take_pending, timeout_after, timeout_at, timeout_drop, try_current, yield_now,
};
pub use bibelot_kernel::{
    Crash, CrashKind, Deadline, IgnoreUntil, JoinShared, ParkedOp, ScopeAround, SharedTask,
    TaskLocal, TimeoutUntil, Traceback, WithLocal, crash_count, set_crash_hook, task_local,
    traceback, watch_errors_of,
};
#[cfg(feature = "process")]
pub use bibelot_macros::process_fn;
pub use bibelot_macros::{main, test};
pub use bibelot_timer::Instant;
pub use cluster::owner::Cluster;
pub use combine::{
    AllCompleted, Either, FirstCompleted, Gather, Join, Race, ReturnWhen, Select, TryJoin, Tuple,
    WaitError, WaitTasks, gather, join, race, select, try_join, wait,
};
pub use error::{Error, Result};
pub use group::{
    AddError, AddRefusal, CancelRemaining, Ends, Finished, Group, GroupClosed, GroupError,
    JoinMember, Member, MemberError, NextDone, NextError, NextResult, Outcome, QueuedError, Ready,
    SpawnQueued, Start, StartError, TaskGroup, Wait, eager_group, task_group,
};
pub use interrupt::CtrlCPolicy;
pub use interval::{Interval, MissedTick, Tick, interval};
pub use kernel::{Builder, Kernel, run, try_run};
pub use net::{
    connect::open_connection, listener::TcpListener, server::Server, server::start_server,
    tcp_stream::TcpStream,
};
#[cfg(feature = "process")]
pub use process::{ProcessError, ProcessPool, RunInProcess, run_in_process};
pub use run_error::RunError;
pub use scope::{
    Ended, LocalJoin, LocalScope, LocalTask, local_scope, try_local_scope, with_cleanup,
};
pub use signal::{AwaitSignal, ShutdownSignal, Signal, ctrl_c, shutdown_signal, terminate};
pub use sync::error::{AcquireError, BorrowError, BroadcastError, ClosedError, GetError, PutError};
pub use sync::local::{
    Barrier, BroadcastReceiver, BroadcastSender, CapacityLimiter, Condition, Event, LifoQueue,
    Lock, Notify, OnceCell, OnceResult, OneshotReceiver, OneshotSender, PriorityQueue, Queue,
    Receiver, ReentrantLock, RwLock, Semaphore, Sender, WaitLine, WatchReceiver, WatchSender,
    broadcast, channel, oneshot, rendezvous, unbounded, watch,
};
pub use thread::{
    AsyncThread, BlockInThread, ReleaseThread, ReserveThread, ReservedThread, RunInExecutor,
    RunInThread, ThreadCx, WorkerError, async_thread, block_in_thread, is_abandoned,
    reserve_thread, run_in_executor, run_in_thread, spawn_thread,
};

/// `Ok` with the facade's [`Error`], for the end of an `async` block with `?` in it.
#[expect(non_snake_case, reason = "it stands for the variant")]
pub const fn Ok<T>(value: T) -> Result<T> {
    Result::Ok(value)
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
