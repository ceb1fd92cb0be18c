//! The attributes as a program uses them, with a small facade in place of the real one.
//!
//! The facade here polls a future to its end on the spot and writes down what it was asked for.

use std::cell::RefCell;
use std::future::{Ready, ready};

/// What the expansions call.
mod facade {
    use std::cell::RefCell;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    thread_local! {
        /// What the facade was asked for on this thread.
        pub static ASKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub fn ask(what: &str) {
        ASKED.with_borrow_mut(|asked| asked.push(what.to_owned()));
    }

    pub fn run<F: Future>(future: F) -> F::Output {
        ask("run");
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("the futures of these tests are ready"),
        }
    }

    #[derive(Debug)]
    pub enum Backend {
        Poll,
    }

    #[derive(Debug)]
    pub enum CtrlCPolicy {
        CancelMain,
        Leave,
    }

    #[derive(Debug, Default)]
    pub struct Kernel(Vec<String>);

    impl Kernel {
        pub fn builder() -> Self {
            Self::default()
        }

        pub fn backend(self, backend: Backend) -> Self {
            self.with(format!("{backend:?}"))
        }

        pub fn ctrl_c(self, policy: CtrlCPolicy) -> Self {
            self.with(format!("{policy:?}"))
        }

        pub fn worker_threads_max(self, threads: usize) -> Self {
            self.with(format!("{threads} threads"))
        }

        fn with(mut self, what: String) -> Self {
            self.0.push(what);
            self
        }
    }

    pub mod __private {
        use std::future::Future;
        use std::time::Duration;

        pub struct Interrupted<T>(T);

        /// Here a program that starts with a limit is one that Ctrl-C asked to stop.
        pub fn enter<F: Future>(
            builder: super::Kernel,
            limit: Option<Duration>,
            main: F,
        ) -> Result<F::Output, Interrupted<F::Output>> {
            super::ask(&builder.0.join(", "));
            let value = super::run(main);
            match limit {
                None => Ok(value),
                Some(limit) => {
                    super::ask(&format!("within {limit:?}"));
                    Err(Interrupted(value))
                }
            }
        }

        impl<T> Interrupted<T> {
            pub fn end(self, how: &str) -> T {
                super::ask(how);
                self.0
            }
        }

        pub trait ByError {
            fn how(&self) -> &'static str {
                "by error"
            }
        }
        impl<T, E: std::error::Error> ByError for &&&Interrupted<Result<T, E>> {}

        pub trait ByDynError {
            fn how(&self) -> &'static str {
                "by dyn error"
            }
        }
        impl<T> ByDynError for &&Interrupted<Result<T, Box<dyn std::error::Error>>> {}

        pub trait ByResult {
            fn how(&self) -> &'static str {
                "by result"
            }
        }
        impl<T, E: std::fmt::Debug> ByResult for &Interrupted<Result<T, E>> {}

        pub trait ByNothing {
            fn how(&self) -> &'static str {
                "by nothing"
            }
        }
        impl<T> ByNothing for Interrupted<T> {}
    }

    pub mod testing {
        use std::future::Future;

        pub fn on_auto<F: Future<Output = ()>>(make: impl FnOnce() -> F) {
            super::ask("auto");
            super::run(make());
        }

        pub fn on_uring<F: Future<Output = ()>>(make: impl FnOnce() -> F) {
            super::ask("uring");
            super::run(make());
        }

        pub fn on_poll<F: Future<Output = ()>>(make: impl FnOnce() -> F) {
            super::ask("poll");
            super::run(make());
        }
    }
}

