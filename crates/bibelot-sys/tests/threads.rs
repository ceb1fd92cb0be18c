//! The pool's threads: made when needed, gone when not. They are counted by name over the whole process,
//! so these run one after another in a process of their own.

use std::fs;
use std::sync::mpsc;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use bibelot_reactor::{Completion, Job, Op, Outcome, Token};
use bibelot_sys::{Pool, PoolLimits};

fn token(slot: u32) -> Token {
    Token::new(slot, 0)
}

fn pool(threads_max: usize) -> Pool {
    let limits = PoolLimits {
        threads_max,
        ..PoolLimits::default()
    };
    Pool::new(limits, Waker::noop().clone())
}

fn job<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Op {
    Op::Job(Job::new(body))
}

/// Waits for so many ends: all that are under way, since those that come along would be lost.
fn collect(pool: &mut Pool, count: usize) -> Vec<Completion> {
    let mut ends = Vec::new();
    while ends.len() < count {
        pool.collect(&mut ends);
        thread::yield_now();
    }
    assert_eq!(ends.len(), count, "more came than was asked for");
    ends
}

fn value<T: 'static>(end: Completion) -> T {
    match end.result {
        Ok(Outcome::Finished(Ok(value))) => *value.downcast().unwrap(),
        other => panic!("not a value: {other:?}"),
    }
}

/// How many threads of this process carry the name of workers.
fn workers() -> usize {
    fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.starts_with("bibelot-worker"))
        .count()
}

fn until(what: impl Fn() -> bool) {
    while !what() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn threads_come_and_go() {
    threads_are_made_up_to_the_limit_and_leave_when_idle();
    closing_leaves_no_thread();
    what_does_not_end_is_named_and_keeps_its_thread();
}

fn threads_are_made_up_to_the_limit_and_leave_when_idle() {
    let limits = PoolLimits {
        threads_max: 3,
        idle: Duration::from_millis(20),
        ..PoolLimits::default()
    };
    let mut pool = Pool::new(limits, Waker::noop().clone());
    let (open, gate) = crossbeam_channel::unbounded::<()>();
    let (begun, begins) = mpsc::channel();
    for slot in 0..10 {
        let (gate, begun) = (gate.clone(), begun.clone());
        let op = job(move || {
            begun.send(()).unwrap();
            gate.recv().unwrap();
        });
        assert!(pool.submit(token(slot), op).is_none());
    }
    for _ in 0..3 {
        begins.recv().unwrap();
    }
    assert_eq!(workers(), 3);
    assert_eq!(pool.in_flight(), 10);
    for _ in 0..10 {
        open.send(()).unwrap();
    }
    assert_eq!(collect(&mut pool, 10).len(), 10);
    assert!(pool.is_idle());
    until(|| workers() == 0);
    pool.submit(token(0), job(|| 5));
    assert_eq!(value::<i32>(collect(&mut pool, 1).remove(0)), 5);
}

fn closing_leaves_no_thread() {
    let mut pool = pool(4);
    for slot in 0..100 {
        pool.submit(token(slot), job(|| ()));
    }
    let report = pool.close();
    assert!(report.left_running.is_empty());
    until(|| workers() == 0);
    let end = pool.submit(token(0), job(|| ())).unwrap();
    assert!(end.result.is_err());
}

fn what_does_not_end_is_named_and_keeps_its_thread() {
    let limits = PoolLimits {
        drain: Duration::from_millis(10),
        ..PoolLimits::default()
    };
    let mut pool = Pool::new(limits, Waker::noop().clone());
    let (open, gate) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let stuck = job(move || {
        begun.send(()).unwrap();
        let _ = gate.recv();
    });
    pool.submit(token(7), stuck);
    begins.recv().unwrap();
    let report = pool.close();
    assert_eq!(report.left_running, [token(7)]);
    drop(pool);
    assert_eq!(workers(), 1);
    drop(open);
    until(|| workers() == 0);
}
