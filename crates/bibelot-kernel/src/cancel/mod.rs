//! Cancellation: how limits, shields and requests interrupt code, and as what value.
//!
//! | File | What it holds |
//! |---|---|
//! | `cause`, `cancelled`, `as_cancelled` | the value that travels, and how any error is asked for it |
//! | `frame`, `chain`, `path` | the scopes around the code being polled |
//! | `request` | which request is due, and what telling it changes |
//! | `scope`, `unheard` | what the scopes' futures have in common; what their arms cannot hear |
//! | `limit`, `timeout_drop`, `framed`, `cancellable`, `stop` | the scopes' futures |
//! | `deadline`, `until` | limits that can be moved |
//! | `flag` | what stops a scope from anywhere |
//! | `spot` | where a trap parked |
//! | `check`, `taken` | asking and putting back by hand; what was taken |

mod as_cancelled;
mod cancellable;
mod cancelled;
mod cause;
mod chain;
mod check;
mod deadline;
mod flag;
mod frame;
mod framed;
mod limit;
pub(crate) mod path;
mod request;
mod scope;
mod spot;
mod stop;
mod taken;
mod timeout_drop;
mod unheard;
mod until;

pub use as_cancelled::{AsCancelled, ViaDyn, ViaError, ViaLocalDyn};
pub use cancellable::{Cancellable, cancellable};
pub use cancelled::{Cancellation, Cancelled};
pub use cause::{Cause, ScopeId};
pub use check::{check_cancellation, current_deadline, set_pending, take_pending};
pub use deadline::Deadline;
pub use framed::{Framed, branch, is_deaf, newest_request, shield, shield_for};
pub use limit::{
    IgnoreAfter, Limit, TimeoutAfter, ignore_after, ignore_at, timeout_after, timeout_at,
};

pub use stop::{CancelScope, Edge, RunInEdge, RunInScope};
pub use timeout_drop::{TimedOut, TimeoutDrop, timeout_drop};
pub use until::{IgnoreUntil, TimeoutUntil};

pub(crate) use frame::{Kind, Told};
pub(crate) use request::{Asked, Request, View, Wish, tell};
pub(crate) use spot::{Listed, Parking, Spot};
