//! Tasks that go on when their handle is dropped, for runtimes that cancel them then.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A handle that can be given up without a cancel.
pub trait Detach: Future + Unpin {
    /// Gives it up.
    fn detach(self);
}

/// A task that is joined, or goes on alone.
pub struct Joined<T: Detach>(Option<T>);

impl<T: Detach> Joined<T> {
    /// Wraps a handle.
    pub fn new(task: T) -> Self {
        Self(Some(task))
    }
}

impl<T: Detach> Future for Joined<T> {
    type Output = T::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        let task = self.0.as_mut().expect("a task that was not joined");
        let output = ready!(Pin::new(task).poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<T: Detach> Drop for Joined<T> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}
