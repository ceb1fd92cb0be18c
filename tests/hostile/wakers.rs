//! Wakers that use the kernel and panic, when they are woken and when they are dropped.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use bibelot::{Cancelled, Task, sleep, spawn, yield_now};

use crate::meddler::meddle;
use crate::run::on_each;

/// A waker whose every function meddles and panics.
struct BadWaker {
    inner: Waker,
    panics: bool,
}

impl Wake for BadWaker {
    fn wake(self: Arc<Self>) {
        meddle();
        self.inner.wake_by_ref();
        assert!(!self.panics, "a waker panics");
    }
}

impl Drop for BadWaker {
    fn drop(&mut self) {
        meddle();
        if self.panics && !std::thread::panicking() {
            panic!("a waker's drop panics");
        }
    }
}

/// Polls `inner` with a bad waker of its own.
async fn badly<F: Future + Unpin>(mut inner: F, panics: bool) -> F::Output {
    poll_fn(move |context| {
        let waker = ManuallyWaker(Waker::from(Arc::new(BadWaker {
            inner: context.waker().clone(),
            panics,
        })));
        Pin::new(&mut inner).poll(&mut Context::from_waker(&waker.0))
    })
    .await
}

/// A waker whose drop's panic is kept from the poll that made it.
struct ManuallyWaker(Waker);

impl Drop for ManuallyWaker {
    fn drop(&mut self) {
        let waker = std::mem::replace(&mut self.0, Waker::noop().clone());
        let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    }
}

/// A waker whose drop panics may panic in the poll that drops it, which is its own.
async fn only_the_bad_may_panic<T: 'static>(waiters: Vec<Task<std::result::Result<T, Cancelled>>>) {
    for (n, waiter) in waiters.into_iter().enumerate() {
        match waiter.await {
            Err(bibelot::TaskError::Panicked(_)) if n % 2 == 0 => {}
            ended => drop(ended.unwrap().unwrap()),
        }
    }
}

#[test]
fn wakers_that_panic_keep_nobody_else_asleep() {
    on_each(|builder| {
        builder
            .run(async {
                let target = Rc::new(spawn(sleep(Duration::from_millis(1))));
                let waiters: Vec<Task<_>> = (0..6)
                    .map(|n| {
                        let target = target.clone();
                        spawn(async move { badly(target.wait(), n % 2 == 0).await })
                    })
                    .collect();
                only_the_bad_may_panic(waiters).await;
                let event = bibelot::Event::new();
                let waiters: Vec<Task<_>> = (0..6)
                    .map(|n| {
                        let event = event.clone();
                        spawn(async move { badly(event.wait(), n % 2 == 0).await })
                    })
                    .collect();
                yield_now().await.unwrap();
                let _ = catch_unwind(AssertUnwindSafe(|| event.set()));
                let _ = catch_unwind(AssertUnwindSafe(|| event.set()));
                only_the_bad_may_panic(waiters).await;
            })
            .unwrap();
    });
}

#[test]
fn wakers_that_panic_when_a_kernel_ends_are_all_dropped() {
    on_each(|builder| {
        let count = Arc::new(AtomicUsize::new(0));
        struct Counted(Arc<AtomicUsize>);
        impl Wake for Counted {
            fn wake(self: Arc<Self>) {}
        }
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
                if !std::thread::panicking() {
                    panic!("a waker's drop panics");
                }
            }
        }
        let mut kernel = builder.build().unwrap();
        let mut sleeps: Vec<_> = (0..10).map(|_| sleep(Duration::from_secs(3600))).collect();
        kernel.block_on(async {
            for slept in &mut sleeps {
                let waker = Waker::from(Arc::new(Counted(count.clone())));
                let polled = Pin::new(&mut *slept).poll(&mut Context::from_waker(&waker));
                assert!(polled.is_pending());
                // The timer's clone is the last.
                drop(waker);
            }
        });
        drop(kernel);
        assert_eq!(count.load(Ordering::Relaxed), 10);
        drop(sleeps);
    });
}
