//! The kernel as its users see it, on every backend.
//!
//! | File | What it shows |
//! |---|---|
//! | `lives` | building, running, ending; one per thread; forgotten, forked, left behind |
//! | `tasks` | spawning, joining, cancelling, aborting, looking |
//! | `turns` | order, budget, interludes, wakes from other threads |
//! | `scopes` | limits, shields, scopes, by hand |

#[path = "kernel/lives.rs"]
mod lives;
#[path = "kernel/scopes.rs"]
mod scopes;
#[path = "kernel/tasks.rs"]
mod tasks;
#[path = "kernel/turns.rs"]
mod turns;
