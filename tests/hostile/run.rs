//! Each backend in turn, on a thread of its own, under a watchdog: what hangs fails.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bibelot::testing::is_expected;
use bibelot::{Backend, Builder, Kernel};
use bibelot_sim::Sim;

/// How long one test on one backend may take before it counts as hung. They take milliseconds.
const HUNG: Duration = Duration::from_secs(60);

/// Runs `test` on a thread of its own, and fails if it panics or hangs.
pub fn watched(name: &str, test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let runner = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match ended.recv_timeout(HUNG) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs on {name}"),
        // It ended, or it panicked, and the join says which.
        _ => {
            if let Err(payload) = runner.join() {
                eprintln!("on {name}");
                std::panic::resume_unwind(payload);
            }
        }
    }
}

/// Runs `test` on those backends of the operating system that are to be had.
pub fn on_each_os(test: impl Fn(Builder) + Send + Sync + Clone + 'static) {
    for (backend, name) in [(Backend::Uring, "uring"), (Backend::Poll, "poll")] {
        let builder = move || Kernel::builder().backend(backend);
        match builder().build() {
            Ok(kernel) => drop(kernel),
            Err(error) if is_expected(name) => panic!("{name} is expected: {error}"),
            Err(error) => {
                eprintln!("skipped on {name}: {error}");
                continue;
            }
        }
        let test = test.clone();
        watched(name, move || test(builder()));
    }
}

/// Runs `test` on every backend.
pub fn on_each(test: impl Fn(Builder) + Send + Sync + Clone + 'static) {
    on_each_os(test.clone());
    watched("sim", move || test(Kernel::builder().backend(Sim::calm())));
}
