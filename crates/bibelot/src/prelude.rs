//! What most programs name, for `use bibelot::prelude::*`.
//!
//! Nothing in it hides a name that the standard library gives every program. The crate's root does if all of
//! it is imported at once: [`Ok`](crate::Ok), [`Result`](crate::Result) and [`test`](macro@crate::test) take
//! the places of the standard ones, so its names are better imported one by one.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use bibelot::prelude::*;
//!
//! let got: Result<u32, Error> = run(async {
//!     let queue = Queue::unbounded();
//!     let source = queue.clone();
//!     spawn(async move { source.put(7).await });
//!     match timeout_after(Duration::from_secs(5), queue.get()).await {
//!         Err(error) if error.timed_out() => Ok(0),
//!         got => Ok(got?),
//!     }
//! });
//! assert!(matches!(got, Ok(7)));
//! ```

pub use crate::{
    AsCancelled, CancelScope, Cancelled, Cluster, Deadline, Error, Event, Kernel, Lock, Queue,
    Semaphore, Task, TaskError, TaskGroup, TcpListener, TcpStream, Wait, check_cancellation,
    gather, ignore_after, local_scope, open_connection, race, run, run_in_thread, shield, sleep,
    spawn, start_server, task_group, timeout_after, universal, with_cleanup, yield_now,
};
