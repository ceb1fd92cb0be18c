//! Events, locks, queues and channels, whose waits are blocking points.
//!
//! Each is a thin handle around its twin in [`bibelot_sync`], which knows no cancellation. A wait polls the
//! twin's future; asked to stop while that is pending, it drops it, which leaves the line and hands on what
//! had been granted. What was granted first wins. Whoever looks at a task sees what it waits for, and where.
//!
//! Every primitive comes in two shells. Those at the [root](crate) of this crate are [`Local`]: for the
//! tasks of one kernel, without atomics or locks, and not `Send`: the compiler says so where a task that
//! holds one is to be moved. Those of [`universal`](crate::universal) serve tasks of any kernel, tasks of any
//! other executor, and plain threads, at once. Here are both, for a shell `S` yet to be chosen, with the
//! futures that they make and the guards that they give.
//!
//! ```
//! use bibelot::sync::{Event, Shell};
//!
//! async fn relay<S: Shell>(from: &Event<S>, to: &Event<S>) -> bibelot::Result<()> {
//!     from.wait().await?;
//!     to.set();
//!     Ok(())
//! }
//! ```

mod barrier;
mod broadcast;
mod channel;
mod condition;
pub(crate) mod error;
mod event;
mod limiter;
pub(crate) mod local;
mod lock;
mod once;
mod once_cell;
mod oneshot;
mod owner;
mod queue;
mod queue_fd;
mod queue_items;
mod queue_outside;
mod queue_put;
mod reentrant;
mod semaphore;
mod universal_blocking;
mod wait_line;
mod wait_or;
mod watch;

pub use barrier::{Barrier, BarrierWait};
pub use broadcast::{BroadcastReceiver, BroadcastRecv, BroadcastSender, broadcast};
pub use channel::{
    Receiver, Receiving, SendClosing, SendReserve, Sender, Sending, WeakSender, channel,
    rendezvous, unbounded,
};
pub use condition::{Condition, ConditionWait, ConditionWaitWhile};
pub use event::{Event, EventWait, Notified, Notify};
pub use limiter::{Borrowing, CapacityLimiter};
pub use lock::{Lock, Locking, Reading, RwLock, Writing};
pub use once::{OnceResult, OnceResultGet};
pub use once_cell::{GetOrInit, GetOrTryInit, OnceCell};
pub use oneshot::{
    OneshotClosing, OneshotReceiver, OneshotRecv, OneshotSender, OneshotWait, oneshot,
};
pub use queue::{Queue, QueueClosing, QueueGet, QueueGetGuard, QueueJoin, QueueReserve};
pub use queue_fd::QueueFd;
pub use queue_items::{Items, NextItem};
pub use queue_outside::{ChannelUntilLen, QueueUntilLen, WeakQueue};
pub use queue_put::QueuePut;
pub use reentrant::{ReentrantLock, ReentrantLocking};
pub use semaphore::{Acquire, Semaphore};
pub use wait_line::{Suspend, WaitLine};
pub use wait_or::WaitOr;
pub use watch::{WatchChanged, WatchClosing, WatchReceiver, WatchSender, WatchWaitFor, watch};

pub use bibelot_sync::generic::{
    Drained, Fifo, ItemGuard, Latest, Lifo, Local, LockGuard, OwnedItemGuard, OwnedLockGuard,
    OwnedPermit, OwnedPutPermit, OwnedReadGuard, OwnedReentrantGuard, OwnedToken, OwnedWriteGuard,
    Permit, Priority, PutPermit, ReadGuard, ReentrantGuard, Shell, Store, Token, Universal,
    WriteGuard,
};
pub use bibelot_sync::{
    AlreadySet, NoReceivers, OverRelease, Owner, Passed, Rank, SendError, SendersGone, SetError,
    Ticket, TooManyDone, TooManyPermits, TryAcquireError, TryBorrowError, TryBroadcastError,
    TryGetError, TryPutError, TryRecvError, WaitQueue,
};
