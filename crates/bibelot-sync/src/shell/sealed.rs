//! What a shell gives its primitives: a cell for state, a place for a value that is set once, a handle to a
//! value that is read by many.
//!
//! Public in name only: a user cannot write a shell, so that nobody has to trust one.

use std::ops::Deref;
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
    type Weak: Clone;

    fn new(data: D) -> Self;

    fn with<R>(&self, body: impl FnOnce(&mut Kept<D>) -> R) -> R;

    /// Looks at the state if nobody is in the middle of changing it.
    fn glance<R>(&self, body: impl FnOnce(&D) -> R) -> Option<R>;

    fn downgrade(&self) -> Self::Weak;

    fn upgrade(weak: &Self::Weak) -> Option<Self>;

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

/// A handle to a value that is read by many.
pub trait Shared<T>: Clone + Unpin + Deref<Target = T> {
    type Weak: Clone;

    fn new(value: T) -> Self;

    /// The value to be changed, while this is the only handle to it.
    fn sole(&mut self) -> Option<&mut T>;

    /// The value itself, if this is the only handle to it.
    fn into_sole(self) -> Result<T, Self>;

    fn count(&self) -> usize;

    fn downgrade(&self) -> Self::Weak;

    fn upgrade(weak: &Self::Weak) -> Option<Self>;

    /// How many handles a weak one could be made into.
    fn alive(weak: &Self::Weak) -> usize;
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
