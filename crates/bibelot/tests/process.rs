//! Functions in processes of their own: values, panics, crashes, cuts, and that nothing is left.

#![forbid(unsafe_code)]

use std::fs;
use std::process;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bibelot::process::{ProcessLimits, ProcessPool, report};
use bibelot::{
    AsCancelled, Backend, Error, Kernel, ProcessError, TaskGroup, Wait, WaitReason, join,
    process_fn, run_in_process, select, sleep, spawn, testing, timeout_after,
};
use bibelot_sim::Sim;
use serde::{Deserialize, Serialize};

bibelot::process::test_entry!();

/// Children and descriptors are the whole process's, and each test looks that it leaves none.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs a test where there are processes.
fn everywhere<F: Future<Output = bibelot::Result<()>>>(make: impl Fn() -> F) {
    leaving_nothing(|| {
        testing::on_uring(async || make().await.unwrap());
        testing::on_poll(async || make().await.unwrap());
    });
}

fn leaving_nothing(test: impl FnOnce()) {
    let _nobody_else_runs = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = descriptors();
    test();
    assert_eq!(children(), [0; 0], "children were left");
    assert_eq!(opened_since(&before), [""; 0], "descriptors were left");
}

/// What is open, by number and name, but for this look. The harness of the tests opens something now and then.
fn descriptors() -> Vec<String> {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let names = open.map(|entry| {
        let path = entry.unwrap().path();
        let target = fs::read_link(&path).map(|to| to.display().to_string());
        format!("{}: {}", path.display(), target.unwrap_or_default())
    });
    let this_look = format!("/proc/{}/fd", process::id());
    names.filter(|name| !name.ends_with(&this_look)).collect()
}

fn opened_since(before: &[String]) -> Vec<String> {
    let mut now = descriptors();
    now.retain(|name| !before.contains(name));
    now
}

/// The processes that this one has started and whose status it has not taken.
fn children() -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name in front of these may hold anything.
        let (_, behind) = stat.rsplit_once(") ")?;
        let parent: u32 = behind.split(' ').nth(1)?.parse().ok()?;
        (parent == process::id()).then_some(id)
    });
    processes.collect()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    name: String,
    cheeses: Vec<(String, u32)>,
    note: Option<f64>,
}

#[process_fn]
fn double(n: i64) -> i64 {
    n * 2
}

#[process_fn]
fn pid() -> u32 {
    process::id()
}

#[process_fn]
fn total(order: Order, extra: u32) -> Result<(Order, u32), String> {
    if order.cheeses.is_empty() {
        return Err(format!("{} orders nothing", order.name));
    }
    let total = order.cheeses.iter().map(|(_, count)| count).sum::<u32>() + extra;
    Ok((order, total))
}

#[test]
fn a_function_gives_its_value_and_is_still_a_function() {
    everywhere(async || {
        assert_eq!(run_in_process(double, 21).await?, double(21));
        let there = run_in_process(pid, ()).await?;
        assert_ne!(there, process::id());
        assert_eq!(run_in_process(pid, ()).await?, there, "it is used again");
        Ok(())
    });
}

#[test]
fn arguments_and_values_of_any_shape_travel() {
    everywhere(async || {
        let order = Order {
            name: "cheddar".into(),
            cheeses: vec![("danish".into(), 3), ("stilton".into(), 4)],
            note: Some(f64::MIN_POSITIVE),
        };
        let answer = run_in_process(total, (order.clone(), 5)).await?;
        assert_eq!(answer, Ok((order, 12)));
        let nothing = Order {
            name: "oxford".into(),
            cheeses: Vec::new(),
            note: None,
        };
        let answer = run_in_process(total, (nothing, 0)).await?;
        assert_eq!(answer, Err("oxford orders nothing".into()));
        Ok(())
    });
}

#[process_fn]
fn reversed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.reverse();
    bytes
}

#[test]
fn a_megabyte_goes_both_ways() {
    everywhere(async || {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
        let (there, and_back) = join((
            run_in_process(reversed, bytes.clone()),
            run_in_process(double, 4),
        ))
        .await;
        let mut there = there?;
        there.reverse();
        assert!(there == bytes);
        assert_eq!(and_back?, 8);
        Ok(())
    });
}

