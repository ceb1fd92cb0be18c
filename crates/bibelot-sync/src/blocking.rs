//! The blocking twin of every wait: a thread parks until its future is ready.
//!
//! Each thread keeps one waker, so a blocking wait allocates once in a thread's life. A wake that comes
//! before the thread parks makes the park return at once; one that comes for an earlier wait costs a
//! look.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

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

/// Runs `body` on this thread, which sleeps while there is nothing to do.
pub(crate) fn block_on<F: Future>(body: F) -> F::Output {
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
