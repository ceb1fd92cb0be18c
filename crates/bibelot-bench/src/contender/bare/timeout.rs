//! Timers on a bare wheel: set, taken out, and fired only where that is what is measured, since nobody
//! turns it.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bibelot_timer::{Instant, Key, Wheel};

use crate::computing;
use crate::watch::{Sample, Watch};

thread_local! {
    static WHEEL: RefCell<Wheel<Waker>> = RefCell::new(Wheel::new(Instant::ZERO));
}

/// Waits for ever, with a timer.
pub fn sleep(span: Duration) -> impl Future<Output = ()> {
    Sleep { span, key: None }
}

struct Sleep {
    span: Duration,
    key: Option<Key>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.key.is_none() {
            let deadline = Instant::ZERO + self.span;
            let waker = context.waker().clone();
            self.key = Some(WHEEL.with_borrow_mut(|wheel| wheel.insert(deadline, waker)));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // The wheel may have gone with the thread.
            let waker = WHEEL.try_with(|wheel| Some(wheel.try_borrow_mut().ok()?.remove(key)));
            drop(waker);
        }
    }
}

/// Takes out so many timers when their time has come, and wakes whom they are for.
pub fn fire(timers: u64) -> Sample {
    let mut wheel = Wheel::new(Instant::ZERO);
    for index in 0..timers {
        let deadline = Instant::ZERO + computing::horizon(timers) + computing::spread(index);
        wheel.insert(deadline, Waker::noop().clone());
    }
    let end = Instant::ZERO + computing::horizon(timers) + computing::spread(timers);
    let watch = Watch::start();
    while let Some((_, waker)) = wheel.pop(end) {
        waker.wake();
    }
    watch.stop(timers)
}

/// Polls the future, and a timer beside it.
pub async fn timeout<F: Future>(span: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut sleep = pin!(sleep(span));
    std::future::poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        sleep.as_mut().poll(context).map(|()| None)
    })
    .await
}