#[process_fn]
fn fails(why: String) -> u8 {
    assert!(why.is_empty(), "{why}");
    0
}

#[test]
fn a_panic_is_an_error_with_message_place_and_backtrace() {
    everywhere(async || {
        let there = run_in_process(pid, ()).await?;
        let error = run_in_process(fails, "no cheese".into()).await.unwrap_err();
        let ProcessError::Panicked(panic) = &error else {
            panic!("it panicked: {error:?}");
        };
        assert_eq!(panic.message(), "no cheese");
        assert!(panic.place().contains("process.rs"), "{}", panic.place());
        assert!(panic.backtrace().contains("fails"), "{}", panic.backtrace());
        assert!(error.to_string().contains("no cheese"));
        assert_eq!(run_in_process(pid, ()).await?, there, "it lives on");
        Ok(())
    });
}

#[process_fn]
fn exits(code: i32) {
    process::exit(code);
}

#[process_fn]
fn aborts() {
    process::abort();
}

#[test]
fn a_crash_is_an_error_with_the_status_and_the_next_call_has_a_new_process() {
    use std::os::unix::process::ExitStatusExt;
    everywhere(async || {
        let error = run_in_process(exits, 3).await.unwrap_err();
        let ProcessError::Died(status) = error else {
            panic!("it died: {error:?}");
        };
        assert_eq!(status.code(), Some(3));
        let error = run_in_process(aborts, ()).await.unwrap_err();
        let ProcessError::Died(status) = error else {
            panic!("it died: {error:?}");
        };
        assert_eq!(status.signal(), Some(6));
        assert_eq!(run_in_process(double, 1).await?, 2);
        Ok(())
    });
}

/// A file whose being there says something to another process.
struct Sign(std::path::PathBuf);

impl Sign {
    fn new(name: &str) -> Self {
        let name = format!(
            "bibelot-{name}-{}-{:?}",
            process::id(),
            thread::current().id()
        );
        let path = std::env::temp_dir().join(name);
        let _none_before = fs::remove_file(&path);
        Self(path)
    }

    fn path(&self) -> String {
        self.0.to_str().unwrap().to_owned()
    }

    async fn appears(&self) -> String {
        loop {
            match fs::read_to_string(&self.0) {
                Ok(text) if !text.is_empty() => return text,
                _ => drop(sleep(Duration::from_millis(2)).await.unwrap()),
            }
        }
    }
}

impl Drop for Sign {
    fn drop(&mut self) {
        let _none_left = fs::remove_file(&self.0);
    }
}

/// Says its number, and goes on for ever.
#[process_fn]
fn hangs(sign: String) {
    fs::write(sign, process::id().to_string()).unwrap();
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn exists(id: &str) -> bool {
    fs::exists(format!("/proc/{id}")).unwrap()
}

#[test]
fn a_call_that_is_cut_ends_its_process_before_it_returns() {
    everywhere(async || {
        let sign = Sign::new("cut");
        let call = spawn(run_in_process(hangs, sign.path()));
        let id = sign.appears().await;
        assert!(exists(&id));
        assert!(call.cancel_nowait());
        let error = call.join().await.unwrap().unwrap_err();
        assert!(!exists(&id), "its process has ended, and was reaped");
        let ProcessError::Cancelled(told) = &error else {
            panic!("it was cancelled: {error:?}");
        };
        assert!(told.outcome_unknown(), "it was in the middle");
        assert_eq!(run_in_process(double, 1).await?, 2);
        Ok(())
    });
}

#[test]
fn a_limit_cuts_a_call_and_a_drop_ends_it_behind_the_back() {
    everywhere(async || {
        let sign = Sign::new("limit");
        let limit = Duration::from_millis(300);
        let error = timeout_after(limit, run_in_process(hangs, sign.path())).await;
        assert!(error.unwrap_err().timed_out());
        let sign = Sign::new("drop");
        let id = select! {
            ended = run_in_process(hangs, sign.path()) => panic!("it goes on for ever: {ended:?}"),
            id = sign.appears() => id,
        };
        while exists(&id) {
            sleep(Duration::from_millis(2)).await?;
        }
        Ok(())
    });
}

/// Says its number, and stops: a stopped process does not hear a SIGTERM.
#[process_fn]
fn deaf(sign: String) {
    let id = process::id().to_string();
    fs::write(sign, &id).unwrap();
    signal("STOP", &id);
    loop {
        thread::park();
    }
}

#[test]
fn a_process_that_is_deaf_is_killed_after_the_grace() {
    everywhere(async || {
        let limits = ProcessLimits::new().grace(Duration::from_millis(50));
        let pool = ProcessPool::new(limits);
        let sign = Sign::new("deaf");
        let call = spawn(pool.run(deaf, sign.path()));
        let id = sign.appears().await;
        let is_stopped = |id: &str| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('T')
        };
        while !is_stopped(&id) {
            sleep(Duration::from_millis(1)).await?;
        }
        call.cancel().await?;
        assert!(!exists(&id));
        pool.close().await?;
        Ok(())
    });
}

