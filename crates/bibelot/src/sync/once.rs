//! The result that is set once and read by many.

use std::fmt;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::AlreadySet;
use bibelot_sync::generic::{self, Shell};

/// The future of [`OnceResult::get`].
pub type OnceResultGet<'a, T, E, S> = WaitFuture<generic::Settled<'a, T, E, S>>;

/// A result that somebody sets once, and any number of others wait for and read.
///
/// Clones are handles to the same result.
///
/// Curio: `Result`, `Promise`, whose `unwrap` raises what was set; [`universal::OnceResult`] is
/// `UniversalResult`. Setting it again is an error here, not an overwrite.
///
/// [`universal::OnceResult`]: crate::universal::OnceResult
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let answer = bibelot::OnceResult::<u32, String>::new();
/// let asking = bibelot::spawn({
///     let answer = answer.clone();
///     async move { answer.get().await.cloned() }
/// });
/// answer.set(Ok(42)).unwrap();
/// assert_eq!(asking.await??, Ok(42));
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[doc(alias = "Promise")]
#[doc(alias = "Result")]
#[doc(alias = "UniversalResult")]
pub struct OnceResult<T, E, S: Shell>(pub(super) generic::OnceResult<T, E, S>);

impl<T, E, S: Shell> OnceResult<T, E, S> {
    /// A result that is not there yet.
    #[must_use]
    pub fn new() -> Self {
        Self(generic::OnceResult::new())
    }

    /// Sets the result and releases all that wait for it.
    ///
    /// # Errors
    ///
    /// [`AlreadySet`] with `result`, when there is one.
    pub fn set(&self, result: Result<T, E>) -> Result<(), AlreadySet<T, E>> {
        self.0.set(result)
    }

    /// Waits for the result; at once, and without being a cancel point, if it is there.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop before the result was set.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, also when it is dropped; the result stays for others.
    #[track_caller]
    #[doc(alias = "unwrap")]
    pub fn get(&self) -> OnceResultGet<'_, T, E, S> {
        wait_future(Wait::Promise, self.0.get())
    }

    /// The result, if it is there.
    #[must_use]
    pub fn try_get(&self) -> Option<&Result<T, E>> {
        self.0.try_get()
    }

    /// Whether the result is there.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.is_set()
    }
}

impl<T, E, S: Shell> Clone for OnceResult<T, E, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, E, S: Shell> Default for OnceResult<T, E, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E, S: Shell> fmt::Debug for OnceResult<T, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
