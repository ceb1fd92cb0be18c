//! Failures that nobody was given: one hook hears of all of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, mpsc};
use std::time::Duration;

use bibelot::{
    CrashKind, Kernel, OnPanic, TaskBuilder, TcpStream, crash_count, run_in_thread, set_crash_hook,
    sleep, spawn, start_server, watch_errors_of, yield_now,
};

/// What the hook was told, by the names of the tasks or by what was said.
type Told = BTreeMap<String, Vec<(CrashKind, String)>>;

/// The hook is the process's, and tests run beside each other: each looks for its own names.
fn told() -> MutexGuard<'static, Told> {
    static TOLD: OnceLock<&'static Mutex<Told>> = OnceLock::new();
    let told = TOLD.get_or_init(|| {
        let told: &'static Mutex<Told> = Box::leak(Box::default());
        set_crash_hook(move |crash| {
            let message = crash.message.to_owned();
            let key = crash.name.map_or_else(|| message.clone(), str::to_owned);
            let mut told = told.lock().unwrap();
            told.entry(key).or_default().push((crash.kind, message));
        });
        told
    });
    told.lock().unwrap()
}

fn of(name: &str) -> Vec<(CrashKind, String)> {
    told().remove(name).unwrap_or_default()
}

fn named(name: &str) -> TaskBuilder {
    drop(told());
    TaskBuilder::new().name(name)
}

fn panicked(message: &str) -> [(CrashKind, String); 1] {
    [(CrashKind::Panicked, message.to_owned())]
}

fn failed(message: &str) -> [(CrashKind, String); 1] {
    [(CrashKind::Failed, message.to_owned())]
}

async fn fails() -> bibelot::Result<()> {
    yield_now().await?;
    Err(bibelot::Error::Closed)
}

#[bibelot::test(uring)]
async fn a_panic_of_a_detached_task_is_told_once() {
    let before = crash_count();
    for _ in 0..2 {
        named("detached").spawn(async { panic!("lost") }).detach();
        yield_now().await.unwrap();
        assert_eq!(of("detached"), panicked("lost"));
    }
    drop(named("dropped later").spawn(async { panic!("lost") }));
    let held = named("held").spawn(async { panic!("seen") });
    yield_now().await.unwrap();
    assert_eq!(of("dropped later"), panicked("lost"));
    assert!(of("held").is_empty(), "somebody may still join it");
    drop(held);
    assert_eq!(of("held"), panicked("seen"));
    assert!(crash_count() >= before + 4);
}

#[bibelot::test(uring)]
async fn what_a_joiner_was_given_is_not_told() {
    let joined = named("joined").spawn(async { panic!("seen") });
    assert!(joined.await.is_err());
    let looked_at = named("looked at").spawn(async { panic!("seen") });
    looked_at.wait().await.unwrap();
    assert!(looked_at.error().is_some());
    drop(looked_at);
    let shared = named("shared").spawn(fails()).shared_error();
    assert!(shared.await.unwrap().is_err());
    for name in ["joined", "looked at", "shared"] {
        assert!(of(name).is_empty(), "{name}");
    }
}

/// A task's error cannot be cloned, its text can.
trait SharedError {
    fn shared_error(self) -> bibelot::Task<Result<(), String>>;
}

impl SharedError for bibelot::Task<bibelot::Result<()>> {
    fn shared_error(self) -> bibelot::Task<Result<(), String>> {
        spawn(async move { self.await.unwrap().map_err(|error| error.to_string()) })
    }
}

#[bibelot::test(uring)]
async fn an_error_that_nobody_looked_at_is_told() {
    named("failing").spawn(fails()).detach();
    let waited = named("waited for").spawn(fails());
    waited.wait().await.unwrap();
    drop(waited);
    yield_now().await.unwrap();
    assert_eq!(of("failing"), failed("it is closed"));
    assert_eq!(of("waited for"), failed("it is closed"));
}

#[bibelot::test(uring)]
async fn errors_of_ones_own_are_told_when_they_are_named() {
    #[derive(Debug, PartialEq)]
    struct Mine;
    impl std::fmt::Display for Mine {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("mine")
        }
    }
    impl std::error::Error for Mine {}
    named("mine").spawn(async { Err::<(), _>(Mine) }).detach();
    yield_now().await.unwrap();
    assert!(of("mine").is_empty());
    watch_errors_of::<Mine, _>();
    named("mine").spawn(async { Err::<(), _>(Mine) }).detach();
    yield_now().await.unwrap();
    assert_eq!(of("mine"), failed("mine"));
}

