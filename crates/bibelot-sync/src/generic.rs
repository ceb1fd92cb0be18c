//! The primitives for a shell `S` yet to be chosen, with the futures that they make.
//!
//! The crate's root names them for [`Universal`], [`local`](crate::local) for
//! [`Local`]. Code that shall serve both is written for any [`Shell`]:
//!
//! ```
//! use bibelot_sync::generic::{Event, Shell};
//!
//! async fn relay<S: Shell>(from: &Event<S>, to: &Event<S>) {
//!     from.wait().await;
//!     to.set();
//! }
//! ```

pub use crate::barrier::{Arriving, Barrier};
pub use crate::broadcast::{BroadcastReceiver, BroadcastSender, Receiving, broadcast};
pub use crate::channel::{Receiver, Sender, WeakSender, channel, rendezvous, unbounded};
pub use crate::condition::{Condition, Waiting, WaitingWhile};
pub use crate::event::{Event, Wait};
pub use crate::limiter::{Borrowing, CapacityLimiter, OwnedToken, Token};
pub use crate::lock::{Lock, LockGuard, Locking, OwnedLockGuard};
pub use crate::notify::{Notified, Notify};
pub use crate::once::{OnceResult, Settled};
pub use crate::once_cell::{
    GetOrInit, GetOrTryInit, OnceCell, OnceEntering, OnceEntry, OnceVacant,
};
pub use crate::oneshot::{
    OneshotClosed, OneshotReceiver, OneshotReceiving, OneshotSender, oneshot,
};
pub use crate::queue::{
    Closing, Drained, Fifo, Get, GetGuard, ItemGuard, Join, Lifo, OwnedItemGuard, OwnedPutPermit,
    Priority, Put, PutPermit, Queue, QueueBell, Reserving, Store, UntilLen, WeakQueue,
};
pub use crate::reentrant::{OwnedReentrantGuard, ReentrantGuard, ReentrantLock, ReentrantLocking};
pub use crate::rwlock::{
    OwnedReadGuard, OwnedWriteGuard, ReadGuard, Reading, RwLock, WriteGuard, Writing,
};
pub use crate::semaphore::{Acquire, OwnedPermit, Permit, Semaphore};
pub use crate::shell::{Local, Shell, Universal};
pub use crate::wait_line::{InLine, WaitLine};
pub use crate::watch::{Changed, Latest, WaitFor, WatchClosed, WatchReceiver, WatchSender, watch};
