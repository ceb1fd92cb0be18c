//! Tasks of other kernels: spawned, joined and asked to stop from anywhere.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use bibelot::cluster::{ClusterHandle, ClusterTask, JoinClusterTask};
use bibelot::{
    AsCancelled, Cause, Cluster, TaskError, current, sleep, spawn, timeout_after, try_current,
    yield_now,
};

use crate::common::{Counted, LONG, deaf, each_cluster};

#[test]
fn a_task_runs_on_the_kernel_that_was_chosen_and_may_hold_what_is_not_send() {
    each_cluster(3, |cluster| {
        for kernel in 0..3 {
            let task = cluster.spawn_on(kernel, async || {
                let (here, shared) = (thread::current().id(), Rc::new(7));
                sleep(Duration::from_millis(1)).await.unwrap();
                assert_eq!(thread::current().id(), here);
                let cluster = ClusterHandle::current();
                (cluster.current_kernel(), *shared, current().id())
            });
            let task = task.unwrap();
            assert_eq!(task.kernel(), kernel);
            let (place, value, id) = task.join_blocking().unwrap();
            assert_eq!((place, value), (Some(kernel), 7));
            assert_eq!(task.id().unwrap(), id);
            assert_eq!(id.kernel(), cluster.kernel(kernel).id());
            assert!(matches!(task.join_blocking(), Err(TaskError::Taken)));
        }
        assert!(ClusterHandle::try_current().is_none() && try_current().is_none());
    });
}

#[test]
fn tasks_are_joined_by_tasks_of_other_kernels() {
    each_cluster(3, |cluster| {
        let first = cluster.spawn_on(0, async || {
            let cluster = ClusterHandle::current();
            let second = cluster.spawn_on(1, async || {
                let cluster = ClusterHandle::current();
                let third = cluster.spawn_on(2, async || {
                    sleep(Duration::from_millis(1)).await?;
                    bibelot::Ok(1)
                })?;
                bibelot::Ok(third.await?? + 10)
            })?;
            // Also its own kernel's, as if it were another's.
            let own = cluster.spawn_on(0, async || 100)?;
            bibelot::Ok((&second).await?? + own.await?)
        });
        assert_eq!(first.unwrap().join_blocking().unwrap().unwrap(), 111);
    });
}

#[test]
fn a_panic_is_an_error_of_the_task_wherever_it_happens() {
    each_cluster(2, |cluster| {
        let in_poll = cluster.spawn(async || {
            yield_now().await.unwrap();
            resume_unwind(Box::new("in the task"))
        });
        let in_poll: ClusterTask<()> = in_poll.unwrap();
        let Err(TaskError::Panicked(panic)) = in_poll.join_blocking() else {
            panic!("it panicked");
        };
        assert!(panic.to_string().contains("in the task"));
        let in_make = cluster.spawn_on(1, || {
            if current().id().number() > 0 {
                resume_unwind(Box::new("in the closure"));
            }
            async {}
        });
        let Err(TaskError::Panicked(panic)) = in_make.unwrap().join_blocking() else {
            panic!("it panicked");
        };
        assert!(panic.to_string().contains("in the closure"));
        // The kernel goes on.
        assert_eq!(
            cluster
                .spawn_on(1, async || 7)
                .unwrap()
                .join_blocking()
                .unwrap(),
            7
        );
    });
}

