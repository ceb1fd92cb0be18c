//! Depth, number and storms: thousands of nested scopes, a hundred thousand tasks, wakes from eight
//! threads while a kernel ends.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use bibelot::{
    AsCancelled, CancelScope, Task, gather, join, shield, sleep, spawn, timeout_after, yield_now,
};

use crate::run::on_each;

#[test]
fn a_hundred_thousand_tasks_are_spawned_and_end_each_way() {
    on_each(|builder| {
        let mut kernel = builder.build().unwrap();
        kernel.block_on(async {
            let aborted: Vec<Task<_>> = (0..100_000).map(|_| spawn(pending::<()>())).collect();
            yield_now().await.unwrap();
            for task in &aborted {
                task.abort();
            }
            assert!(aborted.iter().all(Task::is_finished));
            drop(aborted);
            let cancelled: Vec<Task<_>> = (0..100_000)
                .map(|_| spawn(sleep(Duration::from_secs(3600))))
                .collect();
            yield_now().await.unwrap();
            for task in &cancelled {
                task.cancel_nowait();
            }
            for task in cancelled {
                assert!(task.await.unwrap().is_err());
            }
            for _ in 0..100_000 {
                spawn(sleep(Duration::from_secs(3600))).detach();
            }
        });
        assert_eq!(kernel.live_tasks(), 100_000);
        let report = kernel.shutdown();
        assert_eq!(report.cancelled, 100_000);
        assert!(report.is_clean(), "{report:?}");
    });
}

#[test]
fn two_thousand_limits_one_in_the_other_are_cut_and_return() {
    type Boxed = Pin<Box<dyn Future<Output = Result<(), bibelot::Cancelled>>>>;
    fn nested(depth: u32) -> Boxed {
        if depth == 0 {
            return Box::pin(async { sleep(Duration::from_secs(3600)).await.map(drop) });
        }
        Box::pin(async move {
            match depth % 4 {
                0 => timeout_after(Duration::from_secs(depth.into()), nested(depth - 1)).await,
                1 => {
                    let (inner, _) = join((nested(depth - 1), yield_now())).await;
                    inner
                }
                2 => gather([nested(depth - 1)]).await.remove(0),
                _ => bibelot::branch(nested(depth - 1)).await,
            }
        })
    }
    let stack = 256 * 1024 * 1024;
    let run = thread::Builder::new().stack_size(stack).spawn(|| {
        bibelot::run(async {
            let task = spawn(nested(2000));
            yield_now().await.unwrap();
            yield_now().await.unwrap();
            task.cancel_nowait();
            assert!(task.await.unwrap().unwrap_err().is_live());
            let cut = timeout_after(Duration::from_millis(1), nested(2000)).await;
            assert!(cut.unwrap_err().timed_out());
            let mut held = nested(2000);
            let polled = poll_fn(|context| Poll::Ready(held.as_mut().poll(context))).await;
            assert!(polled.is_pending());
            drop(held);
            shield(yield_now()).await.unwrap();
        });
    });
    run.unwrap().join().unwrap();
}

#[test]
fn a_long_chain_of_scopes_is_stopped_from_its_root() {
    let root = CancelScope::new();
    let mut chain = vec![root.clone()];
    for _ in 0..200_000 {
        let child = chain[chain.len() - 1].child();
        chain.push(child);
    }
    root.cancel();
    assert!(chain.iter().all(CancelScope::is_cancelled));
    let late = chain[chain.len() - 1].child();
    assert!(late.is_cancelled());
}

#[test]
fn a_scope_with_very_many_children_takes_one_more_in_little_time() {
    let root = CancelScope::new();
    // With a look at every child for each one more, this is 20 billion looks.
    let children: Vec<CancelScope> = (0..200_000).map(|_| root.child()).collect();
    root.cancel();
    assert!(children.iter().all(CancelScope::is_cancelled));
}

#[test]
fn very_many_wait_for_one_task_and_leave_it_in_little_time() {
    on_each(|builder| {
        builder
            .run(async {
                let target = std::rc::Rc::new(spawn(pending::<()>()));
                let waiters: Vec<Task<_>> = (0..200_000)
                    .map(|_| {
                        let target = target.clone();
                        spawn(async move { target.wait().await })
                    })
                    .collect();
                yield_now().await.unwrap();
                // The first to come are the first to go: in a list, all the others would move each time.
                for waiter in &waiters[..150_000] {
                    waiter.cancel_nowait();
                }
                yield_now().await.unwrap();
                target.abort();
                for (n, waiter) in waiters.into_iter().enumerate() {
                    assert_eq!(waiter.await.unwrap().is_err(), n < 150_000);
                }
            })
            .unwrap();
    });
}