thread_local! {
    static DONE: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

fn done(what: &'static str) -> Ready<()> {
    DONE.with_borrow_mut(|done| done.push(what));
    ready(())
}

/// Runs `body`; what was done, and what the facade was asked for.
fn watch(body: impl FnOnce()) -> (Vec<&'static str>, Vec<String>) {
    // Tests may share a thread, and some of these leave things behind.
    DONE.take();
    facade::ASKED.take();
    body();
    (DONE.take(), facade::ASKED.take())
}

#[bibelot_macros::main(crate = "crate::facade")]
async fn plain() {
    done("plain").await;
}

#[bibelot_macros::main(crate = "facade", backend = "poll")]
pub(crate) async fn by_name() -> Result<u8, std::num::ParseIntError> {
    #![allow(unused_variables)]
    let unused = ();
    let seven = "7".parse()?;
    if seven == 7 {
        return Ok(seven);
    }
    done("not reached").await;
    "x".parse()
}

#[bibelot_macros::main(crate = "facade", timeout = "1.5s", worker_threads_max = 3)]
async fn interrupted() {
    done("interrupted").await;
}

#[bibelot_macros::main(crate = "facade", timeout = "1ms", ctrl_c = "leave")]
async fn interrupted_with_text() -> Result<(), String> {
    Ok(())
}

#[bibelot_macros::main(crate = "facade", timeout = "1ms")]
async fn interrupted_with_a_box() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

#[bibelot_macros::main(crate = "facade", timeout = "1ms")]
async fn interrupted_with_an_error() -> Result<(), std::fmt::Error> {
    Ok(())
}

#[test]
fn main_runs_its_body() {
    let (done, asked) = watch(plain);
    assert_eq!(done, ["plain"]);
    assert_eq!(asked, ["CancelMain", "run"]);
}

#[test]
fn main_asks_how_an_interrupted_program_took_it_by_the_type_of_its_result() {
    let (done, asked) = watch(interrupted);
    assert_eq!(done, ["interrupted"]);
    let settings = "3 threads, CancelMain";
    assert_eq!(asked, [settings, "run", "within 1.5s", "by nothing"]);
    let (_, asked) = watch(|| interrupted_with_text().unwrap());
    assert_eq!(asked, ["Leave", "run", "within 1ms", "by result"]);
    let (_, asked) = watch(|| interrupted_with_a_box().unwrap());
    assert_eq!(asked.last().unwrap(), "by dyn error");
    let (_, asked) = watch(|| interrupted_with_an_error().unwrap());
    assert_eq!(asked.last().unwrap(), "by error");
}

#[test]
fn main_asks_for_a_backend_and_returns_the_value() {
    let (done, asked) = watch(|| assert_eq!(by_name(), Ok(7)));
    assert_eq!(done, [""; 0]);
    assert_eq!(asked, ["Poll, CancelMain", "run"]);
}

/// Written by the attribute, which makes ordinary tests of them; called once more by the tests below.
mod trials {
    use super::{done, facade};

    #[bibelot_macros::test(crate = "facade")]
    pub(super) async fn alone() {
        done("alone").await;
    }

    #[bibelot_macros::test(uring, poll, crate = "facade")]
    pub(super) async fn twice() -> Result<(), std::num::ParseIntError> {
        let _seven: u8 = "7".parse()?;
        done("twice").await;
        Ok(())
    }

    #[bibelot_macros::test(poll, crate = "facade")]
    #[should_panic(expected = "the test returned an error")]
    async fn an_error_fails_the_test() {
        facade::run(async { super::failing() });
    }

    #[bibelot_macros::test(poll, crate = "facade")]
    #[should_panic(expected = "on purpose")]
    async fn a_panic_is_the_tests_own() {
        panic!("on purpose");
    }

    #[bibelot_macros::test(poll, crate = "facade")]
    #[ignore = "it would fail"]
    async fn an_ignored_test_is_not_run() {
        unreachable!("ignored");
    }
}

#[bibelot_macros::test(poll, crate = "facade")]
#[ignore = "called by `an_error_fails_the_test`"]
async fn failing() -> Result<(), std::num::ParseIntError> {
    "x".parse::<u8>().map(drop)
}

#[test]
fn a_test_runs_on_the_default_backend() {
    let (done, asked) = watch(trials::alone);
    assert_eq!(done, ["alone"]);
    assert_eq!(asked, ["auto", "run"]);
}

#[test]
fn a_test_runs_on_each_backend_in_turn() {
    let (done, asked) = watch(trials::twice);
    assert_eq!(done, ["twice", "twice"]);
    assert_eq!(asked, ["uring", "run", "poll", "run"]);
}
