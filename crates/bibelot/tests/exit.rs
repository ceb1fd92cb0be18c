//! How a program ends: exits with a status, stops, panics, futures that do not hear.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use bibelot::{
    AsCancelled, Backend, Builder, Cause, Kernel, MainDropped, OnPanic, RunError, exit, sleep,
    spawn, timeout_drop, try_run, yield_now,
};
use bibelot_kernel::{BackendInfo, Poisoned};
use bibelot_sim::Sim;

const HOUR: Duration = Duration::from_secs(3600);

fn each_kernel(test: impl Fn(Builder)) {
    for backend in [Backend::Uring, Backend::Poll] {
        match Kernel::builder().backend(backend).build() {
            Ok(kernel) => drop(kernel),
            Err(error) => {
                eprintln!("skipped on {backend:?}: {error}");
                continue;
            }
        }
        test(Kernel::builder().backend(backend));
    }
    test(Kernel::builder().backend(Sim::calm()));
}

#[test]
fn an_exit_from_any_task_cleans_up_and_gives_its_status_to_whoever_runs() {
    each_kernel(|builder| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let (other, main) = (log.clone(), log.clone());
        let ended = builder.try_run(async move {
            spawn(async move {
                let cut = sleep(HOUR).await.unwrap_err();
                assert!(matches!(cut.cause(), Cause::Shutdown));
                sleep(Duration::from_millis(1)).await.unwrap();
                other.borrow_mut().push("other");
            })
            .detach();
            spawn(async {
                exit(3);
                assert!(yield_now().await.is_err(), "the caller hears it too");
                exit(4);
            })
            .detach();
            let cut = sleep(HOUR).await.unwrap_err();
            assert!(matches!(cut.cause(), Cause::Shutdown));
            main.borrow_mut().push("main");
        });
        assert!(matches!(ended, Err(RunError::Exit(3))), "{ended:?}");
        assert_eq!(*log.borrow(), ["main", "other"]);
    });
}

#[test]
fn an_exit_is_also_heard_by_what_is_spawned_later_and_run_later() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        assert_eq!(kernel.exit_code(), None);
        let value = kernel.block_on(async {
            exit(5);
            let late = spawn(sleep(HOUR));
            let cut = late.await;
            assert!(cut.is_err(), "the main future was asked to stop");
            7
        });
        assert_eq!(value, 7, "what it makes of that is its value");
        assert!(kernel.block_on(sleep(HOUR)).is_err());
        assert_eq!(kernel.exit_code(), Some(5));
        let report = kernel.shutdown();
        assert_eq!(report.exit_code, Some(5));
        assert!(report.is_clean());
    });
}

#[test]
fn an_exit_during_the_clean_up_counts_too() {
    each_kernel(|builder| {
        let ended = builder.try_run(async {
            spawn(async {
                let _ = sleep(HOUR).await;
                exit(6);
            })
            .detach();
            yield_now().await.unwrap();
        });
        assert!(matches!(ended, Err(RunError::Exit(6))));
    });
}

#[test]
fn another_thread_may_ask_for_the_exit() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        if kernel.backend().name == "sim" {
            return;
        }
        let handle = kernel.handle();
        let asking = thread::spawn(move || handle.exit(9));
        assert!(kernel.block_on(sleep(HOUR)).is_err());
        asking.join().unwrap();
        assert_eq!(kernel.exit_code(), Some(9));
    });
}

#[test]
fn a_main_future_that_cannot_hear_is_dropped_when_asked_to_stop() {
    struct Noted(Rc<Cell<bool>>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let dropped = Rc::new(Cell::new(false));
        let noted = Noted(dropped.clone());
        let handle = kernel.handle();
        let ended = kernel.try_block_on(async move {
            let _noted = noted;
            spawn(async move { handle.stop() }).detach();
            pending::<()>().await;
        });
        let error = ended.unwrap_err();
        let Some(MainDropped::Deaf(cut)) = error.get_ref().unwrap().downcast_ref() else {
            panic!("{error}");
        };
        assert!(matches!(cut.cause(), Cause::Shutdown));
        assert!(dropped.get());
        assert_eq!(kernel.block_on(async { 7 }), 7, "the kernel goes on");
    });
}

#[test]
fn a_main_future_that_does_not_end_is_dropped_after_the_grace() {
    each_kernel(|builder| {
        let ended = builder.grace(Duration::from_millis(20)).try_run(async {
            exit(1);
            loop {
                let _ = sleep(Duration::from_millis(1)).await;
            }
        });
        assert!(matches!(ended, Err(RunError::Exit(1))), "{ended:?}");
    });
    each_kernel(|builder| {
        let mut kernel = builder.grace(Duration::from_millis(20)).build().unwrap();
        let ended = kernel.try_block_on(async {
            exit(1);
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                std::task::Poll::<()>::Pending
            })
            .await;
        });
        let error = ended.unwrap_err();
        assert!(error.get_ref().unwrap().is::<MainDropped>(), "{error}");
    });
}

