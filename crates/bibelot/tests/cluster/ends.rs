//! The ends of clusters and of their kernels.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use bibelot::cluster::{ClusterHandle, KernelEnd, KernelPhase};
use bibelot::{Cluster, TaskBuilder, TaskError, sleep, spawn};

use crate::common::{
    Counted, LONG, deaf, each_backend, each_builder, threads_named, wait_for_no_threads,
};

#[test]
fn a_shutdown_ends_all_tasks_and_leaves_neither_threads_nor_what_they_held() {
    each_builder(|builder| {
        let live = Arc::new(AtomicUsize::new(0));
        let cluster = builder.kernels(3).name("leaves").build().unwrap();
        assert_eq!(threads_named("leaves-"), 3);
        let tasks: Vec<_> = (0..30)
            .map(|_| {
                let counted = Counted::new(&live);
                let task = cluster.spawn(async move || {
                    let _counted = counted;
                    sleep(Duration::from_secs(3600)).await
                });
                task.unwrap()
            })
            .collect();
        let handle = cluster.handle();
        let report = cluster.shutdown(LONG);
        assert!(report.is_clean(), "{report:#?}");
        assert_eq!(live.load(Ordering::Relaxed), 0);
        wait_for_no_threads("leaves-");
        for task in tasks {
            // Cancelled, if it had begun; those that had not were dropped with their kernel.
            assert!(task.is_finished());
            let _ = task.join_blocking();
        }
        let refused = handle.spawn(async || 7).unwrap_err();
        assert_eq!(refused.kernel, None);
        assert_eq!(bibelot::run((refused.make)()), 7);
        assert_eq!(handle.phase(2), KernelPhase::Ended);
        assert!(handle.report(2).unwrap().is_clean());
    });
}

#[test]
fn a_shutdown_is_bounded_and_names_what_did_not_stop() {
    each_builder(|builder| {
        let builder = builder.kernels(2).stop_limit(Duration::from_millis(50));
        let cluster = builder.build().unwrap();
        let (begun, begins) = channel();
        let stubborn = begun.clone();
        let task = cluster.spawn_on(0, async move || {
            TaskBuilder::new()
                .name("stubborn")
                .spawn(async move {
                    stubborn.send(()).unwrap();
                    loop {
                        let _ = sleep(Duration::from_millis(1)).await;
                    }
                })
                .detach();
        });
        task.unwrap().detach();
        let let_go = Arc::new(AtomicBool::new(false));
        let spins = let_go.clone();
        let task = cluster.spawn_on(1, async move || {
            begun.send(()).unwrap();
            while !spins.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
        });
        let stuck = task.unwrap();
        begins.recv().unwrap();
        begins.recv().unwrap();
        let report = cluster.shutdown(Duration::from_millis(20));
        assert!(!report.is_clean());
        let [stubborn, spinning] = &report.kernels[..] else {
            panic!("two kernels");
        };
        let KernelEnd::ShutDown(shutdown) = &stubborn.end else {
            panic!("it ended: {stubborn}");
        };
        assert_eq!(shutdown.aborted[0].name.as_deref(), Some("stubborn"));
        let KernelEnd::Stuck(tasks) = &spinning.end else {
            panic!("it is stuck: {spinning}");
        };
        assert!(tasks.iter().any(|task| {
            task.spawn_site
                .is_some_and(|site| site.file().ends_with("ends.rs"))
        }));
        assert!(spinning.to_string().contains("stuck"));
        // Let go, it ends by itself.
        let_go.store(true, Ordering::Relaxed);
        stuck.join_blocking().unwrap();
    });
}

#[test]
fn a_drained_kernel_lets_its_tasks_end_and_takes_no_new_ones() {
    each_builder(|builder| {
        let cluster = builder.kernels(2).build().unwrap();
        let (go, goes) = bibelot_sync::oneshot();
        let patient = cluster.spawn_on(1, async move || {
            // What a task leaves behind is waited for, too; a daemon is not.
            TaskBuilder::new().daemon().spawn(deaf()).detach();
            spawn(async move { goes.await.unwrap() }).detach();
            7
        });
        let patient = patient.unwrap();
        let drain = cluster.drain(1, LONG);
        assert_eq!(cluster.phase(1), KernelPhase::Draining);
        let refused = cluster.spawn_on(1, async || ()).unwrap_err();
        assert_eq!(refused.kernel, Some(1));
        assert_eq!(cluster.spawn(refused.make).unwrap().kernel(), 0);
        assert_eq!(patient.join_blocking().unwrap(), 7);
        assert!(cluster.report(1).is_none());
        // Nothing but what was left behind counts, once its main future has heard of the drain.
        let left = || cluster.loads()[1].tasks;
        assert!((0..10_000).any(|_| {
            thread::sleep(Duration::from_millis(1));
            left() == 1
        }));
        go.send(()).unwrap();
        let report = bibelot_sync::block_on(drain).unwrap();
        assert!(matches!(&report.end, KernelEnd::ShutDown(down) if down.cancelled == 1));
        assert!(report.is_clean(), "{report:#?}");
        // A task of another kernel may wait as well, also for what is over.
        let waits = cluster.spawn(async || ClusterHandle::current().drain(1, LONG).await);
        assert_eq!(waits.unwrap().join_blocking().unwrap().unwrap().kernel, 1);
        assert!(cluster.shutdown(LONG).is_clean());
    });
}

