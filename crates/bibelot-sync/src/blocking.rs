//! The blocking twin of every wait: a thread parks until its future is ready, or its time is up.
//!
//! Each thread keeps one parker, so a blocking wait allocates once in a thread's life. A wait within a wait,
//! as when a future that is being polled blocks in its turn, has one of its own.
//!
//! # Invariants
//!
//! - A parker belongs to one wait at a time. It remembers that it was woken: other code of the thread may
//!   use up the token of `park`, or leave one, and neither loses a wake nor makes one up.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

#[cfg(loom)]
use loom::sync::{Condvar, Mutex};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(loom))]
use std::thread::{self, Thread};

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
    let parker = Parker::take();
    let mut cx = Context::from_waker(&parker.waker);
    let mut body = pin!(body);
    loop {
        if let Poll::Ready(out) = body.as_mut().poll(&mut cx) {
            return out;
        }
        parker.unpark.wait();
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
    let parker = Parker::take();
    let mut cx = Context::from_waker(&parker.waker);
    // `None` if that is later than the clock can tell.
    let mut deadline = None;
    loop {
        if let Poll::Ready(out) = Pin::new(&mut *body).poll(&mut cx) {
            return Some(out);
        }
        let deadline = *deadline.get_or_insert_with(|| Instant::now().checked_add(limit));
        match deadline {
            None => parker.unpark.wait(),
            Some(deadline) if parker.unpark.wait_until(deadline) => {}
            Some(_) => return None,
        }
    }
}

#[cfg(not(loom))]
struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

#[cfg(not(loom))]
impl Unpark {
    fn new() -> Self {
        Self {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        }
    }

    fn set(&self) {
        // What came before the wake is seen by the poll after it.
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }

    /// Whether it was woken since the last time this was asked.
    fn was_woken(&self) -> bool {
        self.woken.swap(false, Ordering::Acquire)
    }

    fn wait(&self) {
        while !self.was_woken() {
            thread::park();
        }
    }

    /// `false` if the time is up and nobody has woken it.
    fn wait_until(&self, deadline: Instant) -> bool {
        while !self.was_woken() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return self.was_woken();
            }
            thread::park_timeout(left);
        }
        true
    }
}

/// The model's tokens of `park` are lost when its threads meet at a mutex, so there a lock and a condition
/// stand for them. It has no clock either: its limits pass at once.
#[cfg(loom)]
struct Unpark {
    woken: Mutex<bool>,
    change: Condvar,
}

#[cfg(loom)]
impl Unpark {
    fn new() -> Self {
        Self {
            woken: Mutex::new(false),
            change: Condvar::new(),
        }
    }

    fn set(&self) {
        *self.woken.lock().unwrap() = true;
        self.change.notify_one();
    }

    fn wait(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !std::mem::take(&mut *woken) {
            woken = self.change.wait(woken).unwrap();
        }
    }

    fn wait_until(&self, _: Instant) -> bool {
        std::mem::take(&mut *self.woken.lock().unwrap())
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.set();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set();
    }
}

/// What a thread waits with, taken for one wait.
struct Parker {
    unpark: Arc<Unpark>,
    waker: Waker,
}

thread_local! {
    static SPARE: Cell<Option<Parker>> = const { Cell::new(None) };
}

/// Gives it back when the wait is over, however it ends.
struct Taken(Option<Parker>);

impl Parker {
    fn take() -> Taken {
        // A model's threads live for one run only, and so do their parkers. A thread that waits while its
        // locals are being destroyed, or that waits already, pays for one of its own.
        let spare = match cfg!(loom) {
            true => None,
            false => SPARE.try_with(Cell::take).ok().flatten(),
        };
        Taken(Some(spare.unwrap_or_else(Self::fresh)))
    }

    fn fresh() -> Self {
        let unpark = Arc::new(Unpark::new());
        let waker = Waker::from(unpark.clone());
        Self { unpark, waker }
    }
}

impl std::ops::Deref for Taken {
    type Target = Parker;

    fn deref(&self) -> &Parker {
        self.0.as_ref().expect("it is given back at the end")
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !cfg!(loom) {
            // Where the thread's locals are gone it is dropped.
            let _ = SPARE.try_with(|spare| spare.set(self.0.take()));
        }
    }
}
