//! The event: a flag that tasks wait for.

use std::fmt;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::local;

/// The future of [`Event::wait`].
pub type EventWait<'a> = WaitFuture<local::Wait<'a>>;

/// A flag that is set by one and waited for by many.
///
/// Clones are handles to the same event. Setting and clearing never wait. It is for the tasks of one
/// kernel; [`bibelot_sync::Event`] is its twin for any thread.
///
/// Curio: `Event`.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let ready = bibelot::Event::new();
/// let waiter = bibelot::spawn({
///     let ready = ready.clone();
///     async move { ready.wait().await }
/// });
/// ready.set();
/// waiter.await??;
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Event(local::Event);

impl Event {
    /// An event that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and releases all that wait, in the order in which they came.
    pub fn set(&self) {
        self.0.set();
    }

    /// Clears the flag. Those that an earlier [`set`](Self::set) released stay released.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.is_set()
    }

    /// Waits until the flag is set; at once, and without being a cancel point, if it is.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop before the flag was set.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, also when it is dropped; nothing is lost. A wait that was released already
    /// succeeds.
    #[track_caller]
    pub fn wait(&self) -> EventWait<'_> {
        wait_future(Wait::Event, self.0.wait())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
