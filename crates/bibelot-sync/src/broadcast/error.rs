//! Why a broadcast gave no item, or took none.

use std::fmt;

/// Why a receiver of a broadcast got no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BroadcastError {
    /// It was too far behind, and has missed exactly so many items. The next call goes on after them.
    #[error("the receiver was too slow and has missed {0} items")]
    Lagged(u64),
    /// All senders are gone, and every item was received.
    #[error("all senders of the broadcast are gone")]
    Closed,
}

/// Why a receiver of a broadcast got no item without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryBroadcastError {
    /// There is none now.
    #[error("there is no item of the broadcast to be received")]
    Empty,
    /// As [`BroadcastError::Lagged`].
    #[error("the receiver was too slow and has missed {0} items")]
    Lagged(u64),
    /// As [`BroadcastError::Closed`].
    #[error("all senders of the broadcast are gone")]
    Closed,
}

/// Nobody receives the broadcast; the item comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the broadcast has no receivers")]
pub struct NoReceivers<T>(pub T);

impl<T> fmt::Debug for NoReceivers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoReceivers(..)")
    }
}