#[process_fn]
fn holds(sign: String) -> u32 {
    while !fs::exists(&sign).unwrap() {
        thread::sleep(Duration::from_millis(2));
    }
    process::id()
}

#[test]
fn calls_wait_in_one_line_and_those_that_wait_are_taken_back() {
    everywhere(async || {
        let pool = ProcessPool::new(ProcessLimits::new().processes_max(1));
        let sign = Sign::new("line");
        let first = spawn(pool.run(holds, sign.path()));
        let calls: Vec<_> = (0..4).map(|n| spawn(pool.run(double, n))).collect();
        while pool.report().waiting < 4 {
            sleep(Duration::from_millis(1)).await?;
        }
        assert_eq!(pool.report().processes, 1);
        let info = calls[1].info().unwrap();
        assert_eq!(info.wait(), Some(WaitReason::Process), "{info:?}");
        // It never began, so nothing is killed for it.
        calls[1].cancel().await?;
        assert_eq!(pool.report().waiting, 3);
        fs::write(&sign.0, "go").unwrap();
        first.join().await.unwrap()?;
        for (n, call) in (0..).zip(calls) {
            match call.join().await.unwrap() {
                Ok(value) => assert_eq!(value, n * 2),
                Err(error) => {
                    assert!(error.is_cancelled() && n == 1, "{error:?}");
                    let ProcessError::Cancelled(told) = error else {
                        panic!("{error:?}");
                    };
                    assert!(!told.outcome_unknown());
                }
            }
        }
        assert_eq!(pool.report().processes, 1);
        assert_eq!(pool.report().idle, 1);
        pool.close().await?;
        Ok(())
    });
}

#[test]
fn there_are_never_more_processes_than_the_limit_says() {
    everywhere(async || {
        let pool = ProcessPool::new(ProcessLimits::new().processes_max(2));
        let group = TaskGroup::new(Wait::All);
        for n in 0..20 {
            group.spawn(pool.run(double, n)).unwrap();
        }
        let mut most = 0;
        while pool.report().waiting + pool.report().processes > pool.report().idle || most == 0 {
            most = most.max(pool.report().processes);
            sleep(Duration::from_millis(1)).await?;
        }
        assert!((1..=2).contains(&most), "{most}");
        let outcome = group.join().await.unwrap();
        assert_eq!(outcome.into_results().unwrap().len(), 20);
        pool.close().await?;
        Ok(())
    });
}

#[test]
fn an_idle_process_that_is_killed_is_reaped_and_the_next_call_has_another() {
    everywhere(async || {
        let id = run_in_process(pid, ()).await?;
        for round in 0..3 {
            let there = run_in_process(pid, ()).await?;
            signal("KILL", &there.to_string());
            if round > 0 {
                while report().processes > 0 {
                    sleep(Duration::from_millis(1)).await?;
                }
                assert!(!exists(&there.to_string()));
            }
            // In the first round the call comes before anybody has seen the end.
            assert_ne!(run_in_process(pid, ()).await?, there);
        }
        assert_ne!(run_in_process(pid, ()).await?, id);
        Ok(())
    });
}

fn signal(name: &str, id: &str) {
    let status = process::Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, id])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn idle_processes_are_let_go_of() {
    everywhere(async || {
        let pool = ProcessPool::new(ProcessLimits::new().idle(Duration::from_millis(20)));
        let id = pool.run(pid, ()).await?;
        while pool.report().processes > 0 {
            sleep(Duration::from_millis(2)).await?;
        }
        assert!(!exists(&id.to_string()));
        assert_ne!(pool.run(pid, ()).await?, id);
        pool.close().await?;
        Ok(())
    });
}

