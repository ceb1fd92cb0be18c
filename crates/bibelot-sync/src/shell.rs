//! The shells: one state machine, worn by the tasks of one thread or by anybody.
//!
//! A primitive is a handle to its state, and a shell says what holds the state: [`Local`] an `Rc` and a
//! `RefCell`, [`Universal`] an `Arc` and a mutex. All else is written once. A change runs through
//! `act`: it borrows the state, lets the machine change it and collect wakers, lets go, and wakes.
//!
//! # Invariants
//!
//! - No code of users runs while the state is borrowed or locked: no waker is cloned, woken or dropped,
//!   no item is dropped, nothing is formatted. So a `RefCell` is never found borrowed, and a mutex is
//!   held for a few dozen instructions.

mod holder;
pub(crate) mod sealed;

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use crate::mutex::Mutex;
use sealed::{Cell, Kept, Once, Shared};

/// What holds the state of a primitive: [`Local`] or [`Universal`].
pub trait Shell: sealed::Sealed + Sized + 'static {
    #[doc(hidden)]
    type Cell<D>: Cell<D>;
    #[doc(hidden)]
    type Once<T>: Once<T>;
    #[doc(hidden)]
    type Shared<T>: Shared<T>;
}

/// The shell for the tasks of one thread: no atomics, no locks, not `Send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {}

/// The shell for tasks and threads anywhere, under any executor or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Universal {}

impl Shell for Local {
    type Cell<D> = Rc<RefCell<Kept<D>>>;
    type Once<T> = Rc<OnceCell<T>>;
    type Shared<T> = Rc<T>;
}

impl Shell for Universal {
    type Cell<D> = Arc<Mutex<Kept<D>>>;
    type Once<T> = Arc<OnceLock<T>>;
    type Shared<T> = Arc<T>;
}

/// Prints a primitive by what `look` copies out of its state, without waiting for the state: if another
/// thread holds it at this moment, it says so.
pub(crate) fn print<D, F, const N: usize>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    cell: &impl Cell<D>,
    look: F,
) -> fmt::Result
where
    F: FnOnce(&D) -> [(&'static str, Figure); N],
{
    let figures = cell.glance(look);
    let mut out = f.debug_struct(name);
    match figures {
        None => out.field("state", &format_args!("in use")),
        Some(figures) => {
            for (name, figure) in &figures {
                out.field(name, figure);
            }
            &mut out
        }
    };
    out.finish()
}

/// One figure of a printed primitive.
pub(crate) enum Figure {
    Flag(bool),
    Count(usize),
    Number(u64),
    Bound(Option<usize>),
}

impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Bound(Some(bound)) => bound.fmt(f),
            Self::Bound(None) => f.write_str("unbounded"),
        }
    }
}
