//! Scopes within one task: children that borrow, and clean-up that awaits.
//!
//! | File | What it holds |
//! |---|---|
//! | `local` | the owner's side: body and children polled in turn, ended together |
//! | `handle`, `child` | spawning; one child, and the handle that waits for it |
//! | `state` | who is in a scope |
//! | `cleanup` | what runs however a body ends |

mod child;
mod cleanup;
mod handle;
mod local;
mod state;

pub use child::{LocalJoin, LocalTask};
pub use cleanup::{Ended, with_cleanup};
pub use handle::LocalScope;
pub use local::{local_scope, try_local_scope};