#[bibelot::test(uring)]
async fn a_cancelled_task_is_no_crash() {
    let cancelled = named("cancelled").spawn(async {
        sleep(Duration::from_secs(3600)).await?;
        bibelot::Ok(())
    });
    yield_now().await.unwrap();
    cancelled.cancel().await.unwrap();
    drop(cancelled);
    let aborted = named("aborted").spawn(std::future::pending::<()>());
    yield_now().await.unwrap();
    aborted.abort();
    drop(aborted);
    assert!(of("cancelled").is_empty() && of("aborted").is_empty());
}

#[bibelot::test(uring, poll, sim)]
async fn the_hook_and_the_error_may_use_the_kernel() {
    #[derive(Debug)]
    struct Busy;
    impl std::fmt::Display for Busy {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            spawn(async {}).detach();
            f.write_str("busy")
        }
    }
    impl std::error::Error for Busy {}
    drop(told());
    watch_errors_of::<Busy, _>();
    for _ in 0..3 {
        spawn(async { Err::<(), _>(Busy) }).detach();
    }
    for _ in 0..3 {
        yield_now().await.unwrap();
    }
    assert_eq!(of("busy").len(), 3);
}

#[test]
fn what_is_left_when_a_kernel_ends_is_told() {
    drop(told());
    let mut kernel = Kernel::new().unwrap();
    let kept = kernel.block_on(async {
        let kept = named("kept").spawn(async { panic!("kept") });
        yield_now().await.unwrap();
        kept
    });
    drop(kernel);
    assert_eq!(of("kept"), panicked("kept"));
    drop(kept);
}

#[test]
fn a_kernel_that_ends_by_a_panic_tells_at_once() {
    drop(told());
    let builder = Kernel::builder().on_panic(OnPanic::Shutdown);
    let mut kernel = builder.build().unwrap();
    let joined = kernel.block_on(async {
        let task = named("fatal").spawn(async { panic!("fatal") });
        let joined = task.join().await;
        assert_eq!(of("fatal"), panicked("fatal"));
        joined
    });
    assert!(joined.is_err());
    drop(kernel);
    assert!(of("fatal").is_empty(), "it is told once");
}

#[test]
fn tasks_never_joined_are_told_on_request() {
    drop(told());
    for asked in [true, false] {
        let mut kernel = Kernel::builder().orphan_log(asked).build().unwrap();
        kernel.block_on(async {
            drop(named("orphan").spawn(async { 7 }));
            named("meant").spawn(async { 7 }).detach();
            drop(named("daemon").daemon().spawn(async { 7 }));
            let waited = named("waited").spawn(async { 7 });
            waited.wait().await.unwrap();
            drop(waited);
            named("taken").spawn(async { 7 }).await.unwrap();
            let cancelled = named("gone").spawn(sleep(Duration::from_secs(3600)));
            cancelled.cancel_nowait();
            drop(cancelled);
            for _ in 0..3 {
                yield_now().await.unwrap();
            }
        });
        let orphans = of("orphan");
        assert_eq!(!orphans.is_empty(), asked);
        if asked {
            assert_eq!(orphans, [(CrashKind::NeverJoined, String::new())]);
        }
        for name in ["meant", "daemon", "waited", "taken", "gone"] {
            assert!(of(name).is_empty(), "{name}");
        }
    }
}

#[test]
fn a_panic_of_a_job_left_to_itself_is_told() {
    drop(told());
    let (begins, began) = mpsc::channel::<()>();
    let (go, waits) = mpsc::channel::<()>();
    let mut kernel = Kernel::new().unwrap();
    kernel.block_on(async {
        let task = spawn(async move {
            let job = run_in_thread(move || {
                begins.send(()).unwrap();
                let _ended = waits.recv();
                panic!("a job");
            });
            job.await
        });
        yield_now().await.unwrap();
        began.recv().unwrap();
        task.cancel().await.unwrap();
    });
    drop(go);
    let key = "a job (in a job that was left to itself)";
    while of(key) != panicked(key) {
        std::thread::yield_now();
    }
}

#[bibelot::test(uring, poll)]
async fn a_handler_that_fails_is_told() {
    drop(told());
    let server = start_server("127.0.0.1:0", async |mut client: TcpStream, _| {
        client.next_line().await?;
        Err::<(), bibelot::Error>(bibelot::Error::Limit(4242))
    })
    .await
    .unwrap();
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write(b"hello\n").await.unwrap();
    assert!(stream.next_line().await.unwrap().is_none());
    server.close();
    server.wait_closed().await.unwrap();
    let connections = of("connection");
    assert!(
        connections.contains(&(CrashKind::Failed, bibelot::Error::Limit(4242).to_string())),
        "{connections:?}"
    );
}