#[test]
fn a_kernel_that_ends_has_ended_its_processes() {
    leaving_nothing(|| {
        for backend in [Backend::Uring, Backend::Poll] {
            let Ok(mut kernel) = Kernel::builder().backend(backend).build() else {
                continue;
            };
            let (idle, busy) = kernel.block_on(async {
                let idle = run_in_process(pid, ()).await.unwrap();
                let sign = Sign::new("end");
                spawn(run_in_process(hangs, sign.path())).detach();
                spawn(run_in_process(double, 4)).detach();
                let busy = sign.appears().await;
                (idle.to_string(), busy)
            });
            assert!(exists(&idle) && exists(&busy));
            let report = kernel.shutdown();
            assert!(report.is_clean(), "{report:?}");
            assert!(!exists(&idle) && !exists(&busy));
        }
    });
}

#[test]
fn a_kernel_that_ends_while_a_process_starts_leaves_none() {
    let _nobody_else_runs = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = descriptors();
    for backend in [Backend::Uring, Backend::Poll] {
        for turns in 0..8 {
            let builder = Kernel::builder().backend(backend).grace(Duration::ZERO);
            let Ok(mut kernel) = builder.build() else {
                continue;
            };
            kernel.block_on(async {
                spawn(run_in_process(pid, ())).detach();
                for _ in 0..turns {
                    bibelot::yield_now().await.unwrap();
                }
            });
        }
    }
    // Threads that start or reap one may be at it still.
    while !children().is_empty()
        || !opened_since(&before).is_empty()
        || has_thread("bibelot-reaper")
    {
        thread::sleep(Duration::from_millis(2));
    }
}

fn has_thread(name: &str) -> bool {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let named = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.ok()?.path().join("comm");
        fs::read_to_string(path).ok()
    };
    threads.filter_map(named).any(|comm| comm.trim() == name)
}

#[test]
fn the_limits_of_a_kernel_are_a_value_of_its_builder() {
    let limits = ProcessLimits::new().processes_max(1).frame_max(1000);
    let builder = Kernel::builder().processes(limits);
    let body = async {
        let error = run_in_process(reversed, vec![1; 2000]).await.unwrap_err();
        assert!(
            matches!(error, ProcessError::TooLarge { max: 1000, .. }),
            "{error:?}"
        );
        let error = run_in_process(many, 2000).await.unwrap_err();
        let ProcessError::TooLarge { what, len, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!((what, len), ("the value", 2002));
        assert_eq!(run_in_process(many, 7).await.unwrap().len(), 7);
        assert_eq!(report().processes, 1);
    };
    leaving_nothing(|| builder.run(body).unwrap());
}

#[process_fn]
fn many(count: usize) -> Vec<u8> {
    vec![7; count]
}

fn unmarked(n: u8) -> u8 {
    n
}

#[test]
fn a_function_without_the_mark_is_refused_by_its_name() {
    everywhere(async || {
        let error = run_in_process(unmarked, 3).await.unwrap_err();
        let ProcessError::NotRegistered(name) = error else {
            panic!("{error:?}");
        };
        assert!(name.ends_with("unmarked"), "{name}");
        assert_eq!(report().processes, 0);
        Ok(())
    });
}

#[process_fn]
fn runs_a_kernel(n: u64) -> u64 {
    bibelot::run(async move {
        let kid = spawn(async move { n + 1 });
        // A process may have processes of its own.
        let there = run_in_process(double, 20).await.unwrap();
        kid.await.unwrap() + u64::try_from(there).unwrap()
    })
}

#[test]
fn a_function_may_run_a_kernel_and_processes_of_its_own() {
    everywhere(async || {
        assert_eq!(run_in_process(runs_a_kernel, 1).await?, 42);
        Ok(())
    });
}

#[process_fn]
fn speaks(sign: String) -> String {
    // What stands in its standard input is nothing, and nobody else's descriptors are there.
    let mut input = String::new();
    std::io::Read::read_to_string(&mut std::io::stdin(), &mut input).unwrap();
    print!("");
    let mut open = Vec::new();
    for entry in fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        if let Ok(to) = fs::read_link(&path) {
            open.push(to.to_str().unwrap().to_owned());
        }
    }
    fs::write(sign, "x").unwrap();
    let sockets = open.iter().filter(|to| to.starts_with("socket:")).count();
    let rings = open
        .iter()
        .filter(|to| to.contains("io_uring") || to.contains("eventpoll"))
        .count();
    format!("{input:?} {sockets} {rings}")
}

