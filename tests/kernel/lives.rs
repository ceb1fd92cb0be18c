//! The life of a kernel.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use bibelot::{AlreadyRunning, Backend, Kernel, TaskBuilder, sleep, spawn, yield_now};
use bibelot_sim::Sim;

/// Kernels to try: those of this machine, and a simulated one.
fn each_kernel(test: impl Fn(bibelot::Builder)) {
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
fn run_does_not_wait_for_other_tasks_but_lets_them_clean_up() {
    each_kernel(|builder| {
        let log = Rc::new(Cell::new(""));
        let seen = log.clone();
        builder
            .run(async move {
                spawn(async move {
                    let cut = sleep(Duration::from_secs(3600)).await.unwrap_err();
                    assert!(matches!(cut.cause(), bibelot::Cause::Shutdown));
                    sleep(Duration::from_millis(1)).await.unwrap();
                    seen.set("cleaned up");
                })
                .detach();
                yield_now().await.unwrap();
            })
            .unwrap();
        assert_eq!(log.get(), "cleaned up");
    });
}

#[test]
fn a_shutdown_ends_in_bounded_time_and_names_what_did_not_stop() {
    each_kernel(|builder| {
        let mut kernel = builder.grace(Duration::from_millis(20)).build().unwrap();
        kernel.block_on(async {
            TaskBuilder::new()
                .name("deaf")
                .spawn(async {
                    loop {
                        let _ = sleep(Duration::from_millis(1)).await;
                    }
                })
                .detach();
            spawn(sleep(Duration::from_secs(3600))).detach();
            yield_now().await.unwrap();
        });
        let report = kernel.shutdown();
        assert_eq!(report.cancelled, 2);
        assert_eq!(report.aborted.len(), 1);
        assert_eq!(report.aborted[0].name.as_deref(), Some("deaf"));
        assert!(
            report.aborted[0]
                .spawn_site
                .unwrap()
                .file()
                .ends_with("lives.rs")
        );
        assert!(!report.is_clean());
    });
}

#[test]
fn shutdown_cancels_the_newest_first_and_tasks_spawned_meanwhile_are_born_cancelled() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let order = Rc::new(std::cell::RefCell::new(Vec::new()));
        kernel.block_on(async {
            for number in 0..3 {
                let order = order.clone();
                spawn(async move {
                    let _ = sleep(Duration::from_secs(3600)).await;
                    order.borrow_mut().push(number);
                    let late = order.clone();
                    spawn(async move {
                        assert!(yield_now().await.is_err(), "born cancelled");
                        late.borrow_mut().push(number + 10);
                    })
                    .detach();
                })
                .detach();
            }
            yield_now().await.unwrap();
        });
        assert!(kernel.shutdown().is_clean());
        assert_eq!(*order.borrow(), [2, 1, 0, 12, 11, 10]);
    });
}

#[test]
fn callbacks_run_at_shutdown_after_the_last_task_in_their_order() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let log = Rc::new(std::cell::RefCell::new(Vec::new()));
        for name in ["first", "second"] {
            let log = log.clone();
            kernel.on_shutdown(move || log.borrow_mut().push(name));
        }
        let last = log.clone();
        kernel.block_on(async move {
            spawn(async move {
                let _ = sleep(Duration::from_secs(3600)).await;
                last.borrow_mut().push("task");
            })
            .detach();
            yield_now().await.unwrap();
        });
        kernel.shutdown();
        assert_eq!(*log.borrow(), ["task", "first", "second"]);
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
fn a_foreign_loop_waits_on_the_kernels_descriptor() {
    for backend in [Backend::Uring, Backend::Poll] {
        let Ok(mut kernel) = Kernel::builder().backend(backend).build() else {
            eprintln!("skipped on {backend:?}");
            continue;
        };
        // A task that another thread wakes, and one that waits for a connection.
        let waker = std::sync::Arc::new(std::sync::Mutex::new(None::<Waker>));
        let left = waker.clone();
        let (woken, accepted, address) = kernel.block_on(async {
            let woken = spawn(std::future::poll_fn(move |context| {
                match left.lock().unwrap().replace(context.waker().clone()) {
                    Some(_) => std::task::Poll::Ready(()),
                    None => std::task::Poll::Pending,
                }
            }));
            let listener = bibelot::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let accepted = spawn(async move { listener.accept().await.is_ok() });
            (woken, accepted, address)
        });
        let mut fd = None;
        for _ in 0..5 {
            fd = kernel.turn().unwrap().fd;
        }
        let fd = fd.unwrap();
        assert!(!is_readable(fd, 20), "nothing has come");
        let foreign = waker.lock().unwrap().clone().unwrap();
        thread::spawn(move || foreign.wake()).join().unwrap();
        assert!(is_readable(fd, 5000), "a wake from another thread shows");
        for _ in 0..5 {
            kernel.turn().unwrap();
        }
        assert!(woken.is_finished());
        assert!(!is_readable(fd, 20), "it was taken");
        let _peer = std::net::TcpStream::connect(address).unwrap();
        assert!(is_readable(fd, 5000), "a connection shows");
        while !accepted.is_finished() {
            kernel.turn().unwrap();
        }
    }
}

