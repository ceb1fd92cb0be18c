//! The end of a kernel: shutdown, drops, thread-locals, wakers that are left.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use bibelot::{Kernel, TaskBuilder, sleep, spawn, yield_now};

use crate::lives::each_kernel;

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
                .ends_with("ends.rs")
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
fn tasks_register_callbacks_too_and_one_that_panics_keeps_none_from_being_called() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let log = Rc::new(std::cell::RefCell::new(Vec::new()));
        let push = |name| {
            let log = log.clone();
            move || log.borrow_mut().push(name)
        };
        kernel.on_shutdown(push("outside"));
        let (inside, late) = (push("inside"), push("late"));
        kernel.block_on(async move {
            spawn(async move {
                bibelot::on_shutdown(inside);
                bibelot::on_shutdown(|| std::panic::resume_unwind(Box::new("on purpose")));
                bibelot::on_shutdown(move || bibelot::on_shutdown(late));
            })
            .await
            .unwrap();
        });
        kernel.on_shutdown(push("last"));
        assert!(kernel.shutdown().is_clean());
        assert_eq!(*log.borrow(), ["outside", "inside", "last", "late"]);
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
fn another_thread_runs_code_on_a_kernel_in_order_and_gets_back_what_came_too_late() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let (handle, home) = (kernel.handle(), thread::current().id());
        let (tell, told) = mpsc::channel();
        let poster = thread::spawn({
            let handle = handle.clone();
            move || {
                for number in 0..100 {
                    let tell = tell.clone();
                    handle
                        .post(move || {
                            assert_eq!(thread::current().id(), home);
                            let task = spawn(async move { tell.send(number).unwrap() });
                            task.detach();
                        })
                        .unwrap();
                }
                handle.post(|| resume_unwind(Box::new(()))).unwrap();
                let stopping = handle.clone();
                handle.post(move || stopping.stop()).unwrap();
            }
        });
        poster.join().unwrap();
        let stopped = kernel.block_on(sleep(Duration::from_secs(3600)));
        assert!(matches!(
            stopped.unwrap_err().cause(),
            bibelot::Cause::Shutdown
        ));
        let limit = kernel.clock() + Duration::from_secs(60);
        assert!(
            kernel
                .turn_until(limit, |kernel| kernel.reader().live() == 0)
                .unwrap()
        );
        assert_eq!(told.iter().collect::<Vec<_>>(), Vec::from_iter(0..100));
        let (owned, held) = (Arc::new(()), Arc::new(()));
        let (first, second) = (owned.clone(), held.clone());
        handle.post(move || drop(first)).unwrap();
        assert!(kernel.shutdown_within(Duration::ZERO).is_clean());
        assert_eq!(
            Arc::strong_count(&owned),
            1,
            "it was dropped with the kernel"
        );
        let refused = handle.post(move || drop(second)).unwrap_err();
        assert_eq!(Arc::strong_count(&held), 2);
        refused.0();
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn turns_are_made_until_it_is_done_or_the_time_is_up() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        kernel.block_on(async {
            spawn(sleep(Duration::from_millis(400))).detach();
            TaskBuilder::new()
                .daemon()
                .spawn(sleep(Duration::from_secs(3600)))
                .detach();
        });
        let deadline = kernel.clock() + Duration::from_millis(1);
        let is_done = |kernel: &bibelot_kernel::Kernel| kernel.reader().live() == 0;
        assert!(!kernel.turn_until(deadline, is_done).unwrap());
        let deadline = kernel.clock() + Duration::from_secs(60);
        assert!(kernel.turn_until(deadline, is_done).unwrap());
        assert_eq!(kernel.live_tasks(), 1, "the daemon");
    });
}
