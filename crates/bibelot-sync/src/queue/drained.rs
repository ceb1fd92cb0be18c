//! All items of a queue, taken at once.

use std::fmt;
use std::iter::FusedIterator;

use super::store::Store;

/// The items that lay in a queue, in the order in which they would have been got; made by
/// [`Queue::drain`](super::Queue::drain). Those that are left are dropped with it.
#[derive(Default)]
pub struct Drained<B: Store> {
    items: B,
}

impl<B: Store> Drained<B> {
    pub(super) fn new(items: B) -> Self {
        Self { items }
    }
}

impl<B: Store> Iterator for Drained<B> {
    type Item = B::Item;

    fn next(&mut self) -> Option<B::Item> {
        self.items.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.items.count();
        (count, Some(count))
    }
}

impl<B: Store> ExactSizeIterator for Drained<B> {}

impl<B: Store> FusedIterator for Drained<B> {}

impl<B: Store> fmt::Debug for Drained<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Drained({})", self.items.count())
    }
}