#[test]
fn a_drain_cancels_what_is_left_when_patience_ends() {
    each_builder(|builder| {
        let cluster = builder.kernels(2).build().unwrap();
        let task = cluster.spawn_on(0, async || {
            let told = sleep(Duration::from_secs(3600)).await.unwrap_err();
            matches!(told.cause(), bibelot::Cause::Shutdown)
        });
        let report = cluster.drain_blocking(0, Duration::from_millis(5));
        assert!(matches!(&report.end, KernelEnd::ShutDown(down) if down.cancelled == 1));
        assert!(task.unwrap().join_blocking().unwrap());
        // A shutdown cuts a drain that is under way short.
        let hold = cluster.spawn_on(1, async || sleep(Duration::from_secs(3600)).await);
        let drain = cluster.drain(1, Duration::from_secs(3600));
        assert!(cluster.shutdown(LONG).is_clean());
        assert!(bibelot_sync::block_on(drain).unwrap().is_clean());
        assert!(hold.unwrap().join_blocking().unwrap().is_err());
    });
}

#[test]
fn a_task_that_drains_its_own_kernel_is_cancelled_with_it() {
    each_builder(|builder| {
        let cluster = builder.kernels(2).build().unwrap();
        let task = cluster.spawn_on(1, async || {
            let cluster = ClusterHandle::current();
            let here = cluster.current_kernel().unwrap();
            cluster.drain(here, Duration::from_millis(5)).await.is_err()
        });
        assert!(task.unwrap().join_blocking().unwrap());
        assert!(cluster.shutdown(LONG).is_clean());
    });
}

#[test]
fn joins_end_while_the_kernels_they_wait_for_shut_down() {
    each_backend(|backend| {
        for round in 0..20 {
            let builder = Cluster::builder().backend(backend);
            let cluster = builder.kernels(2).build().unwrap();
            let joins: Vec<_> = (0..20)
                .map(|number| {
                    let task = cluster.spawn_on(1, async move || {
                        if number % 2 == 0 {
                            deaf().await;
                        }
                        sleep(Duration::from_micros(number * 10)).await.is_ok()
                    });
                    let task = task.unwrap();
                    let joins = cluster.spawn_on(0, async move || task.await.is_ok());
                    joins.unwrap()
                })
                .collect();
            let drained = cluster.drain(1, Duration::from_micros(round * 50));
            for join in joins {
                // Each learns of it; what, depends on who was faster.
                let _ = join.join_blocking().unwrap();
            }
            bibelot_sync::block_on(drained).unwrap();
            cluster.shutdown(LONG);
        }
    });
}

#[test]
fn a_kernel_whose_thread_panics_ends_its_tasks_and_the_others_go_on() {
    each_builder(|builder| {
        let trap = Arc::new(AtomicBool::new(false));
        let springs = trap.clone();
        let builder = builder.kernels(2).configure(move |kernel, builder| {
            let springs = springs.clone();
            if kernel == 1 {
                builder.scheduler(Panicky::new(springs))
            } else {
                builder
            }
        });
        let cluster = builder.build().unwrap();
        let task = cluster.spawn_on(1, async || {
            sleep(Duration::from_secs(3600)).await.unwrap();
        });
        let task = task.unwrap();
        while task.id().is_none() {
            thread::yield_now();
        }
        trap.store(true, Ordering::Relaxed);
        let last = cluster.spawn_on(1, async || ());
        assert!(matches!(task.join_blocking(), Err(TaskError::Aborted)));
        if let Ok(last) = last {
            assert!(last.join_blocking().is_err());
        }
        let report = cluster.drain_blocking(1, LONG);
        assert!(
            matches!(&report.end, KernelEnd::Panicked(why) if why.contains("sprung")),
            "{report}"
        );
        assert!(cluster.spawn_on(1, async || ()).is_err());
        assert_eq!(
            cluster.spawn(async || 7).unwrap().join_blocking().unwrap(),
            7
        );
        let report = cluster.shutdown(LONG);
        assert!(report.kernels[0].is_clean() && !report.kernels[1].is_clean());
    });
}