#[test]
fn a_panic_of_a_task_ends_the_program_where_it_was_built_so() {
    each_kernel(|builder| {
        let mut kernel = builder.on_panic(OnPanic::Shutdown).build().unwrap();
        let cut = kernel.block_on(async {
            spawn(async { panic!("on purpose") }).detach();
            sleep(HOUR).await
        });
        assert!(cut.is_err());
        assert_eq!(kernel.exit_code(), Some(101));
    });
    each_kernel(|builder| {
        let contained = builder.try_run(async {
            let failed = spawn(async { panic!("on purpose") }).await;
            assert!(matches!(failed, Err(bibelot::TaskError::Panicked(_))));
        });
        assert!(contained.is_ok());
    });
}

#[test]
fn a_run_can_be_broken_off_from_outside_with_an_error() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let handle = kernel.handle();
        handle.break_off(io::Error::other("nobody runs"));
        let ended = kernel.try_block_on(async move {
            spawn(async move { handle.break_off(io::Error::other("enough")) }).detach();
            // Nothing is asked: it is dropped as it is, also behind a shield.
            bibelot::shield(sleep(HOUR)).await
        });
        assert_eq!(ended.unwrap_err().to_string(), "enough");
        assert_eq!(kernel.block_on(async { 7 }), 7, "the kernel goes on");
        assert!(kernel.shutdown().is_clean());
    });
}

#[test]
fn try_run_gives_an_error_where_run_panics() {
    assert_eq!(try_run(async { 2 * 2 + 3 }).unwrap(), 7);
    let nested = bibelot::run(async { try_run(async {}) });
    assert!(matches!(nested, Err(RunError::AlreadyRunning(_))));
    struct NoWorld;
    impl bibelot_kernel::Backend for NoWorld {
        fn build(self: Box<Self>) -> io::Result<bibelot_kernel::World> {
            Err(io::Error::other("no world today"))
        }
    }
    let none = Kernel::builder().backend(NoWorld).try_run(async {});
    let error = none.unwrap_err();
    assert_eq!(error.to_string(), "no kernel can be had: no world today");
}

#[test]
fn a_kernel_whose_reactor_failed_says_so_from_then_on() {
    struct Failing(Box<dyn bibelot_reactor::Reactor>, Rc<Cell<bool>>);
    impl bibelot_reactor::Reactor for Failing {
        fn name(&self) -> &'static str {
            self.0.name()
        }
        fn submit(
            &mut self,
            token: bibelot_reactor::Token,
            op: bibelot_reactor::Op,
        ) -> Option<bibelot_reactor::Completion> {
            self.0.submit(token, op)
        }
        fn cancel(&mut self, token: bibelot_reactor::Token) {
            self.0.cancel(token);
        }
        fn call(&mut self, call: bibelot_reactor::Call) -> io::Result<bibelot_reactor::Reply> {
            self.0.call(call)
        }
        fn poll(
            &mut self,
            timeout: Option<Duration>,
            ends: &mut Vec<bibelot_reactor::Completion>,
        ) -> io::Result<()> {
            if self.1.replace(false) {
                return Err(io::Error::other("the ring is gone"));
            }
            self.0.poll(timeout, ends)
        }
        fn unparker(&self) -> std::task::Waker {
            self.0.unparker()
        }
    }
    struct FailsOnce;
    impl bibelot_kernel::Backend for FailsOnce {
        fn build(self: Box<Self>) -> io::Result<bibelot_kernel::World> {
            let mut world = Box::new(Sim::calm()).build()?;
            let fails = Rc::new(Cell::new(true));
            world.reactor = Box::new(Failing(world.reactor, fails));
            Ok(world)
        }
    }
    let mut kernel = Kernel::builder().backend(FailsOnce).build().unwrap();
    let BackendInfo { name, .. } = kernel.backend();
    assert_eq!(*name, "sim");
    let first = kernel.try_block_on(async {}).unwrap_err();
    assert_eq!(first.to_string(), "the ring is gone");
    for again in [kernel.try_block_on(async {}).err(), kernel.turn().err()] {
        let again = again.expect("it does not go on");
        assert!(again.get_ref().unwrap().is::<Poisoned>(), "{again}");
        assert!(again.to_string().contains("the ring is gone"), "{again}");
    }
}

#[test]
fn no_wait_is_longer_than_max_park() {
    let turns = |builder: Builder| {
        let mut kernel = builder.build().unwrap();
        let slept = async { sleep(Duration::from_millis(50)).await };
        kernel.block_on(slept).unwrap();
        kernel.counters().turns
    };
    assert!(turns(Kernel::builder().backend(Sim::calm())) < 10);
    let short = Kernel::builder().max_park(Duration::from_millis(1));
    assert!(turns(short.backend(Sim::calm())) >= 50);
    // Nothing else ends a wait there, whatever else the machine does.
    each_kernel(|builder| {
        let mut kernel = builder.max_park(Duration::from_millis(1)).build().unwrap();
        let far = kernel.clock() + HOUR;
        let made = kernel.turn_until(far, |kernel| kernel.counters().turns >= 10);
        assert!(made.unwrap());
    });
}

#[test]
fn a_limit_ends_a_run() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let limit = Duration::from_millis(5);
        let cut = kernel.block_on(bibelot::timeout_after(limit, sleep(HOUR)));
        assert!(cut.unwrap_err().timed_out());
        assert!(
            kernel
                .block_on(timeout_drop(limit, pending::<()>()))
                .is_err()
        );
    });
}
