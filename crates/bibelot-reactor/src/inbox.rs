//! The inbox: what has arrived at an object and waits for its next caller.
//!
//! What the operating system hands over late belongs to the listener or stream it came for, not to
//! whoever happened to ask. The inbox keeps it in order, weighs it, and remembers how the flow ended: the
//! end is told after everything that came before it.
//!
//! # Invariants
//!
//! - Items leave in the order of their arrival, and before the end.
//! - `weight` is the sum of the weights of the items inside.
//! - The end of a stream stays; an error is told once.

use std::collections::VecDeque;
use std::io;

/// What has arrived at an object, oldest first.
#[derive(Debug)]
pub struct Inbox<T> {
    /// The oldest item has a place of its own: most inboxes never hold a second one.
    first: Option<(T, usize)>,
    rest: VecDeque<(T, usize)>,
    weight: usize,
    end: Option<End>,
}

#[derive(Debug)]
enum End {
    OfStream,
    Error(io::Error),
}

impl<T> Inbox<T> {
    /// An empty inbox of something that goes on.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: None,
            rest: VecDeque::new(),
            weight: 0,
            end: None,
        }
    }

    /// Puts an item behind the others.
    pub fn push(&mut self, item: T, weight: usize) {
        self.weight += weight;
        if self.first.is_none() {
            self.first = Some((item, weight));
        } else {
            self.rest.push_back((item, weight));
        }
    }

    /// Forgets the items, not the end.
    pub fn clear(&mut self) {
        self.first = None;
        self.rest.clear();
        self.weight = 0;
    }

    /// Notes that nothing more will come.
    pub fn end(&mut self) {
        if self.end.is_none() {
            self.end = Some(End::OfStream);
        }
    }

    /// Notes an error, which is told after the items.
    pub fn fail(&mut self, error: io::Error) {
        if self.end.is_none() {
            self.end = Some(End::Error(error));
        }
    }

    /// Takes the oldest item, or learns of the end: `Ok(None)` is the end of the stream. `None` if
    /// neither has come.
    pub fn take(&mut self) -> Option<io::Result<Option<T>>> {
        if let Some((item, weight)) = self.first.take() {
            self.weight -= weight;
            self.first = self.rest.pop_front();
            return Some(Ok(Some(item)));
        }
        match self.end.take()? {
            End::OfStream => {
                self.end = Some(End::OfStream);
                Some(Ok(None))
            }
            End::Error(error) => Some(Err(error)),
        }
    }

    /// Whether [`take`](Self::take) would bring something.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.first.is_some() || self.end.is_some()
    }

    /// Whether the end was noted.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// How many items are inside.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    /// Whether no item is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The weight of all items inside.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.weight
    }
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_and_before_the_end() {
        let mut inbox = Inbox::new();
        inbox.push('a', 1);
        inbox.push('b', 2);
        inbox.end();
        inbox.push('c', 3);
        assert_eq!((inbox.len(), inbox.weight()), (3, 6));
        let taken: Vec<_> = std::iter::from_fn(|| inbox.take()?.ok()?).collect();
        assert_eq!(taken, ['a', 'b', 'c']);
        assert!(matches!(inbox.take(), Some(Ok(None))));
        assert!(matches!(inbox.take(), Some(Ok(None))));
        assert_eq!(inbox.weight(), 0);
    }

    #[test]
    fn an_error_is_told_once() {
        let mut inbox = Inbox::<u8>::new();
        inbox.fail(io::ErrorKind::ConnectionReset.into());
        assert!(matches!(inbox.take(), Some(Err(_))));
        assert!(inbox.take().is_none());
    }
}
