//! The line between an async thread and the future that stands for it on the kernel.
//!
//! The thread puts one request at a time, a future to be polled, and waits for the answer, which comes
//! back on a way of its own. Either side ends the line for good.
//!
//! # Invariants
//!
//! - A request is taken or dropped; what is put after the end is dropped at once.
//! - No code of users runs under the lock.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A future that a thread wants polled on the kernel. It sends its answer by itself, and says by its drop
/// that there will be none.
pub(super) type Request = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
pub(super) struct Line(Mutex<State>);

#[derive(Default)]
struct State {
    request: Option<Request>,
    /// Whom to wake for a request.
    waker: Option<Waker>,
    is_closed: bool,
}

impl Line {
    /// Puts a request, and wakes whoever takes it.
    pub(super) fn put(&self, request: Request) {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            drop(request);
            return;
        }
        let old = state.request.replace(request);
        let waker = state.waker.take();
        drop(state);
        assert!(old.is_none(), "a thread waits for one request at a time");
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the next request.
    pub(super) fn poll_take(&self, context: &Context<'_>) -> Poll<Request> {
        let newer = context.waker().clone();
        let mut state = self.lock();
        let (polled, old) = match state.request.take() {
            Some(request) => (Poll::Ready(request), Some(newer)),
            None => (Poll::Pending, state.waker.replace(newer)),
        };
        drop(state);
        drop(old);
        polled
    }

    /// Ends the line.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let left = (state.request.take(), state.waker.take());
        drop(state);
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can leave the state half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the line when it is dropped.
pub(super) struct Closes(pub(super) Arc<Line>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn request() -> (Request, Arc<()>) {
        let owned = Arc::new(());
        let held = owned.clone();
        (Box::pin(async move { drop(held) }), owned)
    }

    #[test]
    fn a_request_wakes_whoever_waits_for_it() {
        let (line, count) = (Line::default(), Arc::new(Count(AtomicUsize::new(0))));
        let waker = Waker::from(count.clone());
        let context = Context::from_waker(&waker);
        assert!(line.poll_take(&context).is_pending());
        line.put(request().0);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(line.poll_take(&context).is_ready());
        assert!(line.poll_take(&context).is_pending());
    }

    #[test]
    fn an_ended_line_drops_what_lies_there_and_what_comes() {
        let line = Arc::new(Line::default());
        let ((lies, first), (comes, second)) = (request(), request());
        line.put(lies);
        drop(Closes(line.clone()));
        assert_eq!(Arc::strong_count(&first), 1);
        line.put(comes);
        assert_eq!(Arc::strong_count(&second), 1);
    }
}