#[test]
fn a_cancel_crosses_kernels_and_leaves_time_to_clean_up() {
    each_cluster(2, |cluster| {
        let canceller = cluster.spawn_on(0, async || {
            let cluster = ClusterHandle::current();
            let target = cluster.spawn_on(1, async || {
                let told = sleep(Duration::from_secs(3600)).await.unwrap_err();
                sleep(Duration::from_millis(2)).await.unwrap();
                told.cause().clone()
            })?;
            sleep(Duration::from_millis(1)).await?;
            target.cancel().await?;
            assert!(target.is_finished() && target.was_cancelled());
            assert!(!target.cancel_nowait(), "it has ended");
            assert!(matches!(target.try_take().unwrap()?, Cause::Task));
            bibelot::Ok(())
        });
        canceller.unwrap().join_blocking().unwrap().unwrap();
        // From a plain thread, with a reason.
        let target = cluster.spawn(async || {
            let told = sleep(Duration::from_secs(3600)).await.unwrap_err();
            matches!(told.cause(), Cause::Custom(reason) if reason.to_string() == "enough")
        });
        let target = target.unwrap();
        assert!(target.cancel_with(std::io::Error::other("enough")));
        assert!(!target.cancel_nowait(), "once");
        assert!(target.join_blocking().unwrap());
    });
}