#[test]
fn a_process_inherits_no_descriptor_but_its_standard_ones_and_its_link() {
    everywhere(async || {
        let listener = bibelot::TcpListener::bind("127.0.0.1:0").await?;
        let sign = Sign::new("speaks");
        let told = run_in_process(speaks, sign.path()).await?;
        let standard = (1..=2).filter(|fd| {
            fs::read_link(format!("/proc/self/fd/{fd}"))
                .is_ok_and(|to| to.to_str().unwrap().starts_with("socket:"))
        });
        assert_eq!(told, format!("\"\" {} 0", 1 + standard.count()));
        drop(listener);
        Ok(())
    });
}

#[process_fn]
fn signals() -> String {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap()
    };
    let has = |set: u64, number: u32| set & (1 << (number - 1)) != 0;
    let (ignored, caught, blocked) = (of("SigIgn:"), of("SigCgt:"), of("SigBlk:"));
    format!(
        "INT ignored {}, TERM ignored {}, TERM caught {}, TERM blocked {}",
        has(ignored, 2),
        has(ignored, 15),
        has(caught, 15),
        has(blocked, 15)
    )
}

#[test]
fn a_process_ends_on_terminate_and_leaves_ctrl_c_to_its_parent() {
    everywhere(async || {
        let told = run_in_process(signals, ()).await?;
        let expected =
            "INT ignored true, TERM ignored false, TERM caught false, TERM blocked false";
        assert_eq!(told, expected);
        Ok(())
    });
}

#[test]
fn a_closed_pool_takes_no_calls_and_one_that_is_dropped_ends_its_processes() {
    everywhere(async || {
        let pool = ProcessPool::new(ProcessLimits::new());
        let id = pool.run(pid, ()).await?;
        let other = pool.clone();
        pool.close().await?;
        assert!(!exists(&id.to_string()));
        let error = other.run(pid, ()).await.unwrap_err();
        assert!(matches!(error, ProcessError::Closed), "{error:?}");
        let dropped = ProcessPool::new(ProcessLimits::new());
        let id = dropped.run(pid, ()).await?.to_string();
        drop(dropped);
        while exists(&id) {
            sleep(Duration::from_millis(2)).await?;
        }
        Ok(())
    });
}

#[test]
fn a_simulated_world_carries_calls_out_in_this_process() {
    // The backtrace of its panic opens this program's file.
    let _nobody_else_runs = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Sim::calm().block_on(async {
        assert_eq!(run_in_process(double, 21).await.unwrap(), 42);
        assert_eq!(run_in_process(pid, ()).await.unwrap(), process::id());
        let error = run_in_process(fails, "no cheese".into()).await.unwrap_err();
        let ProcessError::Panicked(panic) = error else {
            panic!("{error:?}");
        };
        assert_eq!(panic.message(), "no cheese");
        let calls: Vec<_> = (0..50).map(|n| spawn(run_in_process(double, n))).collect();
        for (n, call) in (0..).zip(calls) {
            assert_eq!(call.await.unwrap().unwrap(), n * 2);
        }
        let cut = spawn(run_in_process(double, 1));
        bibelot::yield_now().await.unwrap();
        cut.cancel().await.unwrap();
        assert!(cut.join().await.unwrap().unwrap_err().is_cancelled());
        assert_eq!(report().waiting, 0);
    });
    assert!(matches!(Error::from(ProcessError::Closed), Error::Io(_)));
}

#[bibelot::test(sim, seed = 7)]
async fn a_simulated_kernel_ends_with_calls_under_way() {
    for n in 0..5 {
        spawn(run_in_process(double, n)).detach();
    }
    bibelot::yield_now().await.unwrap();
}
