//! Why a semaphore gave no permits, or took none.

/// The semaphore was closed: it gives no more permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the semaphore is closed")]
pub struct AcquireError;

/// Why there was no permit to be had without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryAcquireError {
    /// There are not enough, or others wait for them.
    #[error("the semaphore has no permit free")]
    NoPermits,
    /// It gives no more permits.
    #[error("the semaphore is closed")]
    Closed,
}

/// There would be more permits than can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a semaphore of {bound} permits cannot have {more} more")]
pub struct TooManyPermits {
    pub(super) bound: usize,
    pub(super) more: usize,
}

/// More permits were given back than had been forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{count} permits were given back, but only {forgotten} had been forgotten")]
pub struct OverRelease {
    pub(super) count: usize,
    pub(super) forgotten: usize,
}
