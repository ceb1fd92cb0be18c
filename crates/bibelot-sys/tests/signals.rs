//! Signals as bytes at a socket. They are the whole process's, so these are in a process of their own.

use std::sync::Mutex;

use bibelot_reactor::{Buf, Call, Fd, Op, Outcome};
use bibelot_sys::{Attempt, attempt, call};

/// Descriptors are the whole process's, too.
static ALONE: Mutex<()> = Mutex::new(());

fn watch(number: i32) -> Fd {
    call(Call::Signal { number }).unwrap().into_fd().unwrap()
}

/// How many bytes have arrived.
fn arrived(socket: &Fd) -> usize {
    let socket = socket.clone();
    let buf = Buf::with_capacity(1024);
    match attempt(Op::ReceiveInto { socket, buf }) {
        Attempt::Ended(Ok(Outcome::Count(count)), _) => count,
        Attempt::WouldBlock(_) => 0,
        other => panic!("no end of a receive: {other:?}"),
    }
}

fn raise(number: i32) {
    let status = std::process::Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\""])
        .args([number.to_string(), std::process::id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// Waits until a byte arrives.
fn wait(socket: &Fd) {
    while arrived(socket) == 0 {
        std::thread::yield_now();
    }
}

#[test]
fn each_watcher_of_a_signal_gets_its_bytes() {
    let _nobody_else_runs = ALONE.lock();
    let (first, second) = (watch(libc::SIGUSR1), watch(libc::SIGUSR1));
    assert_eq!(arrived(&first), 0);
    raise(libc::SIGUSR1);
    wait(&first);
    wait(&second);
    drop(first);
    raise(libc::SIGUSR1);
    wait(&second);
    drop(second);
    // Nobody watches, and nobody dies of it.
    raise(libc::SIGUSR1);
}

#[test]
fn a_closed_watcher_leaves_no_descriptor() {
    let _nobody_else_runs = ALONE.lock();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    drop(watch(libc::SIGUSR2));
    let before = descriptors();
    let watchers: Vec<Fd> = (0..10).map(|_| watch(libc::SIGUSR2)).collect();
    assert!(descriptors() >= before + 20);
    drop(watchers);
    assert_eq!(descriptors(), before);
}

/// Runs the test `name` alone in a process of its own, where `BIBELOT_SYS_CHILD` is set; its status.
fn child(name: &str) -> std::process::ExitStatus {
    let _nobody_else_runs = ALONE.lock();
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env("BIBELOT_SYS_CHILD", "1")
        .output()
        .unwrap()
        .status
}

fn is_child() -> bool {
    std::env::var_os("BIBELOT_SYS_CHILD").is_some()
}

fn stop(number: i32) -> Fd {
    call(Call::StopSignal { number })
        .unwrap()
        .into_fd()
        .unwrap()
}

#[test]
fn a_stop_hears_one_signal_and_the_next_ends_the_process() {
    if !is_child() {
        let status = child("a_stop_hears_one_signal_and_the_next_ends_the_process");
        assert_eq!(status.code(), Some(128 + libc::SIGINT));
        return;
    }
    let stop = stop(libc::SIGINT);
    // A watcher keeps it from the stop, as often as it comes.
    let watcher = watch(libc::SIGINT);
    for _ in 0..3 {
        raise(libc::SIGINT);
        wait(&watcher);
    }
    assert_eq!(arrived(&stop), 0);
    drop(watcher);
    raise(libc::SIGINT);
    wait(&stop);
    raise(libc::SIGINT);
    loop {
        std::thread::park();
    }
}

#[test]
fn a_signal_after_the_last_stop_was_closed_ends_the_process() {
    if !is_child() {
        let status = child("a_signal_after_the_last_stop_was_closed_ends_the_process");
        assert_eq!(status.code(), Some(128 + libc::SIGTERM));
        return;
    }
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    drop(stop(libc::SIGTERM));
    let before = descriptors();
    let stops = [stop(libc::SIGTERM), stop(libc::SIGTERM)];
    let [first, second] = stops;
    drop(first);
    raise(libc::SIGTERM);
    wait(&second);
    drop(second);
    assert_eq!(descriptors(), before, "nothing is left behind");
    raise(libc::SIGTERM);
    loop {
        std::thread::park();
    }
}

#[test]
fn a_signal_that_cannot_be_handled_is_an_error() {
    let _nobody_else_runs = ALONE.lock();
    assert!(
        call(Call::Signal {
            number: libc::SIGKILL
        })
        .is_err()
    );
    assert!(call(Call::Signal { number: -1 }).is_err());
    assert!(call(Call::Signal { number: 10_000 }).is_err());
}
