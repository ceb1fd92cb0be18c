//! The life of a kernel.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use bibelot::{AlreadyRunning, Backend, Kernel, sleep, spawn, yield_now};
use bibelot_sim::Sim;

/// Kernels to try: those of this machine, and a simulated one.
pub fn each_kernel(test: impl Fn(bibelot::Builder)) {
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
fn a_second_kernel_on_a_thread_is_refused() {
    each_kernel(|builder| {
        let kernel = builder.build().unwrap();
        let error = Kernel::new().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(
            error
                .get_ref()
                .is_some_and(|inner| inner.is::<AlreadyRunning>())
        );
        drop(kernel);
        Kernel::new().unwrap();
    });
}

#[test]
fn a_nested_run_is_refused_with_a_clear_message() {
    let payload = thread::spawn(|| bibelot::run(async { bibelot::run(async {}) })).join();
    let payload = payload.unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(
        message.contains("this thread has a bibelot kernel already"),
        "{message}"
    );
}

#[test]
fn tasks_persist_from_one_block_on_to_the_next() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let steps = Rc::new(Cell::new(0));
        let counter = steps.clone();
        let task = kernel.block_on(async {
            spawn(async move {
                for _ in 0..3 {
                    counter.set(counter.get() + 1);
                    sleep(Duration::from_millis(1)).await.unwrap();
                }
                "done"
            })
        });
        assert_eq!(
            steps.get(),
            0,
            "a spawned task does not start before its parent parks"
        );
        assert_eq!(kernel.live_tasks(), 1);
        kernel.block_on(yield_now()).unwrap();
        assert_eq!(steps.get(), 1);
        assert_eq!(kernel.block_on(task.join()).unwrap(), "done");
        assert_eq!((steps.get(), kernel.live_tasks()), (3, 0));
    });
}

#[test]
fn a_panic_of_the_main_future_goes_on_and_the_kernel_stays_usable() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let run = std::panic::AssertUnwindSafe(|| {
            kernel.block_on(async { panic!("on purpose") });
        });
        let payload = std::panic::catch_unwind(run).unwrap_err();
        assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "on purpose");
        assert_eq!(kernel.block_on(async { 7 }), 7);
        assert_eq!(kernel.live_tasks(), 0);
    });
}

#[test]
fn turn_makes_one_pass_and_never_waits() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let done = Rc::new(Cell::new(false));
        let flag = done.clone();
        kernel.block_on(async {
            spawn(async move {
                yield_now().await.unwrap();
                assert!(sleep(Duration::from_secs(3600)).await.is_err());
                flag.set(true);
            })
            .detach();
        });
        let first = kernel.turn().unwrap();
        assert_eq!((first.ran, first.is_ready), (1, true));
        let second = kernel.turn().unwrap();
        assert_eq!((second.ran, second.is_ready), (1, false));
        assert!(second.next_deadline.is_some());
        let idle = kernel.turn().unwrap();
        assert_eq!(idle.ran, 0);
        drop(kernel);
        assert!(done.get());
    });
}

#[test]
fn a_running_kernel_can_be_stopped_from_another_thread() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let handle = kernel.handle();
        thread::spawn(move || handle.stop()).join().unwrap();
        kernel.turn().unwrap();
        // Without a run under way nothing happened.
        kernel.block_on(yield_now()).unwrap();
        let handle = kernel.handle();
        let cut = kernel.block_on(async {
            handle.stop();
            sleep(Duration::from_secs(3600)).await.unwrap_err()
        });
        assert!(matches!(cut.cause(), bibelot::Cause::Shutdown));
        assert!(!handle.has_ended());
        drop(kernel);
        assert!(handle.has_ended());
    });
}

#[test]
fn a_panic_may_end_the_run() {
    each_kernel(|builder| {
        let mut kernel = builder
            .on_panic(bibelot::OnPanic::Shutdown)
            .build()
            .unwrap();
        let cut = kernel.block_on(async {
            spawn(async { panic!("on purpose") }).detach();
            sleep(Duration::from_secs(3600)).await.unwrap_err()
        });
        assert!(matches!(cut.cause(), bibelot::Cause::Shutdown));
    });
}

#[test]
fn every_operation_may_be_a_checkpoint() {
    each_kernel(|builder| {
        let mut kernel = builder.checkpoint_everywhere(true).build().unwrap();
        let cut = kernel.block_on(async {
            let ended = spawn(async {});
            ended.wait().await.unwrap();
            bibelot::current().cancel_nowait();
            // It is ready, and a cancel point all the same.
            ended.wait().await.unwrap_err()
        });
        assert!(matches!(cut.cause(), bibelot::Cause::Task));
    });
}

#[test]
fn a_forgotten_kernel_leaks_and_its_thread_never_gets_another() {
    thread::spawn(|| {
        let mut kernel = Kernel::new().unwrap();
        kernel.block_on(async {
            spawn(sleep(Duration::from_secs(3600))).detach();
            yield_now().await.unwrap();
        });
        std::mem::forget(kernel);
        assert_eq!(
            Kernel::new().unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
    })
    .join()
    .unwrap();
}

#[test]
fn a_thousand_kernels_one_after_another_leave_nothing_behind() {
    thread::spawn(|| {
        let open = || std::fs::read_dir("/proc/thread-self/fd").unwrap().count();
        let _ = Kernel::builder().backend(Backend::Poll).run(async {});
        let before = open();
        for _ in 0..1000 {
            Kernel::builder()
                .backend(Backend::Poll)
                .run(yield_now())
                .unwrap()
                .unwrap();
        }
        // Other tests of this process open descriptors, too; a leak would be a thousand.
        assert!(open() < before + 500);
    })
    .join()
    .unwrap();
}
