//! Async threads: they await on their kernel, are asked to stop only there, and join like tasks.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use bibelot::{
    AsCancelled, Cancelled, Cause, Kernel, TaskBuilder, TaskError, ThreadCx, Wait, WorkerError,
    async_thread, current, is_abandoned, join, run_in_thread, sleep, spawn, spawn_thread,
    task_group, testing, timeout_after, try_current, yield_now,
};
use bibelot_sim::Sim;
use bibelot_sync::{Event, Queue};

const SHORT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(3600);

/// Runs a test on whatever has threads.
fn on_threads<F: Future<Output = bibelot::Result<()>>>(make: impl Fn() -> F) {
    testing::on_uring(async || make().await.unwrap());
    testing::on_poll(async || make().await.unwrap());
}

async fn until(mut holds: impl FnMut() -> bool) -> bibelot::Result<()> {
    while !holds() {
        sleep(Duration::from_micros(100)).await?;
    }
    Ok(())
}

async fn word<T>(from: &Receiver<T>) -> bibelot::Result<T> {
    let mut got = None;
    until(|| {
        got = from.try_recv().ok();
        got.is_some()
    })
    .await?;
    Ok(got.unwrap())
}

#[test]
fn a_thread_awaits_on_the_kernel_and_joins_like_a_task() {
    on_threads(|| async {
        let home = thread::current().id();
        let task = spawn_thread(move |cx| {
            assert!(thread::current().id() != home && try_current().is_none());
            let there = cx.block_on_cancellable(async { (thread::current().id(), current().id()) });
            let (polled_on, task) = there?;
            assert_eq!(polled_on, home);
            for _ in 0..100 {
                cx.block_on(yield_now())?;
            }
            cx.block_on(sleep(Duration::from_millis(1)))?;
            Ok::<_, Cancelled>(task)
        });
        let id = task.id();
        assert_eq!(task.await??, id);
        Ok(())
    });
}

#[test]
fn a_thread_is_asked_to_stop_only_where_it_awaits() {
    on_threads(|| async {
        let ((busy, is_busy), (go_on, may_go_on)) = (channel(), channel());
        let task = spawn_thread(move |cx| {
            cx.block_on(yield_now())?;
            busy.send(()).unwrap();
            may_go_on.recv().unwrap();
            // What is ready is no blocking point.
            let ready: Result<_, Cancelled> = cx.block_on(async { Ok(7) });
            assert_eq!(ready?, 7);
            let told = cx.block_on(sleep(LONG)).unwrap_err();
            // Once it was told, clean-up is left alone.
            cx.block_on(sleep(SHORT))?;
            assert!(told.is_live() && !is_abandoned());
            Err::<(), _>(told)
        });
        word(&is_busy).await?;
        assert!(task.cancel_nowait());
        sleep(SHORT).await?;
        assert!(!task.is_finished());
        go_on.send(()).unwrap();
        assert!(task.await?.unwrap_err().is_cancelled());
        Ok(())
    });
}

#[test]
fn a_thread_that_never_awaits_ends_as_it_likes() {
    on_threads(|| async {
        let task = spawn_thread(|_| 7);
        task.cancel_nowait();
        task.wait().await?;
        assert!(task.was_cancelled());
        assert_eq!(task.await?, 7);
        Ok(())
    });
}

#[test]
fn limits_inside_and_outside_cut_what_a_thread_waits_for() {
    on_threads(|| async {
        let inside = spawn_thread(|cx| cx.block_on(timeout_after(SHORT, sleep(LONG))));
        assert!(inside.await?.unwrap_err().timed_out());
        let outside = timeout_after(SHORT, async {
            let told = async_thread(|cx| {
                let told = cx.block_on(sleep(LONG)).unwrap_err();
                cx.block_on(sleep(Duration::from_millis(1)))?;
                Err::<(), _>(told)
            });
            told.await??;
            bibelot::Ok(())
        });
        assert!(outside.await.unwrap_err().timed_out());
        Ok(())
    });
}

#[test]
fn a_panic_of_the_thread_is_the_tasks() {
    on_threads(|| async {
        let task = spawn_thread(|cx| -> () {
            let _ = cx.block_on(yield_now());
            resume_unwind(Box::new("in the thread"))
        });
        let Err(TaskError::Panicked(panic)) = task.await else {
            panic!("it panicked");
        };
        assert_eq!(panic.message(), Some("in the thread"));
        let value: Result<(), _> = async_thread(|_| resume_unwind(Box::new("again"))).await;
        assert!(matches!(value, Err(WorkerError::Panicked(_))));
        Ok(())
    });
}

#[test]
fn a_panic_of_what_is_awaited_unwinds_the_thread_and_not_the_task() {
    on_threads(|| async {
        let task = spawn_thread(|cx| {
            let panics = async { resume_unwind(Box::new("on the kernel")) };
            let caught = catch_unwind(AssertUnwindSafe(|| {
                cx.block_on_cancellable::<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>(
                    Box::pin(panics),
                )
            }));
            let payload = caught.unwrap_err();
            assert_eq!(*payload.downcast::<&str>().unwrap(), "on the kernel");
            cx.block_on(yield_now())
        });
        task.await??;
        Ok(())
    });
}

