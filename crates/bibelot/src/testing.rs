//! Running tests on one backend after another: what `#[bibelot::test]` calls.
//!
//! A backend that the machine lacks is skipped with a word on the standard error, unless the variable
//! `BIBELOT_EXPECT`, a list such as `uring,poll,sim`, names it: then the test fails. `BIBELOT_REACTOR`
//! limits a run to the backend that it names, and what does not use the operating system.

use std::env;
use std::future::Future;

use crate::backend::REACTOR_VARIABLE;
use crate::{Backend, Kernel};

/// The environment variable that names the backends which must be there.
pub const EXPECT_VARIABLE: &str = "BIBELOT_EXPECT";

/// Runs a test on the backend that the machine offers.
#[track_caller]
pub fn on_auto<F: Future<Output = ()>>(make: impl FnOnce() -> F) {
    on(Backend::Auto, "auto", make);
}

/// Runs a test on io_uring.
#[track_caller]
pub fn on_uring<F: Future<Output = ()>>(make: impl FnOnce() -> F) {
    on_os(Backend::Uring, "uring", make);
}

/// Runs a test on polling.
#[track_caller]
pub fn on_poll<F: Future<Output = ()>>(make: impl FnOnce() -> F) {
    on_os(Backend::Poll, "poll", make);
}

#[track_caller]
fn on_os<F: Future<Output = ()>>(backend: Backend, name: &str, make: impl FnOnce() -> F) {
    match env::var(REACTOR_VARIABLE) {
        Ok(only)
            if only != name && Backend::from_name(&only).is_some_and(|b| b != Backend::Auto) =>
        {
            eprintln!("skipped on {name}: {REACTOR_VARIABLE} is {only}");
        }
        _ => on(backend, name, make),
    }
}

/// Runs a test on a new kernel of this backend, and fails if it leaves a task that had to be aborted.
///
/// # Panics
///
/// With the test's own panic, when the backend is expected and cannot be had, and when the shutdown
/// had to abort a task or left operations in flight.
#[track_caller]
pub fn on<F: Future<Output = ()>>(
    backend: impl bibelot_kernel::Backend + 'static,
    name: &str,
    make: impl FnOnce() -> F,
) {
    let mut kernel = match Kernel::builder().backend(backend).build() {
        Ok(kernel) => kernel,
        Err(error) if is_expected(name) => panic!("{name} is expected: {error}"),
        Err(error) => {
            eprintln!("skipped on {name}: {error}");
            return;
        }
    };
    kernel.block_on(make());
    let report = kernel.shutdown();
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

/// Whether `BIBELOT_EXPECT` names the backend.
#[must_use]
pub fn is_expected(name: &str) -> bool {
    env::var(EXPECT_VARIABLE)
        .is_ok_and(|expected| expected.split(',').any(|listed| listed.trim() == name))
}
