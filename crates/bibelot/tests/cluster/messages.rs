//! Kernels that wake each other by messages of the ring.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bibelot::cluster::{ClusterBuilder, ClusterHandle};
use bibelot::{spawn, universal, yield_now};

use crate::common::{LONG, each_builder};

/// Runs a test with clusters all of whose kernels send messages, and with those of which some do.
fn each_talkative(test: impl Fn(ClusterBuilder)) {
    for all in [true, false] {
        each_builder(|builder| {
            test(
                builder.configure(move |place, builder| {
                    builder.wake_by_message(all || place % 2 == 0)
                }),
            );
        });
    }
}

#[test]
fn an_item_goes_round_and_round_through_kernels_that_sleep() {
    const KERNELS: usize = 3;
    const ROUNDS: usize = 500;
    each_talkative(|builder| {
        let cluster = builder.kernels(KERNELS).build().unwrap();
        let queues: Arc<Vec<_>> = Arc::new(
            (0..KERNELS)
                .map(|_| universal::Queue::unbounded())
                .collect(),
        );
        let tasks: Vec<_> = (0..KERNELS)
            .map(|place| {
                let queues = queues.clone();
                let task = cluster.spawn_on(place, async move || {
                    for _ in 0..ROUNDS {
                        let item: usize = queues[place].get().await.unwrap();
                        queues[(place + 1) % KERNELS].put(item + 1).await.unwrap();
                    }
                });
                task.unwrap()
            })
            .collect();
        queues[0].put_blocking(0).unwrap();
        for task in tasks {
            task.join_blocking().unwrap();
        }
        let item = queues[0].get_blocking().unwrap();
        assert_eq!(item, KERNELS * ROUNDS);
        assert!(cluster.shutdown(LONG).is_clean());
    });
}

#[test]
fn many_tasks_of_one_turn_wake_many_kernels() {
    each_talkative(|builder| {
        let cluster = builder.kernels(4).build().unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        let counted = done.clone();
        let root = cluster.spawn_on(0, async move || {
            let cluster = ClusterHandle::current();
            let crowd: Vec<_> = (0..200)
                .map(|number| {
                    let (cluster, done) = (cluster.clone(), counted.clone());
                    spawn(async move {
                        for step in 0..5 {
                            let there = cluster.spawn_on((number + step) % 4, async || 1).unwrap();
                            done.fetch_add(there.await.unwrap(), Ordering::Relaxed);
                            yield_now().await.unwrap();
                        }
                    })
                })
                .collect();
            for task in crowd {
                task.join().await.unwrap();
            }
        });
        root.unwrap().join_blocking().unwrap();
        assert_eq!(done.load(Ordering::Relaxed), 1000);
        assert!(cluster.shutdown(LONG).is_clean());
    });
}

#[test]
fn kernels_leave_while_others_wake_them() {
    each_talkative(|builder| {
        let cluster = builder.kernels(4).build().unwrap();
        let askers: Vec<_> = (0..2)
            .map(|place| {
                let asker = cluster.spawn_on(place, async move || {
                    let cluster = ClusterHandle::current();
                    let mut refused = 0;
                    for number in 0..400 {
                        // Every join ends, whatever has become of the kernel by then.
                        match cluster.spawn_on(2 + number % 2, async || {
                            yield_now().await.unwrap();
                        }) {
                            Ok(task) => drop(task.await),
                            Err(_) => refused += 1,
                        }
                        yield_now().await.unwrap();
                    }
                    refused
                });
                asker.unwrap()
            })
            .collect();
        for leaving in [2, 3] {
            thread::sleep(Duration::from_millis(2));
            cluster
                .handle()
                .spawn_on(0, async move || {
                    let cluster = ClusterHandle::current();
                    cluster.drain(leaving, LONG).await.map(drop)
                })
                .unwrap()
                .join_blocking()
                .unwrap()
                .unwrap();
        }
        for asker in askers {
            asker.join_blocking().unwrap();
        }
        assert!(cluster.shutdown(LONG).is_clean());
    });
}
