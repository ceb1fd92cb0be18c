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

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::{OnceLock, PoisonError};

use crate::mutex::{Arc, Mutex};
use sealed::{Cell, Kept, Once};

/// What holds the state of a primitive: [`Local`] or [`Universal`].
pub trait Shell: sealed::Sealed + Sized + 'static {
    #[doc(hidden)]
    type Cell<D>: Cell<D>;
    #[doc(hidden)]
    type Once<T>: Once<T>;
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
}

impl Shell for Universal {
    type Cell<D> = Arc<Mutex<Kept<D>>>;
    type Once<T> = std::sync::Arc<OnceLock<T>>;
}

impl<D> Cell<D> for Rc<RefCell<Kept<D>>> {
    fn new(data: D) -> Self {
        Rc::new(RefCell::new(Kept::new(data)))
    }

    #[inline]
    fn with<R>(&self, body: impl FnOnce(&mut Kept<D>) -> R) -> R {
        body(&mut self.borrow_mut())
    }

    fn glance<R>(&self, body: impl FnOnce(&D) -> R) -> Option<R> {
        self.try_borrow().ok().map(|kept| body(&kept.data))
    }
}

impl<D> Cell<D> for Arc<Mutex<Kept<D>>> {
    fn new(data: D) -> Self {
        Arc::new(Mutex::new(Kept::new(data)))
    }

    #[inline]
    fn with<R>(&self, body: impl FnOnce(&mut Kept<D>) -> R) -> R {
        // No code of users runs under the lock, so a poisoned one is a good one.
        body(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn glance<R>(&self, body: impl FnOnce(&D) -> R) -> Option<R> {
        self.try_lock().ok().map(|kept| body(&kept.data))
    }
}

impl<T> Once<T> for Rc<OnceCell<T>> {
    fn new() -> Self {
        Rc::default()
    }

    fn set(&self, value: T) -> Result<(), T> {
        OnceCell::set(self, value)
    }

    fn get(&self) -> Option<&T> {
        OnceCell::get(self)
    }
}

impl<T> Once<T> for std::sync::Arc<OnceLock<T>> {
    fn new() -> Self {
        std::sync::Arc::default()
    }

    fn set(&self, value: T) -> Result<(), T> {
        OnceLock::set(self, value)
    }

    fn get(&self) -> Option<&T> {
        OnceLock::get(self)
    }
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

/// Public in name only: a user cannot write a shell, so that nobody has to trust one.
pub(crate) mod sealed {
    use std::task::Waker;

    use super::{Local, Universal};
    use crate::wakes::{Wakes, wake};

    pub trait Sealed {}
    impl Sealed for Local {}
    impl Sealed for Universal {}

    /// A state machine with the buffer for its wakes.
    #[derive(Debug)]
    pub struct Kept<D> {
        pub(crate) data: D,
        pub(crate) wakes: Wakes,
    }

    impl<D> Kept<D> {
        pub(crate) fn new(data: D) -> Self {
            let wakes = Wakes::default();
            Self { data, wakes }
        }
    }

    /// A handle to state that is borrowed for one change at a time.
    pub trait Cell<D>: Clone + Unpin {
        fn new(data: D) -> Self;

        fn with<R>(&self, body: impl FnOnce(&mut Kept<D>) -> R) -> R;

        /// Looks at the state if nobody is in the middle of changing it.
        fn glance<R>(&self, body: impl FnOnce(&D) -> R) -> Option<R>;

        /// Looks at the state.
        #[inline]
        fn look<R>(&self, body: impl FnOnce(&D) -> R) -> R {
            self.with(|kept| body(&kept.data))
        }
    }

    /// A handle to a value that is set once.
    pub trait Once<T>: Clone + Unpin {
        fn new() -> Self;

        fn set(&self, value: T) -> Result<(), T>;

        fn get(&self) -> Option<&T>;
    }

    /// Changes the state, then wakes whom the change served.
    #[inline]
    pub(crate) fn act<D, R>(cell: &impl Cell<D>, body: impl FnOnce(&mut D, &mut Wakes) -> R) -> R {
        let (out, due) = cell.with(|kept| {
            let out = body(&mut kept.data, &mut kept.wakes);
            // The waker travels in registers: written as two words and read back as one, it would
            // stall the processor.
            let first = kept.wakes.take_first();
            (out, first.map(|first| (first, kept.wakes.take_more())))
        });
        match due {
            None => {}
            Some((first, None)) => wake(first),
            Some((first, Some(more))) => wake_many(cell, first, more),
        }
        out
    }

    #[cold]
    fn wake_many<D>(cell: &impl Cell<D>, first: Waker, mut more: Vec<Waker>) {
        wake(first);
        more.drain(..).for_each(wake);
        // The buffer goes home, unless another change has left one there meanwhile.
        let spare = cell.with(|kept| kept.wakes.keep(more));
        drop(spare);
    }
}
