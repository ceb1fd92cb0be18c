//! Threads that cannot be had: each in a process of its own, whose memory has no room for another stack.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use bibelot::testing::is_expected;
use bibelot::{
    Backend, Builder, Kernel, WorkerError, async_thread, block_in_thread, reserve_thread,
    run_in_thread, spawn, spawn_thread, timeout_after, yield_now,
};
use bibelot_kernel::io::operate;
use bibelot_reactor::{Op, Outcome};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::processes::is_child;

const MIB: u64 = 1 << 20;

/// Runs `test` in a child on `backend`, where a job that hangs fails.
fn on(backend: Backend, name: &str, child: &str, test: impl AsyncFnOnce(Famine)) {
    if !is_child(child) {
        return;
    }
    let builder: Builder = Kernel::builder().backend(backend);
    let mut kernel = match builder.build() {
        Ok(kernel) => kernel,
        Err(error) => {
            assert!(!is_expected(name), "{name} is expected: {error}");
            return;
        }
    };
    kernel.block_on(async {
        let famine = Famine::begin();
        let fed = timeout_after(Duration::from_secs(30), async {
            test(famine).await;
            bibelot::Ok(())
        });
        fed.await.unwrap();
    });
    assert!(kernel.shutdown().is_clean());
}

/// Memory enough to go on, and too little for another thread.
struct Famine(Rlimit);

impl Famine {
    fn begin() -> Self {
        let old = getrlimit(Resource::As);
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmSize:"))
            .unwrap();
        let in_use: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        let current = Some(in_use * 1024 + MIB);
        let new = Rlimit { current, ..old };
        setrlimit(Resource::As, new).unwrap();
        let none = std::thread::Builder::new().spawn(|| ());
        assert!(none.is_err(), "there is room for a thread");
        Self(old)
    }

    fn end(self) {
        setrlimit(Resource::As, self.0).unwrap();
    }
}

async fn everything_that_wants_a_thread_says_so(famine: Famine) {
    let owned = Arc::new(());
    let keeps = owned.clone();
    let job = run_in_thread(move || drop(keeps)).await;
    assert!(matches!(job, Err(WorkerError::NoThread(_))), "{job:?}");
    assert_eq!(Arc::strong_count(&owned), 1, "the job was dropped");

    // The key is free again.
    for _ in 0..2 {
        let job = block_in_thread("key", || 1).await;
        assert!(matches!(job, Err(WorkerError::NoThread(_))), "{job:?}");
    }
    let thread = async_thread(|_| 1).await;
    assert!(
        matches!(thread, Err(WorkerError::NoThread(_))),
        "{thread:?}"
    );
    let thread = spawn_thread(|_| 1).await.unwrap_err();
    assert!(thread.to_string().contains("no thread"), "{thread}");
    let thread = reserve_thread().await.map(drop);
    assert!(
        matches!(thread, Err(WorkerError::NoThread(_))),
        "{thread:?}"
    );

    // What the system does on threads fails as well, with what it owned.
    let host = "localhost".to_owned();
    let (resolved, _) = operate(Op::Resolve { host, port: 1 }).await.unwrap();
    assert_eq!(resolved.unwrap_err().kind(), io::ErrorKind::Other);

    famine.end();
    assert_eq!(run_in_thread(|| 1).await.unwrap(), 1);
    assert_eq!(block_in_thread("key", || 2).await.unwrap(), 2);
    assert_eq!(spawn_thread(|_| 3).await.unwrap(), 3);
    let host = "localhost".to_owned();
    let (resolved, _) = operate(Op::Resolve { host, port: 1 }).await.unwrap();
    assert!(matches!(resolved, Ok(Outcome::Resolved(_))), "{resolved:?}");
}

#[test]
fn what_wants_a_thread_fails_when_none_can_be_had_on_uring() {
    let name = "threads::what_wants_a_thread_fails_when_none_can_be_had_on_uring";
    let test = everything_that_wants_a_thread_says_so;
    on(Backend::Uring, "uring", name, test);
}

#[test]
fn what_wants_a_thread_fails_when_none_can_be_had_on_poll() {
    let name = "threads::what_wants_a_thread_fails_when_none_can_be_had_on_poll";
    let test = everything_that_wants_a_thread_says_so;
    on(Backend::Poll, "poll", name, test);
}

/// One thread is there and busy: what comes waits for it instead of failing.
async fn jobs_wait_for_the_thread_that_is_there(famine: Famine) {
    famine.end();
    let (open, gate) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let busy = spawn(run_in_thread(move || {
        begun.send(()).unwrap();
        gate.recv().unwrap();
    }));
    while begins.try_recv().is_err() {
        yield_now().await.unwrap();
    }
    let famine = Famine::begin();
    let waiting: Vec<_> = (0..3).map(|n| spawn(run_in_thread(move || n))).collect();
    for _ in 0..100 {
        yield_now().await.unwrap();
    }
    assert!(waiting.iter().all(|task| !task.is_finished()));
    // One that is left while it runs lets its place go, but nobody can take it.
    open.send(()).unwrap();
    busy.await.unwrap().unwrap();
    for (n, task) in waiting.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().unwrap(), n);
    }
    famine.end();
}

#[test]
fn jobs_wait_for_a_thread_that_is_there_when_no_other_can_be_had() {
    let name = "threads::jobs_wait_for_a_thread_that_is_there_when_no_other_can_be_had";
    on(
        Backend::Poll,
        "poll",
        name,
        jobs_wait_for_the_thread_that_is_there,
    );
}

/// A job that was left runs on, and no thread can take its place: the others get it when it ends.
async fn a_left_job_gives_its_thread_back(famine: Famine) {
    famine.end();
    let (open, gate) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let left = spawn(run_in_thread(move || {
        begun.send(()).unwrap();
        gate.recv().unwrap();
    }));
    while begins.try_recv().is_err() {
        yield_now().await.unwrap();
    }
    let famine = Famine::begin();
    let waiting = spawn(run_in_thread(|| 5));
    yield_now().await.unwrap();
    left.cancel().await.unwrap();
    yield_now().await.unwrap();
    assert!(!waiting.is_finished());
    open.send(()).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 5);
    famine.end();
}

#[test]
fn a_job_that_was_left_gives_its_thread_to_others_when_no_other_can_be_had() {
    let name = "threads::a_job_that_was_left_gives_its_thread_to_others_when_no_other_can_be_had";
    on(
        Backend::Poll,
        "poll",
        name,
        a_left_job_gives_its_thread_back,
    );
}
