//! Why a queue did not take an item, or gave none.

use std::error::Error;
use std::fmt;

use bibelot_kernel::Cancelled;

/// Why an item was not put. The item comes back with it.
///
/// [`timed_out`](crate::AsCancelled::timed_out) and
/// [`is_cancelled`](crate::AsCancelled::is_cancelled) ask whether a limit or a request was the reason.
pub struct PutError<T> {
    /// The item. It is missing only from an error that was not made by a put, see the conversion from
    /// [`Cancelled`].
    pub item: Option<T>,
    reason: Option<Cancelled>,
}

impl<T> PutError<T> {
    pub(crate) fn closed(item: T) -> Self {
        Self {
            item: Some(item),
            reason: None,
        }
    }

    pub(crate) fn cancelled(item: Option<T>, cancelled: Cancelled) -> Self {
        Self {
            item,
            reason: Some(cancelled),
        }
    }

    /// The item that was not put.
    #[must_use]
    pub fn into_item(self) -> Option<T> {
        self.item
    }

    /// Whether the queue is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.reason.is_none()
    }

    /// The request that cut the put; `None` if the queue is closed.
    #[must_use]
    pub fn into_cancelled(self) -> Option<Cancelled> {
        self.reason
    }
}

impl<T> From<Cancelled> for PutError<T> {
    /// Without an item: for limits around code that never got as far as a put.
    fn from(cancelled: Cancelled) -> Self {
        Self::cancelled(None, cancelled)
    }
}

impl<T> From<PutError<T>> for crate::Error {
    fn from(error: PutError<T>) -> Self {
        error.reason.map_or(Self::Closed, Self::Cancelled)
    }
}

impl<T> Error for PutError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason
            .as_ref()
            .map(|cancelled| cancelled as &(dyn Error + 'static))
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            None => f.write_str("the queue is closed"),
            Some(cancelled) => write!(f, "the item was not put: {cancelled}"),
        }
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutError")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// Why a queue gave no item.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// The queue is closed, and all that was put has been taken.
    #[error("the queue is closed and empty")]
    Closed,
    /// The wait was asked to stop; nothing was taken.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<GetError> for crate::Error {
    fn from(error: GetError) -> Self {
        match error {
            GetError::Closed => Self::Closed,
            GetError::Cancelled(cancelled) => Self::Cancelled(cancelled),
        }
    }
}
