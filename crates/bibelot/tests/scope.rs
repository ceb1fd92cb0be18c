//! Scopes within one task, on every backend.
//!
//! | File | What it shows |
//! |---|---|
//! | `borrows` | children that borrow, their values, who is polled |
//! | `ends` | cancels, panics, drops, aborts |
//! | `model` | random trees of children against a model |
//! | `cleanup` | clean-up that awaits |
//! | `panics` | panics that nobody is given |

#[path = "scope/borrows.rs"]
mod borrows;
#[path = "scope/cleanup.rs"]
mod cleanup;
#[path = "scope/ends.rs"]
mod ends;
#[path = "scope/model.rs"]
mod model;
#[path = "scope/panics.rs"]
mod panics;