#[test]
fn what_is_asked_before_a_task_begins_is_asked_when_it_does() {
    each_cluster(2, |cluster| {
        let (hold, held) = channel::<()>();
        // The kernel is kept busy, so nothing begins there meanwhile.
        let busy = cluster
            .spawn_on(1, async move || held.recv().unwrap_err())
            .unwrap();
        let cancelled = cluster.spawn_on(1, async || sleep(Duration::from_secs(3600)).await);
        let interrupted = cluster.spawn_on(1, async || sleep(Duration::from_secs(3600)).await);
        let aborted = cluster.spawn_on(1, async || panic!("it never ran"));
        let (cancelled, interrupted) = (cancelled.unwrap(), interrupted.unwrap());
        let aborted: ClusterTask<()> = aborted.unwrap();
        assert!(cancelled.cancel_nowait() && interrupted.interrupt());
        aborted.abort();
        assert!(cancelled.id().is_none() && !aborted.is_finished());
        assert!(cancelled.join_timeout(Duration::from_millis(1)).is_none());
        drop(hold);
        busy.join_blocking().unwrap();
        assert!(
            cancelled
                .join_blocking()
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
        let told = interrupted.join_blocking().unwrap().unwrap_err();
        assert!(matches!(told.cause(), Cause::Interrupt));
        assert!(matches!(aborted.join_blocking(), Err(TaskError::Aborted)));
    });
}

#[test]
fn an_abort_drops_the_future_on_its_kernel_and_a_deaf_task_ends_by_a_cancel() {
    each_cluster(2, |cluster| {
        let live = Arc::new(AtomicUsize::new(0));
        let cancel = |task: &ClusterTask<()>| assert!(task.cancel_nowait());
        for how in [ClusterTask::abort, cancel] {
            let counted = Counted::new(&live);
            let task = cluster.spawn_on(1, async move || {
                let _counted = counted;
                deaf().await;
            });
            let task = task.unwrap();
            while task.id().is_none() {
                thread::yield_now();
            }
            how(&task);
            let error = task.join_blocking().unwrap_err();
            assert!(matches!(
                error,
                TaskError::Aborted | TaskError::Cancelled(_)
            ));
            assert_eq!(live.load(Ordering::Relaxed), 0);
        }
    });
}

#[test]
fn a_join_that_is_cut_leaves_the_task_and_its_value() {
    each_cluster(2, |cluster| {
        let joiner = cluster.spawn_on(0, async || {
            let (go, goes) = bibelot_sync::oneshot::<()>();
            let target = ClusterHandle::current().spawn_on(1, async || goes.await.is_ok())?;
            let cut = timeout_after(Duration::from_millis(2), async {
                bibelot::Ok(target.join().await?)
            });
            assert!(cut.await.unwrap_err().timed_out());
            // A join that is dropped leaves nothing behind either.
            drop(spawn(target.join()));
            let mut join = target.join();
            yield_now().await?;
            assert!(bibelot_sync::block_on_timeout(&mut join, Duration::ZERO).is_none());
            drop(join);
            go.send(()).unwrap();
            target.wait().await?;
            bibelot::Ok(())
        });
        joiner.unwrap().join_blocking().unwrap().unwrap();
    });
}

#[test]
fn a_dropped_handle_lets_the_task_go_on() {
    each_cluster(2, |cluster| {
        let (tell, told) = channel();
        let task = cluster.spawn(async move || {
            sleep(Duration::from_millis(2)).await.unwrap();
            tell.send(()).unwrap();
        });
        task.unwrap().detach();
        told.recv_timeout(LONG).unwrap();
    });
}

#[test]
fn new_tasks_go_to_the_kernel_with_the_least_to_do() {
    each_cluster(3, |cluster| {
        let forever = || {
            cluster
                .spawn(async || sleep(Duration::from_secs(3600)).await)
                .unwrap()
        };
        let tasks: Vec<_> = (0..30).map(|_| forever()).collect();
        let totals = |cluster: &ClusterHandle| {
            let loads = cluster.loads();
            loads.iter().map(|load| load.total()).collect::<Vec<_>>()
        };
        // One that was begun may be counted twice for a moment.
        let mut counts = [0; 3];
        tasks.iter().for_each(|task| counts[task.kernel()] += 1);
        assert!(
            counts.iter().all(|&count| (8..=12).contains(&count)),
            "{counts:?}"
        );
        while cluster.loads().iter().any(|load| load.queued > 0) {
            thread::yield_now();
        }
        assert_eq!(totals(cluster), counts);
        // Those that its tasks spawn count as well.
        let more = cluster.spawn_on(0, async || {
            for _ in 0..20 {
                spawn(sleep(Duration::from_secs(3600))).detach();
            }
        });
        more.unwrap().join_blocking().unwrap();
        assert_eq!(totals(cluster)[0], counts[0] + 20);
        for _ in 0..10 {
            assert_ne!(forever().kernel(), 0);
        }
        for task in &tasks {
            task.cancel_blocking();
        }
    });
}

#[test]
fn plain_threads_spawn_in_a_storm_and_every_task_is_joined() {
    each_cluster(3, |cluster| {
        let live = Arc::new(AtomicUsize::new(0));
        thread::scope(|scope| {
            for number in 0..4_usize {
                let live = &live;
                scope.spawn(move || {
                    let tasks = (0..500).map(|round| {
                        let counted = Counted::new(live);
                        let make = async move || {
                            if round % 3 == 0 {
                                yield_now().await.unwrap();
                            }
                            drop(counted);
                            round
                        };
                        match round % 2 {
                            0 => cluster.spawn(make).unwrap(),
                            _ => cluster.spawn_on((number + round) % 3, make).unwrap(),
                        }
                    });
                    let tasks: Vec<_> = tasks.collect();
                    for (round, task) in tasks.into_iter().enumerate() {
                        assert_eq!(task.join_blocking().unwrap(), round);
                    }
                });
            }
        });
        assert_eq!(live.load(Ordering::Relaxed), 0);
        assert!(cluster.loads().iter().all(|load| load.total() == 0));
    });
}

#[test]
fn handles_and_futures_of_tasks_may_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<ClusterTask<u8>>();
    is_send::<JoinClusterTask<u8>>();
    is_send::<bibelot::cluster::WaitClusterTask>();
    is_send::<bibelot::cluster::Drain>();
    is_send::<bibelot::Cluster>();
    fn is_sync<T: Sync>() {}
    is_sync::<ClusterHandle>();
    is_sync::<ClusterTask<u8>>();
}

#[test]
fn a_kernel_that_is_not_there_and_a_name_that_no_thread_can_have_are_told() {
    each_cluster(2, |cluster| {
        let asked = catch_unwind(AssertUnwindSafe(|| cluster.spawn_on(2, async || ())));
        let payload = asked.map(drop).unwrap_err();
        let said = payload.downcast_ref::<String>().unwrap();
        assert_eq!(said, "there is no kernel 2 among 2");
    });
    let refused = Cluster::builder().kernels(2).name("a\0b").build();
    assert_eq!(
        refused.map(drop).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}
