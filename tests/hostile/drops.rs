//! Code of users in drops: of futures, values and reasons, and of the kernel itself. It finds the kernel
//! free, and its panics are its own.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bibelot::{Cancelled, Task, join, sleep, spawn, yield_now};

use crate::meddler::{Bomb, Meddler};
use crate::run::on_each;

#[test]
fn a_reason_that_is_not_needed_is_dropped_outside_the_kernel() {
    on_each(|builder| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let reason = || Meddler(dropped.clone());
        builder
            .run(async {
                let task = spawn(pending::<()>());
                yield_now().await.unwrap();
                assert!(task.cancel_with(reason()));
                assert!(!task.cancel_with(reason()), "it was asked before");
                assert_eq!(dropped.load(Ordering::Relaxed), 1);
                assert!(task.join().await.is_err());
                assert!(!task.cancel_with(reason()), "it has ended");
                let own = bibelot::current();
                assert!(!own.cancel_nowait() || sleep(Duration::ZERO).await.is_err());
            })
            .unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn values_and_futures_that_meddle_in_their_drop_find_the_kernel_free() {
    on_each(|builder| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let meddler = || Meddler(dropped.clone());
        let mut kernel = builder.build().unwrap();
        kernel.block_on(async {
            let (a, b, c, d) = (meddler(), meddler(), meddler(), meddler());
            // A value that nobody takes.
            spawn(async move { a }).detach();
            let ended = spawn(async move { b });
            // A future that is aborted, one that is dropped deaf, one that ends its own group.
            let aborted = spawn(async move {
                let _c = c;
                pending::<()>().await;
            });
            let deaf = spawn(async move {
                let _d = d;
                pending::<()>().await;
            });
            yield_now().await.unwrap();
            drop(ended);
            aborted.abort();
            deaf.cancel().await.unwrap();
            // A note that is replaced, one that is put back.
            let (e, f) = (meddler(), meddler());
            let task = spawn(async move {
                bibelot::set_pending(Some(Cancelled::new(bibelot::Cause::Custom(Arc::new(e)))));
                bibelot::set_pending(Some(Cancelled::new(bibelot::Cause::Custom(Arc::new(f)))));
                let _ = sleep(Duration::from_secs(3600)).await;
            });
            task.join().await.unwrap();
        });
        assert_eq!(dropped.load(Ordering::Relaxed), 6);
        kernel.shutdown();
    });
}

#[test]
fn a_drop_that_panics_in_an_abort_is_contained() {
    on_each(|builder| {
        let mut kernel = builder.grace(Duration::ZERO).build().unwrap();
        kernel.block_on(async {
            let bombs: Vec<Task<()>> = (0..4)
                .map(|_| {
                    spawn(async {
                        let _bomb = Bomb;
                        pending::<()>().await;
                    })
                })
                .collect();
            yield_now().await.unwrap();
            for bomb in &bombs[..2] {
                bomb.abort();
                assert!(bomb.join().await.is_err());
            }
            bombs[2].cancel().await.unwrap();
            // A value whose drop panics, taken by nobody.
            spawn(async { Bomb }).detach();
            yield_now().await.unwrap();
            yield_now().await.unwrap();
            std::mem::forget(bombs);
        });
        // The last bomb is left to the shutdown.
        let report = kernel.shutdown();
        assert_eq!(report.aborted.len(), 1);
    });
}

#[test]
fn what_spawns_itself_for_ever_in_its_drop_is_let_go_of() {
    struct Hydra(Rc<Cell<u64>>);
    impl Drop for Hydra {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            let again = Hydra(self.0.clone());
            spawn(async move {
                let _again = again;
                pending::<()>().await;
            })
            .detach();
        }
    }
    on_each(|builder| {
        let heads = Rc::new(Cell::new(0));
        let mut kernel = builder.grace(Duration::ZERO).build().unwrap();
        kernel.block_on(async {
            let hydra = Hydra(heads.clone());
            spawn(async move {
                let _hydra = hydra;
                pending::<()>().await;
            })
            .detach();
            yield_now().await.unwrap();
        });
        drop(kernel);
        assert!(heads.get() > 1);
        // Its thread is free for the next one.
        bibelot::run(async { yield_now().await.unwrap() });
    });
}

#[test]
fn a_kernel_may_be_owned_by_its_own_task() {
    on_each(|builder| {
        let kernel = builder.grace(Duration::ZERO).build().unwrap();
        let task = spawn(async move {
            let _kernel = kernel;
            pending::<()>().await;
        });
        // The kernel ends inside the abort of its own task.
        let _ = catch_unwind(AssertUnwindSafe(|| task.abort()));
        drop(task);
        bibelot::run(async { yield_now().await.unwrap() });
    });
}

#[test]
fn a_future_that_aborts_itself_is_dropped_after_its_poll() {
    on_each(|builder| {
        builder
            .run(async {
                let task = spawn(async {
                    bibelot::current().abort();
                    // It still runs: an abort of what is being polled waits for the end of the poll.
                    let children = join((
                        sleep(Duration::from_secs(3600)),
                        sleep(Duration::from_secs(3600)),
                    ));
                    let _ = children.await;
                });
                assert!(matches!(
                    task.await,
                    std::result::Result::Err(bibelot::TaskError::Aborted)
                ));
            })
            .unwrap();
    });
}

#[test]
fn a_future_polled_after_its_end_says_so() {
    on_each(|builder| {
        builder
            .run(async {
                let mut slept = sleep(Duration::ZERO);
                (&mut slept).await.unwrap();
                let again = poll_fn(|context| {
                    let poll = || Pin::new(&mut slept).poll(context).is_ready();
                    Poll::Ready(catch_unwind(AssertUnwindSafe(poll)))
                });
                let payload = again.await.unwrap_err();
                let message = payload.downcast_ref::<&str>().unwrap();
                assert!(message.contains("polled again"), "{message}");
                yield_now().await.unwrap();
            })
            .unwrap();
    });
}
