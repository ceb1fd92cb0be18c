//! Events, locks and queues: the primitives of `bibelot_sync::local`, whose waits are blocking points.
//!
//! Each is a thin handle around its twin without cancellation. A wait polls the twin's future; asked to
//! stop while that is pending, it drops it, which leaves the line and hands on what had been granted.
//!
//! They are for the tasks of one kernel and not `Send`: the compiler says so where a task that holds one
//! is to be moved. Across threads, and under any executor, the twins at the root of `bibelot_sync` serve,
//! wrapped in [`cancellable`](crate::cancellable) where a request is to cut them.

mod condition;
mod event;
mod lock;
mod queue;
mod queue_error;
mod queue_put;
mod semaphore;

pub use condition::{Condition, ConditionWait};
pub use event::{Event, EventWait};
pub use lock::{Lock, Locking, Reading, RwLock, Writing};
pub use queue::{LifoQueue, Queue, QueueGet, QueueJoin, QueueOf};
pub use queue_error::{GetError, PutError};
pub use queue_put::QueuePut;
pub use semaphore::{Acquire, AcquireError, Semaphore};
