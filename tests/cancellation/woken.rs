//! Joins whose arms have wakers of their own and are polled only when they were woken.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bibelot_kernel::is_deaf;

/// One arm's waker; it wakes the parent once between two polls of the arm.
struct ArmWaker {
    is_woken: AtomicBool,
    parent: Mutex<Option<Waker>>,
}

impl Wake for ArmWaker {
    fn wake(self: Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::Relaxed) {
            let parent = mem::take(&mut *self.parent.lock().unwrap());
            if let Some(parent) = parent {
                parent.wake();
            }
        }
    }
}

struct Arm<'a, F: Future> {
    body: Pin<&'a mut F>,
    value: Option<F::Output>,
    state: Arc<ArmWaker>,
    waker: Waker,
}

impl<'a, F: Future> Arm<'a, F> {
    fn new(body: Pin<&'a mut F>) -> Self {
        let state = Arc::new(ArmWaker {
            is_woken: AtomicBool::new(true),
            parent: Mutex::new(None),
        });
        let waker = Waker::from(state.clone());
        Self {
            body,
            value: None,
            state,
            waker,
        }
    }

    fn poll(&mut self, context: &Context<'_>, always: bool) {
        *self.state.parent.lock().unwrap() = Some(context.waker().clone());
        let is_woken = self.state.is_woken.swap(false, Ordering::Relaxed);
        if self.value.is_none()
            && (is_woken || always)
            && let Poll::Ready(value) = self
                .body
                .as_mut()
                .poll(&mut Context::from_waker(&self.waker))
        {
            self.value = Some(value);
        }
    }
}

/// Polls both until both have ended, each when it was woken, in order.
pub async fn join_woken<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (a, b) = (pin!(a), pin!(b));
    let (mut a, mut b) = (Arm::new(a), Arm::new(b));
    poll_fn(move |context| {
        a.poll(context, false);
        b.poll(context, false);
        if (a.value.is_none() || b.value.is_none()) && is_deaf() {
            a.poll(context, true);
            b.poll(context, true);
        }
        match (a.value.take(), b.value.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (from_a, from_b) => {
                (a.value, b.value) = (from_a, from_b);
                Poll::Pending
            }
        }
    })
    .await
}
