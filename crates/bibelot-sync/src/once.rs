//! The result that is set once and read by many.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::blocking::{block_on, block_on_timeout};
use crate::event::{Event, Wait};
use crate::shell::sealed::Once;
use crate::shell::{Shell, Universal};

/// A result that somebody sets once, and any number of others wait for and read.
///
/// Clones are handles to the same result.
///
/// # Examples
///
/// ```
/// use bibelot_sync::OnceResult;
/// use std::thread;
///
/// let answer = OnceResult::<u32, String>::new();
/// let thinker = thread::spawn({
///     let answer = answer.clone();
///     move || answer.set(Ok(42)).unwrap()
/// });
/// assert_eq!(answer.get_blocking(), &Ok(42));
/// thinker.join().unwrap();
/// ```
#[doc(alias = "Promise")]
pub struct OnceResult<T, E, S: Shell> {
    value: S::Once<Result<T, E>>,
    set: Event<S>,
}

/// There was a result already; the new one comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the result was set already")]
pub struct AlreadySet<T, E>(pub Result<T, E>);

impl<T, E, S: Shell> OnceResult<T, E, S> {
    /// A result that is not there yet.
    #[must_use]
    pub fn new() -> Self {
        let (value, set) = (Once::new(), Event::new());
        Self { value, set }
    }

    /// Sets the result and releases all that wait for it.
    ///
    /// # Errors
    ///
    /// [`AlreadySet`] with `result`, when there is one.
    pub fn set(&self, result: Result<T, E>) -> Result<(), AlreadySet<T, E>> {
        self.value.set(result).map_err(AlreadySet)?;
        self.set.set();
        Ok(())
    }

    /// Waits for the result.
    ///
    /// # Cancellation
    ///
    /// Dropped, it leaves; the result stays for others.
    pub fn get(&self) -> Settled<'_, T, E, S> {
        let wait = self.set.wait();
        Settled { result: self, wait }
    }

    /// The result, if it is there.
    #[must_use]
    pub fn try_get(&self) -> Option<&Result<T, E>> {
        self.value.get()
    }

    /// Whether the result is there.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.value.get().is_some()
    }
}

impl<T, E> OnceResult<T, E, Universal> {
    /// [`get`](Self::get), blocking the thread.
    pub fn get_blocking(&self) -> &Result<T, E> {
        block_on(self.get())
    }

    /// [`get`](Self::get), blocking the thread for no longer than `limit`; `None` if the time was up
    /// first.
    pub fn get_timeout(&self, limit: Duration) -> Option<&Result<T, E>> {
        block_on_timeout(&mut self.get(), limit)
    }
}

impl<T, E, S: Shell> Clone for OnceResult<T, E, S> {
    fn clone(&self) -> Self {
        let (value, set) = (self.value.clone(), self.set.clone());
        Self { value, set }
    }
}

impl<T, E, S: Shell> Default for OnceResult<T, E, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E, S: Shell> fmt::Debug for OnceResult<T, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match self.value.get() {
            None => "none yet",
            Some(Ok(_)) => "ok",
            Some(Err(_)) => "error",
        };
        f.debug_struct("OnceResult")
            .field("value", &format_args!("{value}"))
            .field("set", &self.set)
            .finish()
    }
}

impl<T, E> fmt::Debug for AlreadySet<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlreadySet(..)")
    }
}

/// The wait for a [`OnceResult`], made by [`OnceResult::get`].
#[must_use = "a future does nothing until it is polled"]
pub struct Settled<'a, T, E, S: Shell> {
    result: &'a OnceResult<T, E, S>,
    wait: Wait<'a, S>,
}

impl<'a, T, E, S: Shell> Future for Settled<'a, T, E, S> {
    type Output = &'a Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let result = this.result;
        let value = || {
            result
                .value
                .get()
                .expect("the event is set after the value")
        };
        Pin::new(&mut this.wait).poll(cx).map(|()| value())
    }
}

impl<T, E, S: Shell> fmt::Debug for Settled<'_, T, E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settled")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}
