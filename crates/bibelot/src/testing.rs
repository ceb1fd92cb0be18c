//! Running tests on one backend after another: what `#[bibelot::test]` calls.
//!
//! A backend that the machine lacks is skipped with a word on the standard error, unless the variable
//! `BIBELOT_EXPECT`, a list such as `uring,poll,sim`, names it: then the test fails. `BIBELOT_REACTOR`
//! limits a run to the backend that it names, and what does not use the operating system.

use std::env;
use std::fmt;
use std::future::Future;
use std::io;
use std::process;
use std::time::Duration;

use bibelot_kernel::{KernelHandle, TaskBuilder, TaskInfo, sleep};
use bibelot_sys::Watchdog;

use crate::backend::REACTOR_VARIABLE;
use crate::{Backend, Kernel};

/// The environment variable that names the backends which must be there.
pub const EXPECT_VARIABLE: &str = "BIBELOT_EXPECT";

/// How long by the real clock a test may take in a world with a clock of its own.
const REAL_MAX: Duration = Duration::from_secs(60);
/// How long by the real clock a test is given beyond its limit, so that its own clock comes first.
const REAL_MARGIN: Duration = Duration::from_secs(10);
/// The status of a test process that failed.
const FAILED: i32 = 101;

/// The environment variable with the seed of simulated worlds in tests.
pub const SEED_VARIABLE: &str = "BIBELOT_SEED";

/// Runs a test on the backend that the machine offers.
#[track_caller]
pub fn on_auto<F: Future<Output = ()>>(make: impl FnOnce() -> F) {
    Trial::new().on_auto(make);
}

/// Runs a test on io_uring.
#[track_caller]
pub fn on_uring<F: Future<Output = ()>>(make: impl FnOnce() -> F) {
    Trial::new().on_uring(make);
}

/// Runs a test on polling.
#[track_caller]
pub fn on_poll<F: Future<Output = ()>>(make: impl FnOnce() -> F) {
    Trial::new().on_poll(make);
}

/// Runs a test on a new kernel of this backend, and fails if it leaves a task that had to be aborted.
///
/// # Panics
///
/// As [`Trial::on`].
#[track_caller]
pub fn on<F: Future<Output = ()>>(
    backend: impl bibelot_kernel::Backend + 'static,
    name: &str,
    make: impl FnOnce() -> F,
) {
    Trial::new().on(backend, name, make);
}

/// How a test is run.
#[derive(Clone, Debug)]
#[must_use = "nothing runs before a backend is named"]
pub struct Trial {
    limit: Option<Duration>,
    real: Option<Duration>,
    patience: Duration,
    workers: Option<usize>,
}

impl Trial {
    /// A test without a limit.
    pub const fn new() -> Self {
        Self {
            limit: None,
            real: None,
            patience: Duration::from_secs(10),
            workers: None,
        }
    }

    /// Fails a test that has not ended after `limit` by its kernel's clock, and says what its tasks wait for.
    ///
    /// The real clock is watched, too; see [`real_timeout`](Self::real_timeout).
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Fails a test with a limit that has not ended after `limit` by the real clock; without it that is a
    /// minute in a simulated world, elsewhere the test's limit and 10 s.
    pub const fn real_timeout(mut self, limit: Duration) -> Self {
        self.real = Some(limit);
        self
    }

    /// How long by the real clock a test that is broken off is given to end, before the whole process of the
    /// tests is ended; 10 s without it.
    pub const fn patience(mut self, span: Duration) -> Self {
        self.patience = span;
        self
    }

    /// How many threads its kernel may have for jobs.
    pub const fn worker_threads_max(mut self, threads: usize) -> Self {
        self.workers = Some(threads);
        self
    }

    /// Runs the test on the backend that the machine offers.
    ///
    /// # Panics
    ///
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn on_auto<F: Future<Output = ()>>(&self, make: impl FnOnce() -> F) {
        self.on(Backend::Auto, "auto", make);
    }

    /// Runs the test on io_uring.
    ///
    /// # Panics
    ///
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn on_uring<F: Future<Output = ()>>(&self, make: impl FnOnce() -> F) {
        self.on_os(Backend::Uring, "uring", make);
    }

    /// Runs the test on polling.
    ///
    /// # Panics
    ///
    /// As [`on`](Self::on).
    #[track_caller]
    pub fn on_poll<F: Future<Output = ()>>(&self, make: impl FnOnce() -> F) {
        self.on_os(Backend::Poll, "poll", make);
    }

