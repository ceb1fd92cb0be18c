//! The event: a flag that tasks wait for. And the notification, which keeps no flag.

use std::fmt;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::generic::{self, Shell};

/// The future of [`Event::wait`].
pub type EventWait<'a, S> = WaitFuture<generic::Wait<'a, S>>;

/// The future of [`Notify::notified`].
pub type Notified<'a, S> = WaitFuture<generic::Notified<'a, S>>;

/// A flag that is set by one and waited for by many.
///
/// Clones are handles to the same event. Setting and clearing never wait.
///
/// Curio: `Event`; [`universal::Event`](crate::universal::Event) is `UniversalEvent`.
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
#[doc(alias = "UniversalEvent")]
pub struct Event<S: Shell>(pub(super) generic::Event<S>);

impl<S: Shell> Event<S> {
    /// An event that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self(generic::Event::new())
    }

    /// Sets the flag and releases all that wait, in the order in which they came.
    #[inline]
    pub fn set(&self) {
        self.0.set();
    }

    /// Clears the flag. Those that an earlier [`set`](Self::set) released stay released.
    #[inline]
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Whether the flag is set.
    #[must_use]
    #[inline]
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
    #[inline]
    pub fn wait(&self) -> EventWait<'_, S> {
        wait_future(Wait::Event, self.0.wait())
    }
}

impl<S: Shell> Clone for Event<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Shell> Default for Event<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Shell> fmt::Debug for Event<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Wakes one waiter, or all, when something has changed that they look at themselves.
///
/// A notification for one that finds nobody waiting is kept for the next who comes; two of them are
/// kept as one. Clones are handles to the same object.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let changed = bibelot::Notify::new();
/// changed.notify_one();
/// changed.notified().await?;
/// # bibelot::Ok(()) }).unwrap();
/// ```
pub struct Notify<S: Shell>(pub(super) generic::Notify<S>);

impl<S: Shell> Notify<S> {
    /// A notification that nobody has given yet.
    #[must_use]
    pub fn new() -> Self {
        Self(generic::Notify::new())
    }

    /// Releases the one that has waited longest; if nobody waits, the next who comes.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Releases all that wait at this moment: those parked, and those whose future was made before and
    /// has not been polled. Nothing is kept for those who come later.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits for a notification.
    ///
    /// The future counts for [`notify_all`](Self::notify_all) from now on: make it, look at what may have
    /// changed, then await it, and no notification falls in between.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop first.
    ///
    /// # Cancellation
    ///
    /// Leaves at once. A notification for one that it had been given ends the wait if it is asked to
    /// stop, and goes to the next if it is dropped.
    #[track_caller]
    pub fn notified(&self) -> Notified<'_, S> {
        wait_future(Wait::Event, self.0.notified())
    }
}

impl<S: Shell> Clone for Notify<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Shell> Default for Notify<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Shell> fmt::Debug for Notify<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
