//! Why a wait ended without what it waited for: each error tells a request from what the primitive says.

use std::error::Error;
use std::fmt;

use bibelot_kernel::Cancelled;
use bibelot_sync as sync;

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

impl<T> From<sync::PutError<T>> for PutError<T> {
    fn from(closed: sync::PutError<T>) -> Self {
        Self::closed(closed.into_item())
    }
}

/// Why a queue or channel gave no item.
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

/// Why a semaphore gave no permit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// It is closed.
    #[error("the semaphore is closed")]
    Closed,
    /// The wait was asked to stop; nothing was taken.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why a wait ended without what it waited for, where only a close or the end of the other side can be the
/// reason: at a barrier, for a reservation, a length, a oneshot, a watch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClosedError {
    /// It was closed, or nobody is left on the other side.
    #[error("it is closed")]
    Closed,
    /// The wait was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why a broadcast gave no item.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BroadcastError {
    /// The receiver was too far behind, and has missed exactly so many items. The next call goes on after
    /// them.
    #[error("the receiver was too slow and has missed {0} items")]
    Lagged(u64),
    /// All senders are gone, and every item was received.
    #[error("all senders of the broadcast are gone")]
    Closed,
    /// The wait was asked to stop; nothing was received.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why a limiter lent no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BorrowError {
    /// The borrower has one already, and would wait for itself.
    #[error("the borrower has a token of the limiter already")]
    AlreadyBorrowed,
    /// The wait was asked to stop; nothing was taken.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What the primitives say, and what the facade's error says for it.
macro_rules! says {
    ($($error:ident :: $variant:ident <- $($plain:path),+;)*) => {$(
        $(impl From<$plain> for $error {
            fn from(_: $plain) -> Self {
                Self::$variant
            }
        })+
    )*};
}

says! {
    GetError::Closed <- sync::Closed;
    AcquireError::Closed <- sync::AcquireError;
    ClosedError::Closed <- sync::BarrierClosed, sync::Closed, sync::SenderGone, sync::SendersGone, sync::PutError<()>;
    BorrowError::AlreadyBorrowed <- sync::AlreadyBorrowed;
}

impl From<sync::BroadcastError> for BroadcastError {
    fn from(error: sync::BroadcastError) -> Self {
        match error {
            sync::BroadcastError::Lagged(missed) => Self::Lagged(missed),
            _ => Self::Closed,
        }
    }
}

/// For `?`: a request stays one, all else is that something is closed.
macro_rules! becomes_the_facades {
    ($($error:ident),*) => {$(
        impl From<$error> for crate::Error {
            fn from(error: $error) -> Self {
                match error {
                    $error::Cancelled(cancelled) => Self::Cancelled(cancelled),
                    $error::Closed => Self::Closed,
                }
            }
        }
    )*};
}

becomes_the_facades!(GetError, AcquireError, ClosedError);

impl From<BroadcastError> for crate::Error {
    fn from(error: BroadcastError) -> Self {
        match error {
            BroadcastError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            BroadcastError::Closed => Self::Closed,
            missed @ BroadcastError::Lagged(_) => Self::Io(std::io::Error::other(missed)),
        }
    }
}

impl From<BorrowError> for crate::Error {
    fn from(error: BorrowError) -> Self {
        match error {
            BorrowError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            twice @ BorrowError::AlreadyBorrowed => Self::Io(std::io::Error::other(twice)),
        }
    }
}