/// A scheduler that panics once, when it is told to.
pub struct Panicky<T>(VecDeque<T>, Arc<AtomicBool>);

impl<T> Panicky<T> {
    pub fn new(trap: Arc<AtomicBool>) -> Self {
        Self(VecDeque::new(), trap)
    }
}

impl<T> bibelot_sched::Scheduler<T> for Panicky<T> {
    fn push(&mut self, item: T, _: bibelot_sched::Wake) {
        self.0.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        if self.1.swap(false, Ordering::Relaxed) {
            std::panic::resume_unwind(Box::new("sprung"));
        }
        self.0.pop_front()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

#[test]
fn a_cluster_that_cannot_be_had_says_of_which_kernel_and_leaves_no_thread() {
    let none = Cluster::builder().kernels(0).build().unwrap_err();
    assert_eq!(none.kind(), io::ErrorKind::InvalidInput);
    let builder = Cluster::builder()
        .kernels(3)
        .name("half")
        .backend(bibelot::Backend::Poll);
    let error = builder.configure(|kernel, builder| match kernel {
        1 => builder.backend(Nowhere),
        _ => builder,
    });
    let error = error.build().unwrap_err();
    assert!(
        error.to_string().contains("kernel 1: it is nowhere"),
        "{error}"
    );
    wait_for_no_threads("half-");
}

struct Nowhere;

impl bibelot_kernel::Backend for Nowhere {
    fn build(self: Box<Self>) -> io::Result<bibelot_kernel::World> {
        Err(io::Error::other("it is nowhere"))
    }
}

#[test]
fn a_pinned_kernel_stays_on_its_processor() {
    each_builder(|builder| {
        let cluster = builder.kernels(3).pinned(true).build().unwrap();
        let allowed = bibelot_sys::processors().unwrap();
        for kernel in 0..3 {
            let task = cluster.spawn_on(kernel, async || bibelot_sys::processors().unwrap());
            let only = task.unwrap().join_blocking().unwrap();
            assert_eq!(only, [allowed[kernel % allowed.len()]]);
        }
    });
}

#[test]
fn a_task_that_calls_exit_ends_its_kernel_and_no_other() {
    each_builder(|builder| {
        let cluster = builder.kernels(2).build().unwrap();
        let exits = cluster.spawn_on(1, async || {
            bibelot::exit(3);
            sleep(Duration::from_secs(3600)).await.is_err()
        });
        assert!(exits.unwrap().join_blocking().unwrap());
        let report = cluster.drain_blocking(1, LONG);
        assert!(matches!(&report.end, KernelEnd::ShutDown(down) if down.exit_code == Some(3)));
        let goes_on = cluster.spawn(async || 7).unwrap();
        assert_eq!((goes_on.kernel(), goes_on.join_blocking().unwrap()), (0, 7));
    });
}

#[test]
fn no_drain_waits_for_a_daemon() {
    each_builder(|builder| {
        let cluster = builder.kernels(2).build().unwrap();
        let daemon = cluster
            .task()
            .name("daemon")
            .daemon()
            .on(1)
            .spawn(async || sleep(Duration::from_secs(3600)).await.is_err());
        let daemon = daemon.unwrap();
        while daemon.id().is_none() {
            thread::yield_now();
        }
        assert_eq!(cluster.loads()[1].total(), 0);
        let report = cluster.drain_blocking(1, Duration::from_secs(3600));
        assert!(matches!(&report.end, KernelEnd::ShutDown(down) if down.cancelled == 1));
        assert!(daemon.join_blocking().unwrap());
    });
}

#[test]
fn a_choice_that_panics_or_answers_nonsense_is_none() {
    each_builder(|builder| {
        let builder = builder.kernels(2).choose(|loads| match loads[0].total() {
            0 => usize::MAX,
            _ => std::panic::resume_unwind(Box::new("undecided")),
        });
        let cluster = builder.build().unwrap();
        let hold = || {
            cluster
                .spawn(async || sleep(Duration::from_secs(3600)).await)
                .unwrap()
        };
        let held = [hold(), hold(), hold(), hold()];
        let mut kernels = held.each_ref().map(|task| task.kernel());
        kernels.sort_unstable();
        assert_eq!(kernels, [0, 0, 1, 1]);
    });
}

#[test]
fn a_cluster_dropped_by_one_of_its_own_tasks_ends_without_waiting_for_itself() {
    each_builder(|builder| {
        let cluster = builder.kernels(2).name("own").build().unwrap();
        let handle = cluster.handle();
        let task = handle.spawn(async move || drop(cluster)).unwrap();
        task.join_blocking().unwrap();
        for kernel in 0..2 {
            let ended = handle.drain_blocking(kernel, LONG);
            assert!(ended.is_clean(), "{ended}");
        }
    });
}