#[test]
fn what_cannot_hear_is_dropped_for_a_cancel() {
    on_threads(|| async {
        let owned = Arc::new(());
        let (owns, (waits, does_wait)) = (owned.clone(), channel());
        let task = spawn_thread(move |cx| {
            cx.block_on_cancellable(async move {
                waits.send(()).unwrap();
                pending::<()>().await;
                drop(owns);
            })
        });
        word(&does_wait).await?;
        task.cancel().await?;
        assert!(task.await?.unwrap_err().is_live());
        assert_eq!(Arc::strong_count(&owned), 1);
        Ok(())
    });
}

#[test]
fn an_abort_frees_a_thread_that_waits_and_refuses_it_everything_else() {
    on_threads(|| async {
        let ((waits, does_wait), (ended, ends)) = (channel(), channel());
        let task = spawn_thread(move |cx| {
            let cut = cx.block_on(async move {
                waits.send(()).unwrap();
                sleep(LONG).await
            });
            let refused = cx.block_on(yield_now());
            let held = Arc::new(());
            let never_polled = held.clone();
            let also_refused = cx.block_on_cancellable(async move { drop(never_polled) });
            assert!(also_refused.is_err() && Arc::strong_count(&held) == 1);
            ended.send((cut, refused)).unwrap();
        });
        word(&does_wait).await?;
        task.abort();
        assert!(matches!(task.await, Err(TaskError::Aborted)));
        let (cut, refused) = word(&ends).await?;
        assert!(matches!(cut.unwrap_err().cause(), Cause::Task));
        assert!(refused.is_err());
        // Its thread says that it has ended.
        sleep(Duration::from_millis(100)).await?;
        Ok(())
    });
}

#[test]
fn a_thread_whose_task_was_aborted_while_it_computed_can_ask() {
    on_threads(|| async {
        let ((begun, begins), (ended, ends)) = (channel(), channel());
        let task = spawn_thread(move |_| {
            assert!(!is_abandoned());
            begun.send(()).unwrap();
            while !is_abandoned() {
                thread::yield_now();
            }
            ended.send(()).unwrap();
        });
        word(&begins).await?;
        task.abort();
        word(&ends).await?;
        sleep(Duration::from_millis(100)).await?;
        Ok(())
    });
}

#[test]
fn the_end_of_a_kernel_is_heard_by_its_threads() {
    let (ended, ends) = channel();
    on_threads(|| async {
        let (ended, (waits, does_wait)) = (ended.clone(), channel());
        let stays = async_thread(move |cx| {
            waits.send(()).unwrap();
            let told = cx.block_on(sleep(LONG)).unwrap_err();
            ended.send(told).unwrap();
        });
        let daemon = TaskBuilder::new().name("stays").daemon().spawn(stays);
        word(&does_wait).await?;
        daemon.detach();
        Ok(())
    });
    drop(ended);
    for told in ends {
        assert!(matches!(told.cause(), Cause::Shutdown));
    }
}

#[test]
fn threads_that_wait_for_tasks_leave_the_pool_to_others() {
    on_threads(|| async {
        let (count, go) = (40, Event::new());
        let waiting = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let (go, waiting) = (go.clone(), waiting.clone());
                spawn_thread(move |cx| {
                    waiting.fetch_add(1, Ordering::AcqRel);
                    cx.block_on_cancellable(async move { go.wait().await })?;
                    Ok::<_, Cancelled>(number)
                })
            })
            .collect();
        until(|| waiting.load(Ordering::Acquire) == count).await?;
        assert_eq!(run_in_thread(|| 7).await?, 7);
        go.set();
        for (number, task) in threads.into_iter().enumerate() {
            assert_eq!(task.await??, number);
        }
        Ok(())
    });
}

#[test]
fn threads_and_tasks_work_off_one_queue() {
    on_threads(|| async {
        let queue: Queue<u64> = Queue::bounded(3);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                spawn_thread(move |cx| {
                    let mut sum = 0;
                    loop {
                        let queue = queue.clone();
                        match cx.block_on_cancellable(async move { queue.get().await })? {
                            Ok(item) => sum += item,
                            Err(_) => return Ok::<_, Cancelled>(sum),
                        }
                    }
                })
            })
            .collect();
        for item in 1..=300 {
            assert!(queue.put(item).await.is_ok());
        }
        queue.close();
        let mut sum = 0;
        for task in threads {
            sum += task.await??;
        }
        assert_eq!(sum, 300 * 301 / 2);
        Ok(())
    });
}

#[test]
fn a_thread_finds_its_kernel_from_anywhere_and_others_find_none() {
    fn deep() -> Result<(), Cancelled> {
        let cx = ThreadCx::try_current().unwrap();
        cx.block_on(async {
            assert!(ThreadCx::try_current().is_none());
            yield_now().await
        })
    }
    on_threads(|| async {
        assert!(ThreadCx::try_current().is_none());
        assert!(run_in_thread(|| ThreadCx::try_current().is_none()).await?);
        spawn_thread(|_| deep()).await??;
        Ok(())
    });
}

