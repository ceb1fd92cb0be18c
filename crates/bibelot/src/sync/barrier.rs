//! The barrier: so many tasks wait for one another.

use std::fmt;

use bibelot_kernel::Wait;
use bibelot_sync::generic::{self, Shell};

use super::error::ClosedError;
use super::wait_or::WaitOr;

/// The future of [`Barrier::wait`].
pub type BarrierWait<'a, S> = WaitOr<generic::Arriving<'a, S>, ClosedError>;

/// Lets tasks through in rounds of a fixed number, when so many have come.
///
/// Clones are handles to the same barrier. It is used again and again: those who come after a round is
/// complete are of the next one.
///
/// # Examples
///
/// ```
/// use bibelot::{Barrier, spawn};
///
/// # bibelot::run(async {
/// let start = Barrier::new(3);
/// let runners: Vec<_> = (0..3)
///     .map(|_| {
///         let start = start.clone();
///         spawn(async move { start.wait().await })
///     })
///     .collect();
/// let mut last = 0;
/// for runner in runners {
///     last += usize::from(runner.await??.is_last);
/// }
/// assert_eq!(last, 1);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[doc(alias = "SchedBarrier")]
pub struct Barrier<S: Shell>(pub(super) generic::Barrier<S>);

impl<S: Shell> Barrier<S> {
    /// A barrier that lets `size` through at a time.
    ///
    /// # Panics
    ///
    /// When `size` is 0, or more than can wait in one line: 4,294,967,295.
    #[must_use]
    #[track_caller]
    pub fn new(size: usize) -> Self {
        Self(generic::Barrier::new(size))
    }

    /// Waits until so many have come. The one that completes the number does not wait.
    ///
    /// # Errors
    ///
    /// [`ClosedError`], when the barrier is closed or the wait was asked to stop.
    ///
    /// # Cancellation
    ///
    /// Cut or dropped before enough have come, it does not count any more, and the others wait for
    /// somebody else. Once enough have come it succeeds; dropped then, it has come, and the others go on.
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_, S> {
        WaitOr::new(Wait::Barrier, self.0.wait())
    }

    /// How many there are to a round.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// How many wait for the others.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.0.arrived()
    }

    /// Closes the barrier for good, as when one of the party has failed: all that wait, and all that
    /// come, get an error.
    pub fn close(&self) {
        self.0.close();
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl<S: Shell> Clone for Barrier<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Shell> fmt::Debug for Barrier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