/// Whether a descriptor is readable within so many milliseconds.
fn is_readable(fd: std::os::fd::RawFd, wait_ms: i32) -> bool {
    let mut watched = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one descriptor, in memory that lives through the call.
    unsafe { libc::poll(&raw mut watched, 1, wait_ms) == 1 }
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
fn a_dropped_kernel_drops_every_future_and_value() {
    struct Counted(Rc<Cell<usize>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    each_kernel(|builder| {
        let dropped = Rc::new(Cell::new(0));
        let mut kernel = builder.grace(Duration::ZERO).build().unwrap();
        let handle = kernel.block_on(async {
            let (running, value) = (Counted(dropped.clone()), Counted(dropped.clone()));
            spawn(async move {
                let _running = running;
                std::future::pending::<()>().await;
            })
            .detach();
            let handle = spawn(async move { value });
            yield_now().await.unwrap();
            handle
        });
        drop(kernel);
        assert_eq!(dropped.get(), 2);
        drop(handle);
    });
}

#[test]
fn wakers_outlive_their_kernel_on_any_thread() {
    each_kernel(|builder| {
        let (send, receive) = mpsc::channel::<Waker>();
        let waking = thread::spawn(move || {
            for waker in receive {
                waker.wake_by_ref();
                drop(waker.clone());
                waker.wake();
            }
        });
        let mut kernel = builder.grace(Duration::ZERO).build().unwrap();
        kernel.block_on(async {
            for _ in 0..100 {
                let send = send.clone();
                spawn(std::future::poll_fn(move |context| {
                    send.send(context.waker().clone()).unwrap();
                    std::task::Poll::<()>::Pending
                }))
                .detach();
            }
            yield_now().await.unwrap();
        });
        drop(kernel);
        drop(send);
        waking.join().unwrap();
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
fn a_thread_may_end_with_its_kernel_alive_in_a_thread_local() {
    thread_local! {
        static KEPT: std::cell::RefCell<Option<Kernel>> = const { std::cell::RefCell::new(None) };
    }
    thread::spawn(|| {
        let mut kernel = Kernel::builder().grace(Duration::ZERO).build().unwrap();
        kernel.block_on(async {
            spawn(sleep(Duration::from_secs(3600))).detach();
            yield_now().await.unwrap();
        });
        KEPT.set(Some(kernel));
    })
    .join()
    .unwrap();
}

#[test]
fn a_thread_local_older_than_the_kernels_own_may_hold_it() {
    thread_local! {
        static KEPT: std::cell::RefCell<Option<Kernel>> = const { std::cell::RefCell::new(None) };
    }
    thread::spawn(|| {
        // Registered first, so dropped last: after everything else that the thread has.
        KEPT.set(None);
        let mut kernel = Kernel::builder()
            .grace(Duration::from_millis(50))
            .build()
            .unwrap();
        kernel.block_on(async {
            spawn(async {
                let _ = bibelot::shield(sleep(Duration::from_millis(1))).await;
                let _ = sleep(Duration::from_secs(3600)).await;
            })
            .detach();
            yield_now().await.unwrap();
        });
        KEPT.set(Some(kernel));
    })
    .join()
    .unwrap();
}

#[test]
fn futures_whose_drop_spawns_are_dropped_too() {
    struct Again(u32, Rc<Cell<u32>>);
    impl Drop for Again {
        fn drop(&mut self) {
            self.1.set(self.1.get() + 1);
            if self.0 > 0 {
                spawn_again(Again(self.0 - 1, self.1.clone()));
            }
        }
    }
    fn spawn_again(again: Again) {
        spawn(async move {
            let _again = again;
            std::future::pending::<()>().await;
        })
        .detach();
    }
    each_kernel(|builder| {
        let dropped = Rc::new(Cell::new(0));
        let mut kernel = builder.grace(Duration::ZERO).build().unwrap();
        kernel.block_on(async {
            spawn_again(Again(150, dropped.clone()));
            yield_now().await.unwrap();
        });
        assert!(!kernel.shutdown().is_clean());
        assert_eq!(dropped.get(), 151);
    });
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
