//! The kernel as its users see it, on every backend.
//!
//! | File | What it shows |
//! |---|---|
//! | `lives` | building and running; one per thread; forgotten; stopped |
//! | `ends` | shutdown, drops, thread-locals, wakers that are left |
//! | `checkpoints` | what is a cancel point, and what may be made one |
//! | `crashes` | failures that nobody was given |
//! | `deadlines` | limits that are moved |
//! | `descriptors` | under a loop that belongs to somebody else |
//! | `joins` | who waits for a task, and who wakes it |
//! | `locals` | values that belong to tasks |
//! | `raw` | sends without an outbox |
//! | `shared` | what several wait for, and what is known without taking it |
//! | `tasks` | spawning, joining, cancelling, aborting, looking |
//! | `traces` | where a task waits |
//! | `turns` | order, budget, interludes, wakes from other threads |
//! | `scopes` | limits, shields, scopes, by hand |

#[path = "kernel/checkpoints.rs"]
mod checkpoints;
#[path = "kernel/crashes.rs"]
mod crashes;
#[path = "kernel/deadlines.rs"]
mod deadlines;
#[path = "kernel/descriptors.rs"]
mod descriptors;
#[path = "kernel/ends.rs"]
mod ends;
#[path = "kernel/joins.rs"]
mod joins;
#[path = "kernel/lives.rs"]
mod lives;
#[path = "kernel/locals.rs"]
mod locals;
#[path = "kernel/raw.rs"]
mod raw;
#[path = "kernel/scopes.rs"]
mod scopes;
#[path = "kernel/shared.rs"]
mod shared;
#[path = "kernel/tasks.rs"]
mod tasks;
#[path = "kernel/traces.rs"]
mod traces;
#[path = "kernel/turns.rs"]
mod turns;
