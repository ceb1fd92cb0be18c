//! Why a queue did not take an item, or gave none.

use std::fmt;

/// The queue is closed; the item comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is closed")]
pub struct PutError<T>(pub T);

/// Why an item could not be put without waiting; it comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryPutError<T> {
    /// There is no room, or others wait for room.
    #[error("the queue is full")]
    Full(T),
    /// The queue takes nothing any more.
    #[error("the queue is closed")]
    Closed(T),
}

/// The queue is closed, and all that was put has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is closed and empty")]
pub struct Closed;

/// Why there was no item to be had without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryGetError {
    /// There is no item now.
    #[error("the queue is empty")]
    Empty,
    /// There is none, and none will come.
    #[error("the queue is closed and empty")]
    Closed,
}

/// More items were counted done than were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more items were counted done than were put")]
pub struct TooManyDone;

impl<T> PutError<T> {
    /// The item that was not put.
    pub fn into_item(self) -> T {
        self.0
    }
}

impl<T> TryPutError<T> {
    /// The item that was not put.
    pub fn into_item(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutError(..)")
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}
