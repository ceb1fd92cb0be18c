//! UNI: futures of other executors here, and tasks of ours from there.

use std::future::{pending, poll_fn};
use std::io;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use bibelot::bridge::{Handed, run_at, run_on};
use bibelot::universal::Event;
use bibelot::{
    AsCancelled, Cause, Kernel, KernelHandle, TaskError, WorkerError, run_in_thread,
    set_crash_hook, sleep, spawn, timeout_after, try_current, yield_now,
};
use bibelot_sync::block_on;

use crate::{LONG, each_kernel_of_this_machine, ms, on_threads};

/// The smallest executor there is: a thread for each future.
fn somewhere(job: Handed) {
    thread::spawn(|| block_on(job));
}

/// Says that it was dropped, and where.
struct Bell(mpsc::Sender<thread::ThreadId>);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.send(thread::current().id()).ok();
    }
}

#[test]
fn a_future_of_another_executor_is_polled_there_and_awaited_here() {
    on_threads(|| async {
        let home = thread::current().id();
        let mut polls = 0;
        let there = run_on(
            somewhere,
            poll_fn(move |context| {
                assert!(try_current().is_none() && thread::current().id() != home);
                polls += 1;
                context.waker().wake_by_ref();
                match polls {
                    3 => Poll::Ready(polls),
                    _ => Poll::Pending,
                }
            }),
        );
        assert_eq!(there.await?, 3);
        let panics = run_on(somewhere, async { resume_unwind(Box::new("there")) });
        match panics.await.map(|(): ()| ()) {
            Err(WorkerError::Panicked(panic)) => assert_eq!(panic.message(), Some("there")),
            other => panic!("{other:?}"),
        }
        let refused = run_on(drop, pending::<()>()).await;
        assert!(matches!(refused, Err(WorkerError::NoThread(_))));
        Ok(())
    });
}

#[test]
fn whoever_stops_waiting_has_the_future_dropped_where_it_runs() {
    on_threads(|| async {
        for ends in ["cancelled", "dropped", "timed out"] {
            let (tell, told) = mpsc::channel();
            let begun = Event::new();
            let begin = begun.clone();
            let bell = Bell(tell);
            let waits = run_on(somewhere, async move {
                let _bell = bell;
                begin.set();
                pending::<()>().await;
            });
            match ends {
                "timed out" => {
                    let limited = timeout_after(ms(20), waits).await;
                    assert!(limited.unwrap_err().timed_out());
                }
                _ => {
                    let task = spawn(waits);
                    begun.wait().await?;
                    match ends {
                        "cancelled" => {
                            task.cancel().await?;
                            assert!(task.await?.unwrap_err().is_cancelled());
                        }
                        _ => task.abort(),
                    }
                }
            }
            let dropped_on = run_in_thread(move || told.recv().unwrap()).await?;
            assert_ne!(dropped_on, thread::current().id(), "{ends}");
        }
        Ok(())
    });
}

#[test]
fn a_thread_has_a_task_made_at_a_kernel_and_waits_for_it() {
    on_threads(|| async {
        let kernel = KernelHandle::try_current().unwrap();
        let home = thread::current().id();
        let thread = run_in_thread(move || {
            let value = run_at(&kernel, move || async move {
                // What is not `Send` stays there.
                let local = Rc::new(thread::current().id());
                sleep(ms(1)).await.unwrap();
                *local == home
            });
            let panics = run_at(&kernel, || async { resume_unwind(Box::new("at home")) });
            let made: Result<(), _> = panics.wait_blocking();
            let makes_none = run_at(&kernel, || -> std::future::Ready<()> {
                resume_unwind(Box::new("before it"))
            });
            (value.wait_blocking(), made, makes_none.wait_blocking())
        });
        let (value, panics, makes_none) = thread.await?;
        assert!(value?);
        for (panicked, why) in [(panics, "at home"), (makes_none, "before it")] {
            match panicked {
                Err(TaskError::Panicked(panic)) => assert_eq!(panic.message(), Some(why)),
                other => panic!("{other:?}"),
            }
        }
        Ok(())
    });
}

