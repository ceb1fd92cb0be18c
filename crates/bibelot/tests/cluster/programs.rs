//! Random programs of spawns, requests and joins across three kernels, against what each task may do.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bibelot::cluster::{ClusterHandle, ClusterTask};
use bibelot::{Backend, Cluster, TaskError, sleep, spawn, yield_now};
use proptest::prelude::*;

use crate::common::{Counted, LONG, deaf, each_backend, wait_for_no_threads};

const KERNELS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Body {
    /// Returns its number, after so many yields.
    Returns(u8),
    /// Sleeps until it is told not to, and then cleans up.
    Sleeps,
    /// Cannot hear.
    Deaf,
    Panics,
    /// Has another kernel do the first, joins that, and adds one.
    Delegates(usize),
    /// Leaves a task of its own behind, which ends with the kernel.
    LeavesAnother,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Spawn {
        on: Option<usize>,
        body: Body,
    },
    Cancel(usize),
    Interrupt(usize),
    Abort(usize),
    /// Has a task of another kernel wait for it.
    WaitFrom(usize, usize),
    Drop(usize),
    Pause,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let body = prop_oneof![
        (0..4_u8).prop_map(Body::Returns),
        Just(Body::Sleeps),
        Just(Body::Deaf),
        Just(Body::Panics),
        (0..KERNELS).prop_map(Body::Delegates),
        Just(Body::LeavesAnother),
    ];
    let which = || 0..64_usize;
    let step = prop_oneof![
        6 => (proptest::option::of(0..KERNELS), body).prop_map(|(on, body)| Step::Spawn { on, body }),
        2 => which().prop_map(Step::Cancel),
        1 => which().prop_map(Step::Interrupt),
        2 => which().prop_map(Step::Abort),
        2 => (which(), 0..KERNELS).prop_map(|(which, kernel)| Step::WaitFrom(which, kernel)),
        1 => which().prop_map(Step::Drop),
        1 => Just(Step::Pause),
    ];
    proptest::collection::vec(step, 1..48)
}

/// A task, and what was asked of it.
struct Held {
    task: ClusterTask<usize>,
    body: Body,
    number: usize,
    was_asked: bool,
    was_aborted: bool,
}

const CLEANED_UP: usize = usize::MAX;

async fn perform(body: Body, number: usize, held: Counted, live: Arc<AtomicUsize>) -> usize {
    let _held = held;
    match body {
        Body::Returns(yields) => {
            for _ in 0..yields {
                // A request is no reason for this one to stop.
                let _ = yield_now().await;
            }
            number
        }
        Body::Sleeps => {
            let told = sleep(Duration::from_secs(3600)).await;
            drop(told.unwrap_err());
            let _ = sleep(Duration::from_micros(100)).await;
            CLEANED_UP
        }
        Body::Deaf => {
            deaf().await;
            number
        }
        Body::Panics => resume_unwind(Box::new(number)),
        Body::Delegates(kernel) => {
            let counted = Counted::new(&live);
            let task = ClusterHandle::current().spawn_on(kernel, async move || {
                let _held = counted;
                let _ = yield_now().await;
                number
            });
            loop {
                // A request cuts a wait, and leaves the value.
                if task.as_ref().unwrap().wait().await.is_ok() {
                    return task.unwrap().try_take().unwrap().unwrap() + 1;
                }
            }
        }
        Body::LeavesAnother => {
            let counted = Counted::new(&live);
            spawn(async move {
                let _held = counted;
                sleep(Duration::from_secs(3600)).await
            })
            .detach();
            number
        }
    }
}

/// Checks how a task ended.
fn check(held: &Held, result: Result<usize, TaskError>) {
    match (held.body, result) {
        (_, Err(TaskError::Aborted)) => assert!(held.was_aborted, "{:?}", held.body),
        (Body::Returns(_) | Body::LeavesAnother, Ok(value)) => assert_eq!(value, held.number),
        (Body::Delegates(_), Ok(value)) => assert_eq!(value, held.number + 1),
        (Body::Sleeps, Ok(CLEANED_UP)) => assert!(held.was_asked),
        (Body::Deaf, Err(TaskError::Cancelled(_))) => assert!(held.was_asked),
        (Body::Panics, Err(TaskError::Panicked(_))) => {}
        (body, result) => panic!("{body:?} ended with {result:?}"),
    }
}

fn run(backend: Backend, steps: &[Step]) {
    let live = Arc::new(AtomicUsize::new(0));
    let cluster = Cluster::builder().kernels(KERNELS).backend(backend);
    let cluster = cluster.name("program").build().unwrap();
    let mut tasks: Vec<Held> = Vec::new();
    let mut waits = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let count = tasks.len().max(1);
        match *step {
            Step::Spawn { on, body } => {
                let (counted, living) = (Counted::new(&live), live.clone());
                let make = async move || perform(body, number, counted, living).await;
                let task = match on {
                    Some(kernel) => cluster.spawn_on(kernel, make).unwrap(),
                    None => cluster.spawn(make).unwrap(),
                };
                assert!(on.is_none_or(|kernel| task.kernel() == kernel));
                tasks.push(Held {
                    task,
                    body,
                    number,
                    was_asked: false,
                    was_aborted: false,
                });
            }
            Step::Cancel(which) => {
                if let Some(held) = tasks.get_mut(which % count) {
                    let is_first = held.task.cancel_nowait();
                    held.was_asked |= is_first;
                    assert!(!held.task.cancel_nowait(), "a task is cancelled once");
                }
            }
            Step::Interrupt(which) => {
                if let Some(held) = tasks.get_mut(which % count) {
                    // What is told to end nothing may still end for it.
                    held.was_asked |= held.task.interrupt();
                }
            }
            Step::Abort(which) => {
                if let Some(held) = tasks.get_mut(which % count) {
                    held.task.abort();
                    held.was_aborted = true;
                }
            }
            Step::WaitFrom(which, kernel) => {
                if let Some(held) = tasks.get(which % count) {
                    let wait = held.task.wait();
                    let counted = Counted::new(&live);
                    let waiter = cluster.spawn_on(kernel, async move || {
                        let _held = counted;
                        wait.await.is_ok()
                    });
                    waits.push(waiter.unwrap());
                }
            }
            Step::Drop(which) => {
                if !tasks.is_empty() {
                    let held = tasks.swap_remove(which % count);
                    // Nobody is left to ask it, and waiters would wait until the end.
                    held.task.abort();
                }
            }
            Step::Pause => std::thread::sleep(Duration::from_micros(200)),
        }
    }
    // Half of them by themselves, if they can; the rest is asked to stop.
    for held in &mut tasks {
        if matches!(held.body, Body::Sleeps | Body::Deaf) {
            held.was_asked |= held.task.cancel_nowait() || held.task.was_cancelled();
        }
        let result = held.task.join_blocking();
        check(held, result);
        assert!(matches!(held.task.join_blocking(), Err(TaskError::Taken)));
    }
    for wait in waits {
        assert!(wait.join_blocking().unwrap());
    }
    let report = cluster.shutdown(LONG);
    assert!(report.is_clean(), "{report:#?}");
    drop(tasks);
    assert_eq!(live.load(Ordering::Relaxed), 0);
}

#[test]
fn random_programs_end_as_they_should_and_leave_nothing() {
    each_backend(|backend| {
        let cases = ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(64)
        };
        proptest!(cases, |(steps in steps())| run(backend, &steps));
    });
    wait_for_no_threads("program-");
}