#[test]
fn threads_are_members_of_a_group_and_end_with_it() {
    on_threads(|| async {
        let told = Arc::new(AtomicUsize::new(0));
        let hears = told.clone();
        let outcome = task_group(Wait::Any, async |group| {
            group
                .spawn(async { bibelot::Ok(async_thread(|_| 7).await?) })
                .unwrap();
            for _ in 0..3 {
                let hears = hears.clone();
                let waits = async_thread(move |cx| {
                    let ended = cx.block_on(sleep(LONG));
                    hears.fetch_add(usize::from(ended.is_err()), Ordering::AcqRel);
                    ended
                });
                group
                    .spawn(async {
                        waits.await??;
                        bibelot::Ok(0)
                    })
                    .unwrap();
            }
            bibelot::Ok(())
        });
        let outcome = outcome.await?;
        assert_eq!(outcome.first().unwrap().as_ref().ok(), Some(&7));
        assert_eq!(told.load(Ordering::Acquire), 3);
        Ok(())
    });
}

#[test]
fn a_thread_beside_other_arms_hears_as_they_do() {
    on_threads(|| async {
        let task = spawn(async {
            let thread = async_thread(|cx| cx.block_on(sleep(LONG)));
            let (thread, slept) = join((thread, sleep(LONG))).await;
            (thread.unwrap(), slept)
        });
        sleep(SHORT).await?;
        task.cancel().await?;
        let (thread, slept) = task.await?;
        assert!(thread.unwrap_err().is_live() && slept.unwrap_err().is_live());
        Ok(())
    });
}

#[test]
fn threads_meet_at_a_barrier_that_blocks() {
    // Each has a thread of its own, or this would never end.
    on_threads(|| async {
        let meets = Arc::new(Barrier::new(50));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let meets = meets.clone();
                spawn_thread(move |_| meets.wait().is_leader())
            })
            .collect();
        let mut leaders = 0;
        for task in tasks {
            leaders += usize::from(task.await?);
        }
        assert_eq!(leaders, 1);
        Ok(())
    });
}

#[test]
fn a_simulated_world_says_that_it_has_no_threads() {
    let main = async {
        let none = async_thread(|_| 7).await.unwrap_err();
        assert!(matches!(none, WorkerError::NoThread(_)), "{none}");
        assert!(matches!(
            spawn_thread(|_| 7).await,
            Err(TaskError::Panicked(_))
        ));
    };
    Sim::calm().block_on(main);
}

#[test]
fn a_kernel_dropped_while_a_thread_computes_names_it_and_does_not_wait_for_ever() {
    let Ok(mut kernel) = Kernel::builder().grace(SHORT).build() else {
        panic!("the machine has some backend");
    };
    let (refused, is_refused) = channel();
    let task = kernel.block_on(async {
        let (begun, begins) = channel();
        let task = spawn_thread(move |cx| {
            begun.send(()).unwrap();
            while !is_abandoned() {
                thread::yield_now();
            }
            refused.send(cx.block_on(yield_now()).is_err()).unwrap();
        });
        word(&begins).await.unwrap();
        task
    });
    let report = kernel.shutdown();
    assert_eq!(report.aborted.len(), 1);
    assert!(is_refused.recv().unwrap());
    drop(task);
}

/// Counts its drop.
struct Counts(Arc<AtomicUsize>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[test]
fn every_thread_ends_however_it_is_cut() {
    on_threads(|| async {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let (bodies, futures) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let asked = Arc::<AtomicUsize>::default();
        for _ in 0..10 {
            let tasks: Vec<_> = (0..20)
                .map(|_| {
                    let (body, futures) = (Counts(bodies.clone()), futures.clone());
                    let asked = asked.clone();
                    spawn_thread(move |cx| {
                        let _body = body;
                        for span in 0..50 {
                            asked.fetch_add(1, Ordering::AcqRel);
                            let future = Counts(futures.clone());
                            cx.block_on(async move {
                                let _future = future;
                                sleep(Duration::from_micros(span)).await
                            })?;
                        }
                        Ok::<_, Cancelled>(())
                    })
                })
                .collect();
            for task in tasks {
                match next(4) {
                    0 => _ = task.cancel_nowait(),
                    1 => task.abort(),
                    2 => _ = sleep(Duration::from_micros(next(300))).await?,
                    _ => yield_now().await?,
                }
                let was_cancelled = task.was_cancelled();
                match task.await {
                    Ok(ended) => assert!(ended.is_ok() || was_cancelled),
                    Err(error) => assert!(matches!(error, TaskError::Aborted)),
                }
            }
        }
        until(|| bodies.load(Ordering::Acquire) == 200).await?;
        let counts = (
            asked.load(Ordering::Acquire),
            futures.load(Ordering::Acquire),
        );
        assert_eq!(counts.0, counts.1);
        sleep(Duration::from_millis(100)).await?;
        Ok(())
    });
}