    #[track_caller]
    fn on_os<F: Future<Output = ()>>(
        &self,
        backend: Backend,
        name: &str,
        make: impl FnOnce() -> F,
    ) {
        match env::var(REACTOR_VARIABLE) {
            Ok(only)
                if only != name
                    && Backend::from_name(&only).is_some_and(|b| b != Backend::Auto) =>
            {
                eprintln!("skipped on {name}: {REACTOR_VARIABLE} is {only}");
            }
            _ => self.on(backend, name, make),
        }
    }

    /// Runs the test on a new kernel of this backend, and fails if it leaves a task that had to be aborted.
    ///
    /// # Panics
    ///
    /// With the test's own panic, when the backend is expected and cannot be had, when the limit passes, and
    /// when the shutdown had to abort a task or left operations in flight.
    #[track_caller]
    pub fn on<F: Future<Output = ()>>(
        &self,
        backend: impl bibelot_kernel::Backend + 'static,
        name: &str,
        make: impl FnOnce() -> F,
    ) {
        let mut builder = Kernel::builder().backend(backend);
        if let Some(threads) = self.workers {
            builder = builder.worker_threads_max(threads);
        }
        let mut kernel = match builder.build() {
            Ok(kernel) => kernel,
            Err(error) if is_expected(name) => panic!("{name} is expected: {error}"),
            Err(error) => {
                eprintln!("skipped on {name}: {error}");
                return;
            }
        };
        let watchdog = self.watch(&kernel.handle(), kernel.backend().name);
        if let Err(error) = kernel.try_block_on(make()) {
            panic!("on {name}: {error}");
        }
        let report = kernel.shutdown();
        drop(watchdog);
        assert!(
            report.aborted.is_empty(),
            "tasks had to be aborted: {:?}",
            report.aborted
        );
        assert!(
            report.io.in_flight.is_empty(),
            "operations were left: {:?}",
            report.io.in_flight
        );
    }

    /// Watches over a test with a limit, by its own clock and by the real one.
    fn watch(&self, kernel: &KernelHandle, reactor: &str) -> Option<Watchdog> {
        let limit = self.limit?;
        let (own, breaking) = (kernel.clone(), kernel.clone());
        let alarm = TaskBuilder::new().name("timeout of the test").daemon();
        let alarm = alarm.spawn(async move {
            if sleep(limit).await.is_ok() {
                own.break_off(Late::of(&own, limit).into());
            }
        });
        alarm.detach();
        let real = self.real.unwrap_or_else(|| match reactor {
            "sim" => REAL_MAX,
            _ => limit.saturating_add(REAL_MARGIN),
        });
        let ending = kernel.clone();
        let break_off = move || breaking.break_off(Late::of(&breaking, real).into());
        let end = move || {
            // The thread of the test cannot be ended, and would keep the others waiting for ever.
            eprintln!("{}\nand it cannot be broken off", Late::of(&ending, real));
            process::exit(FAILED);
        };
        let bites: [(Duration, Box<dyn FnOnce() + Send>); 2] =
            [(real, Box::new(break_off)), (self.patience, Box::new(end))];
        match Watchdog::new(bites) {
            Ok(watchdog) => Some(watchdog),
            Err(error) => {
                eprintln!("nobody watches the real clock: {error}");
                None
            }
        }
    }
}

impl Default for Trial {
    fn default() -> Self {
        Self::new()
    }
}

/// A test has not ended in time.
#[derive(Debug)]
struct Late {
    limit: Duration,
    tasks: Vec<TaskInfo>,
}

impl Late {
    fn of(kernel: &KernelHandle, limit: Duration) -> Self {
        let tasks = kernel.reader().snapshot();
        Self { limit, tasks }
    }
}

impl fmt::Display for Late {
    /// A line, and one for each task.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the test did not end within {:?}; its tasks:",
            self.limit
        )?;
        for task in self.tasks.iter().filter(|task| !task.daemon) {
            write!(f, "\n  {task}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Late {}

impl From<Late> for io::Error {
    fn from(late: Late) -> Self {
        Self::new(io::ErrorKind::TimedOut, late)
    }
}

/// The seed of simulated worlds in tests that name none: the number in `BIBELOT_SEED`, or 0.
///
/// # Panics
///
/// When the variable holds something else than a number.
#[must_use]
pub fn seed() -> u64 {
    match env::var(SEED_VARIABLE) {
        Ok(seed) if !seed.is_empty() => seed
            .parse()
            .unwrap_or_else(|_| panic!("{SEED_VARIABLE} is {seed:?}, which is no seed")),
        _ => 0,
    }
}

/// Whether `BIBELOT_EXPECT` names the backend.
#[must_use]
pub fn is_expected(name: &str) -> bool {
    env::var(EXPECT_VARIABLE)
        .is_ok_and(|expected| expected.split(',').any(|listed| listed.trim() == name))
}
