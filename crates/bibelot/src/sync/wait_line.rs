//! The line: a wait in the program's own words, until somebody calls.

use std::fmt;

use bibelot_kernel::{Wait, WaitFuture, wait_future};
use bibelot_sync::generic::{self, Shell};

/// The future of [`WaitLine::suspend`].
pub type Suspend<'a, S> = WaitFuture<generic::InLine<'a, S>>;

/// A line to wait in: for primitives of your own.
///
/// Who has to wait is [suspended](Self::suspend), for a reason that a monitor shows; who changes what they wait
/// for [wakes](Self::wake) so many, the first of the line first, and they look themselves. Nothing is kept
/// for those who come later. Clones are handles to the same line.
///
/// Curio: `SchedFIFO`, and with [`wake_all`](Self::wake_all) `SchedBarrier`.
///
/// # Examples
///
/// A gate that lets through only while it is open:
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use bibelot::{WaitLine, spawn, yield_now};
///
/// # bibelot::run(async {
/// let (open, line) = (Rc::new(Cell::new(false)), WaitLine::new());
/// let visitor = spawn({
///     let (open, line) = (open.clone(), line.clone());
///     async move {
///         while !open.get() {
///             line.suspend("the gate to open").await?;
///         }
///         bibelot::Ok("inside")
///     }
/// });
/// yield_now().await?;
/// let info = visitor.info().unwrap();
/// assert_eq!(info.state.to_string(), "the gate to open");
/// open.set(true);
/// assert_eq!(line.wake_all(), 1);
/// assert_eq!(visitor.await??, "inside");
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[doc(alias = "SchedFIFO")]
#[doc(alias = "SchedBarrier")]
pub struct WaitLine<S: Shell>(pub(super) generic::WaitLine<S>);

impl<S: Shell> WaitLine<S> {
    /// A line with nobody in it.
    #[must_use]
    pub fn new() -> Self {
        Self(generic::WaitLine::new())
    }

    /// Waits in line until it is called. The place is taken at the first poll.
    ///
    /// `reason` is what a monitor shows of the waiting task; see [`WaitReason::named`](Wait::named).
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when it was asked to stop before it was called.
    ///
    /// # Cancellation
    ///
    /// Leaves at once. A call by [`wake`](Self::wake) ends the wait if it is asked to stop, and goes to the
    /// next if it is dropped.
    #[track_caller]
    pub fn suspend(&self, reason: &'static str) -> Suspend<'_, S> {
        wait_future(Wait::named(reason), self.0.wait())
    }

    /// Calls the first `count` of the line; how many there were.
    pub fn wake(&self, count: usize) -> usize {
        self.0.wake(count)
    }

    /// Calls all that are in line; how many there were.
    pub fn wake_all(&self) -> usize {
        self.0.wake_all()
    }

    /// How many are in line and were not called.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is in line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<S: Shell> Clone for WaitLine<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Shell> Default for WaitLine<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Shell> fmt::Debug for WaitLine<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
