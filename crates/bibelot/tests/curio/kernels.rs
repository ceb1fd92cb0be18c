//! KRN: kernels and running.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::thread;

use bibelot::{
    Cause, Kernel, KernelHandle, Observer, Queue, Task, TaskId, clock, is_running, shield, sleep,
    spawn, yield_now,
};

use crate::{LONG, each_kernel, each_kernel_of_this_machine, ms};

#[test]
fn run_gives_what_the_main_future_gives_as_it_is() {
    assert_eq!(bibelot::run(async { "hello" }), "hello");
    each_kernel(|builder| {
        let own: Result<(), std::fmt::Error> = builder.run(async { Err(std::fmt::Error) }).unwrap();
        assert_eq!(own, Err(std::fmt::Error));
    });
}

#[test]
fn a_main_future_that_fails_returns_at_once_and_leaves_its_children() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let kept: RefCell<Option<Task<&str>>> = RefCell::new(None);
        let failed = kernel.block_on(async {
            *kept.borrow_mut() = Some(spawn(async {
                sleep(ms(5)).await.map_or("cut", |_| "grown")
            }));
            yield_now().await.map_err(io::Error::from)?;
            Err::<(), _>(io::Error::from(io::ErrorKind::NotFound))
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::NotFound);
        let child = kept.into_inner().unwrap();
        assert!(!child.is_finished() && kernel.live_tasks() == 1);
        assert_eq!(kernel.block_on(child.join()).unwrap(), "grown");
    });
}

#[test]
fn turns_alone_drive_a_task_through_two_sleeps() {
    each_kernel_of_this_machine(|builder| {
        let mut kernel = builder.build().unwrap();
        let task = kernel.block_on(async {
            spawn(async {
                sleep(ms(2)).await?;
                sleep(ms(2)).await
            })
        });
        let mut waits = 0;
        while !task.is_finished() {
            let turn = kernel.turn().unwrap();
            if let (false, Some(deadline)) = (turn.is_ready, turn.next_deadline) {
                thread::sleep(deadline - kernel.clock());
                waits += 1;
            }
        }
        assert!(waits >= 2, "the host's loop waited, not the kernel");
        kernel.block_on(task.join()).unwrap().unwrap();
    });
}

#[test]
fn a_kernel_that_was_shut_down_is_gone_and_its_handles_know() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        kernel.block_on(async { spawn(sleep(LONG)).detach() });
        let handle = kernel.handle();
        assert!(!handle.has_ended() && handle.reader().snapshot().len() == 1);
        assert!(kernel.shutdown().is_clean());
        assert!(handle.has_ended() && handle.reader().snapshot().is_empty());
        handle.stop();
        assert_eq!(Kernel::new().unwrap().block_on(async { 7 }), 7);
    });
}

#[test]
fn a_dropped_kernel_shuts_down_and_lets_its_tasks_clean_up() {
    each_kernel(|builder| {
        let log: Rc<RefCell<Vec<&str>>> = Rc::default();
        let mut kernel = builder.build().unwrap();
        let last = log.clone();
        kernel.on_shutdown(move || last.borrow_mut().push("callback"));
        let cleans = log.clone();
        kernel.block_on(async {
            spawn(async move {
                let cut = sleep(LONG).await.unwrap_err();
                assert!(matches!(cut.cause(), Cause::Shutdown));
                sleep(ms(1)).await.unwrap();
                cleans.borrow_mut().push("clean-up");
            })
            .detach();
            yield_now().await.unwrap();
        });
        drop(kernel);
        assert_eq!(*log.borrow(), ["clean-up", "callback"]);
    });
}

#[test]
fn a_kernel_that_ends_by_a_panic_drops_its_tasks_and_waits_for_none() {
    struct Told(Rc<Cell<bool>>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    each_kernel_of_this_machine(|builder| {
        let told = Rc::new(Cell::new(false));
        let guard = Told(told.clone());
        let run = std::panic::AssertUnwindSafe(|| {
            let mut kernel = builder.build().unwrap();
            kernel.block_on(async {
                spawn(async move {
                    let _guard = guard;
                    let _ = shield(sleep(LONG)).await;
                })
                .detach();
                yield_now().await.unwrap();
                std::panic::resume_unwind(Box::new("on purpose"));
            });
        });
        let payload = std::panic::catch_unwind(run).unwrap_err();
        assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "on purpose");
        assert!(told.get());
        Kernel::new().unwrap();
    });
}

#[test]
fn a_thread_knows_whether_a_kernel_runs_on_it() {
    assert!(!is_running() && KernelHandle::try_current().is_none());
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        assert!(!is_running(), "it is there and does not run");
        let id = kernel.id();
        kernel.block_on(async {
            assert!(is_running());
            assert_eq!(KernelHandle::try_current().unwrap().id(), id);
            let elsewhere = thread::spawn(|| is_running() || KernelHandle::try_current().is_some());
            assert!(!elsewhere.join().unwrap());
            assert!(spawn(async { is_running() }).await.unwrap());
        });
    });
    assert!(!is_running());
}

#[test]
fn several_observers_are_told_in_the_order_in_which_they_were_given() {
    struct Named(&'static str, Rc<RefCell<Vec<&'static str>>>);
    impl Observer for Named {
        fn created(&self, _: TaskId) {
            self.1.borrow_mut().push(self.0);
        }
    }
    each_kernel(|builder| {
        let log = Rc::default();
        let builder = builder
            .observer(Named("first", Rc::clone(&log)))
            .observer(Named("second", Rc::clone(&log)));
        builder
            .run(async { spawn(async {}).await })
            .unwrap()
            .unwrap();
        // Of the main task, and of the one it spawned.
        assert_eq!(*log.borrow(), ["first", "second"].repeat(2));
    });
}

#[test]
fn two_tasks_that_bounce_an_item_starve_neither_timers_nor_third_tasks() {
    each_kernel_of_this_machine(|builder| {
        let bounced = builder.run(async {
            let tables = [Queue::bounded(1), Queue::bounded(1)];
            let players: Vec<_> = [(0, 1), (1, 0)]
                .map(|(from, to)| {
                    let (from, to) = (tables[from].clone(), tables[to].clone());
                    spawn(async move {
                        let mut count = 0_u64;
                        loop {
                            let Ok(ball) = from.get().await else {
                                return count;
                            };
                            if to.put(ball).await.is_err() {
                                return count;
                            }
                            count += 1;
                        }
                    })
                })
                .into();
            tables[0].put("ball").await.unwrap();
            for _ in 0..100 {
                yield_now().await.unwrap();
            }
            sleep(ms(2)).await.unwrap();
            tables.iter().for_each(Queue::close);
            let mut counts = Vec::new();
            for player in players {
                player.cancel_nowait();
                counts.push(player.await.unwrap());
            }
            counts
        });
        assert!(bounced.unwrap().into_iter().all(|count| count > 10));
    });
}

#[bibelot::test(uring, poll, sim)]
async fn a_wake_for_a_wait_that_is_over_ends_no_other_wait() {
    let early: Waker = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
    let goes_on = Arc::new(AtomicBool::new(true));
    let flag = goes_on.clone();
    let begin = clock();
    let thread = thread::spawn(move || {
        early.wake_by_ref();
        while flag.load(Ordering::Acquire) {
            early.wake_by_ref();
            thread::yield_now();
        }
    });
    assert!(sleep(ms(5)).await.unwrap() - begin >= ms(5));
    goes_on.store(false, Ordering::Release);
    thread.join().unwrap();
}
