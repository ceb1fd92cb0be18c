//! Combinators: several futures inside one task, or several tasks awaited by one.
//!
//! | File | What it holds |
//! |---|---|
//! | `arm` | one future in a branch of its own, and what it gave |
//! | `list`, `tuple` | arms of different types in a row, and how tuples become one |
//! | `join`, `try_join`, `race`, `select` | all, all or the first error, the first of one type, the first of any |
//! | `gather`, `hub` | any number of futures of one type, each with a waker of its own |
//! | `wait` | rounds over tasks |
//!
//! Each arm is a [`branch`](crate::branch): a request to stop reaches every arm once, whoever beside it
//! has heard, and the code after them not again. Arms share their task's turn; for tasks of their own
//! there are [`spawn`](crate::spawn) and groups.

mod arm;
mod gather;
pub(crate) mod hub;
mod join;
mod list;
mod race;
mod select;
mod try_join;
mod tuple;
mod wait;

pub use gather::{Gather, gather};
pub use join::{Join, join};
pub use list::Either;
pub use race::{Race, race};
pub use select::{Select, select};
pub use try_join::{TryJoin, try_join};
pub use tuple::Tuple;
pub use wait::ReturnWhen::{AllCompleted, FirstCompleted};
pub use wait::{ReturnWhen, WaitError, WaitTasks, wait};
