//! What a queue keeps its items in, which decides the order in which they come out.

use std::collections::VecDeque;
use std::fmt;

/// The order of a queue: [`Fifo`], [`Lifo`] or [`Priority`](super::Priority).
///
/// Its methods run while the queue's state is borrowed or locked, so they call no code of users; that is
/// why the trait is sealed.
pub trait Store: sealed::Sealed + Default {
    /// What it holds.
    type Item;

    #[doc(hidden)]
    fn count(&self) -> usize;

    #[doc(hidden)]
    fn push(&mut self, item: Self::Item);

    #[doc(hidden)]
    fn pop(&mut self) -> Option<Self::Item>;

    /// Puts back what `pop` gave, as if it had never been taken.
    #[doc(hidden)]
    fn unpop(&mut self, item: Self::Item);

    /// Takes out what is to make way for another item: the oldest, or the least urgent.
    #[doc(hidden)]
    fn shed(&mut self) -> Option<Self::Item>;
}

/// First in, first out.
pub struct Fifo<T>(VecDeque<T>);

/// Last in, first out.
pub struct Lifo<T>(VecDeque<T>);

impl<T> Store for Fifo<T> {
    type Item = T;

    #[inline]
    fn count(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn push(&mut self, item: T) {
        self.0.push_back(item);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.0.pop_front()
    }

    fn unpop(&mut self, item: T) {
        self.0.push_front(item);
    }

    fn shed(&mut self) -> Option<T> {
        self.0.pop_front()
    }
}

impl<T> Store for Lifo<T> {
    type Item = T;

    #[inline]
    fn count(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn push(&mut self, item: T) {
        self.0.push_back(item);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.0.pop_back()
    }

    fn unpop(&mut self, item: T) {
        self.0.push_back(item);
    }

    fn shed(&mut self) -> Option<T> {
        self.0.pop_front()
    }
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Default for Lifo<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> fmt::Debug for Fifo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fifo({})", self.0.len())
    }
}

impl<T> fmt::Debug for Lifo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lifo({})", self.0.len())
    }
}

pub(super) mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::Fifo<T> {}
    impl<T> Sealed for super::Lifo<T> {}
}