#[test]
fn a_task_of_a_second_kernel_is_cancelled_with_whoever_waits_for_it() {
    each_kernel_of_this_machine(|builder| {
        let (give, given) = mpsc::channel();
        let (stop, stopped) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let second = thread::spawn(move || {
            let mut kernel = Kernel::new().unwrap();
            kernel.block_on(async {
                give.send(KernelHandle::try_current().unwrap()).unwrap();
                while stopped.try_recv().is_err() {
                    sleep(ms(1)).await.unwrap();
                }
            });
            assert!(kernel.shutdown().is_clean());
        });
        let there: KernelHandle = given.recv().unwrap();
        let kernel = there.clone();
        builder
            .run(async move {
                let begun = Event::new();
                let works = |tell: mpsc::Sender<bool>, begun: Event| {
                    move || async move {
                        begun.set();
                        let cut = sleep(LONG).await.unwrap_err();
                        sleep(ms(1)).await.unwrap();
                        tell.send(matches!(cut.cause(), Cause::Task)).unwrap();
                    }
                };
                let waits = spawn(run_at(&kernel, works(tell.clone(), begun.clone())));
                begun.wait().await.unwrap();
                waits.cancel_nowait();
                let ended = waits.await.unwrap();
                assert!(matches!(ended, Err(TaskError::Interrupted(_))));
                // Dropped before the kernel came to it or after, it ends there either way.
                drop(run_at(&kernel, works(tell.clone(), Event::new())));
                let begun = Event::new();
                let begin = begun.clone();
                let asked = run_at(&kernel, || async move {
                    begin.set();
                    sleep(LONG).await.is_err()
                });
                begun.wait().await.unwrap();
                asked.cancel_nowait();
                assert!(asked.await.unwrap());
                run_at(&kernel, || async {}).detach();
            })
            .unwrap();
        assert!(told.recv().unwrap());
        stop.send(()).unwrap();
        second.join().unwrap();
        let gone = run_at(&there, || async {}).wait_blocking();
        assert!(matches!(gone, Err(TaskError::Aborted)));
    });
}

#[test]
fn a_task_from_outside_ends_with_its_kernel() {
    each_kernel_of_this_machine(|builder| {
        let mut kernel = builder.build().unwrap();
        let handle = kernel.handle();
        let waits = thread::spawn(move || {
            run_at(&handle, || async { sleep(LONG).await.is_err() }).wait_blocking()
        });
        while kernel.live_tasks() == 0 {
            kernel.turn().unwrap();
        }
        kernel.block_on(yield_now()).unwrap();
        assert!(kernel.shutdown().is_clean());
        assert!(waits.join().unwrap().unwrap());
    });
}

/// What the crash hook is told next, and whether of a task.
async fn told_of(told: &mpsc::Receiver<(String, bool)>) -> (String, bool) {
    for _ in 0..60_000 {
        if let Ok(crash) = told.try_recv() {
            return crash;
        }
        sleep(ms(1)).await.unwrap();
    }
    panic!("nobody was told");
}

#[test]
fn what_fails_when_nobody_waits_any_more_is_told_to_the_crash_hook() {
    let (tell, told) = mpsc::channel();
    set_crash_hook(move |crash| {
        if crash.message.contains("alone") {
            tell.send((crash.message.to_owned(), crash.task.is_some()))
                .ok();
        }
    });
    on_threads(async || {
        let kernel = KernelHandle::try_current().unwrap();
        let panics = || resume_unwind(Box::new("alone"));
        run_at(&kernel, async move || {
            yield_now().await.unwrap();
            panics()
        })
        .detach();
        assert!(told_of(&told).await.1, "it is known which task it was");
        let left = run_at(&kernel, async || {
            let _told = sleep(LONG).await.unwrap_err();
            Err::<(), _>(io::Error::other("failed alone"))
        });
        let left = spawn(left);
        yield_now().await?;
        left.cancel().await?;
        assert_eq!(told_of(&told).await.0, "failed alone");
        // What was awaited is nobody else's.
        assert!(run_at(&kernel, async move || panics()).await.is_err());
        yield_now().await?;
        assert!(told.try_recv().is_err());
        Ok(())
    });
}
