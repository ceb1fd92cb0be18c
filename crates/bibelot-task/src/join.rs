//! The join handle: what a task comes to, awaited from any thread.
//!
//! For executors that keep what they know of a task elsewhere there is
//! [`TaskRef`](crate::TaskRef), which does the same at home without atomics.

#![allow(unsafe_code, reason = "reads the output out of the cell")]

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::hand_over::Look;
use crate::panic::{PanicPayload, Site};
use crate::raw::RawTask;
use crate::schedule::Schedule;

/// Why a task gave no value.
#[non_exhaustive]
pub enum JoinError {
    /// The future was dropped before it returned: aborted, abandoned by its scheduler, or its home ended.
    Aborted,
    /// The future panicked; pass the payload to `std::panic::resume_unwind` to go on unwinding.
    Panicked(PanicPayload),
}

/// Waits for a task: a future of what it returns.
///
/// It may be awaited on any thread if the value may travel. Dropping it detaches the task, which goes
/// on; the value is then dropped where the task runs.
///
/// # Cancellation
///
/// Dropping the handle while it waits loses nothing but the value.
#[must_use = "dropping a join handle detaches its task"]
pub struct JoinHandle<T, S: Schedule> {
    /// `None` after the result was given.
    task: Option<RawTask<S>>,
    output: PhantomData<T>,
}

// SAFETY: it takes or drops a `T` on whichever thread it is, and nothing else of the task's.
unsafe impl<T: Send, S: Schedule> Send for JoinHandle<T, S> {}
// SAFETY: through a shared reference it asks for the end, or whether it came; both are atomic.
unsafe impl<T: Send, S: Schedule> Sync for JoinHandle<T, S> {}

impl<T, S: Schedule> JoinHandle<T, S> {
    /// Takes over a counted reference to a task of which this is the only handle.
    pub(crate) fn new(task: RawTask<S>) -> Self {
        Self {
            task: Some(task),
            output: PhantomData,
        }
    }

    /// Asks for the task's end, from any thread: it is woken, and its next run drops the future.
    ///
    /// A task that returns in the poll under way has returned. Await the handle to learn which.
    pub fn abort(&self) {
        if let Some(task) = self.task {
            task.ask_end();
        }
    }

    /// Lets the task go on by itself.
    pub fn detach(self) {}

    /// Whether the task has ended: the next poll gives the result, or it has been given.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.task
            .is_none_or(|task| task.header().state.is_handed_over())
    }

    /// Takes what the ended task came to.
    fn finish(&mut self, task: RawTask<S>, has_output: bool) -> Result<T, JoinError> {
        let result = if has_output {
            // SAFETY: the task has ended with an output, which is a `T` and the handle's.
            unsafe { task.read_output::<T>() }.map_err(JoinError::Panicked)
        } else {
            Err(JoinError::Aborted)
        };
        self.task = None;
        // SAFETY: the handle's reference, not used again.
        unsafe { task.release() };
        result
    }
}

impl<T, S: Schedule> Unpin for JoinHandle<T, S> {}

impl<T, S: Schedule> Future for JoinHandle<T, S> {
    type Output = Result<T, JoinError>;

    /// # Panics
    ///
    /// After it gave the result.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.task.expect("a join handle gives its result once");
        let header = task.header();
        if let Look::Ended { has_output } = header.state.claim_slot() {
            return Poll::Ready(self.finish(task, has_output));
        }
        // The slot is ours until it is given. A clone that panics leaves it empty.
        let mut before = None;
        if !header.has_joiner(context.waker()) {
            before = header.replace_joiner(None);
            let waker = context.waker().clone();
            header.replace_joiner(Some(waker));
        }
        let look = header.state.give_slot();
        task.drop_joiner(before);
        match look {
            Look::Pending => Poll::Pending,
            Look::Ended { has_output } => {
                task.drop_joiner(header.replace_joiner(None));
                Poll::Ready(self.finish(task, has_output))
            }
        }
    }
}

impl<T, S: Schedule> Drop for JoinHandle<T, S> {
    fn drop(&mut self) {
        let Some(task) = self.task else { return };
        let header = task.header();
        match header.state.leave() {
            Look::Pending => task.drop_joiner(header.replace_joiner(None)),
            Look::Ended { has_output: false } => {}
            Look::Ended { has_output: true } => {
                // SAFETY: the task has ended with an output, which is the handle's.
                let payload = unsafe { (header.vtable.drop_output)(task.0) };
                header.report(Site::OutputDrop, payload);
            }
        }
        // SAFETY: the handle's reference goes with it.
        unsafe { task.release() };
    }
}

impl<T, S: Schedule> fmt::Debug for JoinHandle<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Aborted => f.write_str("Aborted"),
            JoinError::Panicked(_) => write!(f, "Panicked({:?})", text(self).unwrap_or("..")),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, text(self)) {
            (JoinError::Aborted, _) => f.write_str("the task was aborted"),
            (JoinError::Panicked(_), Some(text)) => write!(f, "the task panicked: {text}"),
            (JoinError::Panicked(_), None) => f.write_str("the task panicked"),
        }
    }
}

impl core::error::Error for JoinError {}

/// The text of a panic, if it has one.
fn text(error: &JoinError) -> Option<&str> {
    let JoinError::Panicked(payload) = error else {
        return None;
    };
    match payload.downcast_ref::<&str>() {
        Some(text) => Some(text),
        None => payload
            .downcast_ref::<alloc::string::String>()
            .map(alloc::string::String::as_str),
    }
}