#[test]
fn very_many_run_in_one_scope_in_little_time() {
    on_each(|builder| {
        builder
            .run(async {
                let scope = CancelScope::new();
                let runners: Vec<Task<_>> = (0..100_000)
                    .map(|_| {
                        let scope = scope.clone();
                        spawn(async move { scope.run(sleep(Duration::from_secs(3600))).await })
                    })
                    .collect();
                yield_now().await.unwrap();
                for runner in &runners[..10_000] {
                    runner.cancel_nowait();
                }
                yield_now().await.unwrap();
                scope.cancel();
                for (n, runner) in runners.into_iter().enumerate() {
                    let ended = runner.await.unwrap();
                    assert_eq!(
                        ended.is_err(),
                        n < 10_000,
                        "the others were stopped by the scope"
                    );
                }
            })
            .unwrap();
    });
}

#[test]
fn wakes_from_eight_threads_during_a_shutdown_are_sound() {
    on_each(|builder| {
        let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let woken = Arc::new(AtomicUsize::new(0));
        let mut kernel = builder.grace(Duration::from_millis(20)).build().unwrap();
        kernel.block_on(async {
            for n in 0..64 {
                let (wakers, woken) = (wakers.clone(), woken.clone());
                spawn(async move {
                    let park = poll_fn(|context| {
                        woken.fetch_add(1, Ordering::Relaxed);
                        wakers.lock().unwrap().push(context.waker().clone());
                        Poll::<()>::Pending
                    });
                    if n % 2 == 0 {
                        shield(park).await;
                    } else {
                        park.await;
                    }
                })
                .detach();
            }
            yield_now().await.unwrap();
        });
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let (wakers, is_over) = (wakers.clone(), is_over.clone());
                thread::spawn(move || {
                    let mut kept = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        let waker = {
                            let mut wakers = wakers.lock().unwrap();
                            if wakers.len() > 64 && n % 2 == 0 {
                                wakers.pop()
                            } else {
                                wakers.last().cloned()
                            }
                        };
                        if let Some(waker) = waker {
                            waker.wake_by_ref();
                            kept.push(waker);
                        }
                        if kept.len() > 100 {
                            kept.clear();
                        }
                        thread::yield_now();
                    }
                    for waker in kept {
                        waker.wake();
                    }
                })
            })
            .collect();
        let report = kernel.shutdown();
        assert_eq!(report.cancelled, 64);
        assert_eq!(report.aborted.len(), 32, "those behind shields");
        // And under the next kernel of this thread.
        bibelot::run(async {
            for _ in 0..100 {
                yield_now().await.unwrap();
            }
        });
        is_over.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(woken.load(Ordering::Relaxed) >= 64);
    });
}

#[test]
fn the_extremes_of_time_are_times() {
    on_each(|builder| {
        builder
            .run(async {
                for span in [Duration::MAX, Duration::from_secs(u64::MAX)] {
                    let ended = timeout_after(span, async {
                        yield_now().await?;
                        let far = sleep(span);
                        let cut = timeout_after(Duration::ZERO, far).await;
                        assert!(cut.unwrap_err().timed_out());
                        bibelot::Ok(7)
                    });
                    assert_eq!(ended.await.unwrap(), 7);
                    assert!(bibelot::timeout_drop(span, async { 7 }).await.is_ok());
                    bibelot::shield_for(span, yield_now()).await.unwrap();
                    let parked = spawn(sleep(span));
                    yield_now().await.unwrap();
                    parked.cancel().await.unwrap();
                }
                let at_zero = bibelot::sleep_until(bibelot::Instant::ZERO);
                at_zero.await.unwrap();
                let dropped = bibelot::timeout_drop(Duration::ZERO, pending::<()>()).await;
                assert!(dropped.is_err());
                // A ready body wins over a limit of nothing.
                let ready = timeout_after(Duration::ZERO, async { bibelot::Ok(1) });
                assert_eq!(ready.await.unwrap(), 1);
            })
            .unwrap();
    });
}
