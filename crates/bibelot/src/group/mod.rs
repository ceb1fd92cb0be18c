//! Groups: tasks that do not outlive the code that started them.
//!
//! | File | What it holds |
//! |---|---|
//! | `task_group` | the owner's side: body, wait, end |
//! | `handle` | the group's handle: spawning, adopting, taking members as they end |
//! | `member` | one member's handle |
//! | `line` | who waits for room |
//! | `queued`, `start` | spawning that waits for room, or until the member is ready |
//! | `wait` | for what a group waits, and the traps in which it does |
//! | `state`, `waiters` | who is in the group, what became of them, and who is to be woken |
//! | `take`, `ends` | how results leave it, each once; one after the other |
//! | `outcome` | what a group leaves: every member's result |
//! | `error` | how members fail, one or several |
//!
//! # Promises
//!
//! - When a group has ended or was dropped, none of its members runs (one that is being polled right
//!   then ends with that poll).
//! - A member's result is given out once: to whoever joined it or took it as it ended, else by the
//!   outcome; failures that nobody was given go to the crash hook.
//! - No code of users runs under the group's lock.

mod ends;
mod error;
mod handle;
mod line;
mod member;
mod outcome;
mod queued;
mod start;
mod state;
mod take;
mod task_group;
mod wait;
mod waiters;

pub use ends::Ends;
pub use error::{AddError, AddRefusal, GroupClosed, GroupError, MemberError, NextError};
pub use handle::{CancelRemaining, Group, NextDone, NextResult};
pub use member::{JoinMember, Member};
pub use outcome::{Finished, Outcome};
pub use queued::{QueuedError, SpawnQueued};
pub use start::{Ready, Start, StartError};
pub use task_group::{TaskGroup, eager_group, task_group};
pub use wait::Wait;
