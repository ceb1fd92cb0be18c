//! The blocking twin of every wait: a thread parks until its future is ready, or its time is up.
//!
//! Each thread keeps one waker, so a blocking wait allocates once in a thread's life. A wake that comes
//! before the thread parks makes the park return at once; one that comes for an earlier wait costs a
//! look.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

#[cfg(loom)]
use loom::thread::{self, Thread};
#[cfg(not(loom))]
use std::thread::{self, Thread};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, which sleeps while there is nothing to do.
///
/// It serves those waits of this crate that have no blocking twin, and their combinations. No task should
/// call it: it blocks the thread that other tasks need.
///
/// ```
/// use bibelot_sync::{Event, block_on};
///
/// let (one, other) = (Event::new(), Event::new());
/// one.set();
/// other.set();
/// block_on(async {
///     one.wait().await;
///     other.wait().await;
/// });
/// ```
pub fn block_on<F: Future>(body: F) -> F::Output {
    let waker = waker();
    let mut cx = Context::from_waker(&waker);
    let mut body = pin!(body);
    loop {
        if let Poll::Ready(out) = body.as_mut().poll(&mut cx) {
            return out;
        }
        thread::park();
    }
}

/// Runs a future on this thread as [`block_on`] does, but no longer than `limit`; `None` if the time was
/// up first.
///
/// The future stays with the caller, who may go on with it later, or drop it, which passes on what it was
/// granted, or take back what it was given. What was granted before the time was up counts, even if this
/// thread sees it later.
///
/// ```
/// use bibelot_sync::{Queue, block_on_timeout};
/// use std::time::Duration;
///
/// let queue = Queue::bounded(1);
/// queue.try_put("first").unwrap();
/// let mut put = queue.put("second");
/// assert_eq!(block_on_timeout(&mut put, Duration::from_millis(1)), None);
/// assert_eq!(put.into_item(), Some("second"));
/// ```
pub fn block_on_timeout<F: Future + Unpin>(body: &mut F, limit: Duration) -> Option<F::Output> {
    let waker = waker();
    let mut cx = Context::from_waker(&waker);
    // `None` if that is later than the clock can tell.
    let mut deadline = None;
    loop {
        if let Poll::Ready(out) = Pin::new(&mut *body).poll(&mut cx) {
            return Some(out);
        }
        let deadline = *deadline.get_or_insert_with(|| Instant::now().checked_add(limit));
        match deadline {
            None => thread::park(),
            Some(deadline) if park_until(deadline) => {}
            Some(_) => return None,
        }
    }
}

/// `false` if the time is up.
#[cfg(not(loom))]
fn park_until(deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        thread::park_timeout(left);
    }
    !left.is_zero()
}

/// A model has no clock: its limits pass at once.
#[cfg(loom)]
fn park_until(_: Instant) -> bool {
    false
}

#[cfg(not(loom))]
fn waker() -> Waker {
    thread_local! {
        static OWN: Waker = fresh_waker();
    }
    // A thread that waits while its locals are being destroyed pays for one of its own.
    OWN.try_with(Waker::clone).unwrap_or_else(|_| fresh_waker())
}

/// A model's threads live for one run only, and so do their wakers.
#[cfg(loom)]
fn waker() -> Waker {
    fresh_waker()
}

fn fresh_waker() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}
