//! Runs in which nothing will ever happen.

use std::io;
use std::thread;
use std::time::Duration;

use bibelot::{
    Backend, Builder, Deadlock, Event, Kernel, Queue, RunError, TaskBuilder, TcpListener, sleep,
    spawn, yield_now,
};
use bibelot_sim::Sim;

const SPAN: Duration = Duration::from_millis(20);

fn each_kernel(test: impl Fn(Builder)) {
    for backend in [Backend::Uring, Backend::Poll] {
        match Kernel::builder().backend(backend).build() {
            Ok(kernel) => drop(kernel),
            Err(error) => {
                eprintln!("skipped on {backend:?}: {error}");
                continue;
            }
        }
        test(Kernel::builder().backend(backend).deadlock_after(SPAN));
    }
    test(Kernel::builder().backend(Sim::calm()).deadlock_after(SPAN));
}

#[test]
fn a_deadlock_of_tasks_is_an_error_that_names_them_and_the_kernel_goes_on() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let (left, right) = (Queue::<u8>::bounded(1), Queue::<u8>::bounded(1));
        let (take, give) = (right.clone(), left.clone());
        let ended = kernel.try_block_on(async move {
            let other = TaskBuilder::new().name("other").spawn(async move {
                let item = take.get().await?;
                give.put(item).await?;
                bibelot::Ok(())
            });
            // Each waits for the other to begin.
            let item = left.get().await?;
            right.put(item).await?;
            other.await??;
            bibelot::Ok(())
        });
        let error = ended.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Deadlock);
        let deadlock: &Deadlock = error.get_ref().unwrap().downcast_ref().unwrap();
        assert_eq!(deadlock.tasks.len(), 2);
        let text = error.to_string();
        for said in [
            "\"main\": queue get at ",
            "\"other\": queue get at ",
            "deadlock.rs:",
        ] {
            assert!(text.contains(said), "{text}");
        }
        assert_eq!(kernel.block_on(async { 7 }), 7);
        let again = kernel.try_block_on(std::future::pending::<()>());
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::Deadlock);
        assert!(kernel.shutdown().is_clean());
    });
}

#[test]
fn what_is_under_way_is_no_deadlock() {
    each_kernel(|builder| {
        let ran = builder.try_run(async {
            // A timer that is longer than the span.
            sleep(5 * SPAN).await.unwrap();
            yield_now().await.unwrap();
        });
        assert!(ran.is_ok(), "{ran:?}");
    });
    for backend in [Backend::Uring, Backend::Poll] {
        let builder = Kernel::builder().backend(backend).deadlock_after(SPAN);
        let ran = builder.try_run(async {
            // Somebody may connect, and a job is not over.
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let job = spawn(bibelot::run_in_thread(|| thread::sleep(5 * SPAN)));
            job.await??;
            drop(listener);
            bibelot::Ok(())
        });
        match ran {
            Err(RunError::NoKernel(error)) => eprintln!("skipped on {backend:?}: {error}"),
            ran => ran.unwrap().unwrap(),
        }
    }
}

#[test]
fn a_wake_from_another_thread_within_the_span_is_waited_for() {
    for backend in [Backend::Uring, Backend::Poll] {
        let builder = Kernel::builder().backend(backend);
        let ran = builder
            .deadlock_after(Duration::from_secs(60))
            .try_run(async {
                let event = Event::new();
                let waited = spawn({
                    let event = event.clone();
                    async move { event.wait().await }
                });
                let (send, receive) = std::sync::mpsc::channel::<std::task::Waker>();
                let waking = thread::spawn(move || {
                    let waker = receive.recv().unwrap();
                    thread::sleep(SPAN);
                    waker.wake();
                });
                let mut is_first = true;
                std::future::poll_fn(|context| {
                    if std::mem::take(&mut is_first) {
                        send.send(context.waker().clone()).unwrap();
                        std::task::Poll::Pending
                    } else {
                        std::task::Poll::Ready(())
                    }
                })
                .await;
                waking.join().unwrap();
                event.set();
                waited.await.unwrap().unwrap();
            });
        if let Err(RunError::NoKernel(error)) = &ran {
            eprintln!("skipped on {backend:?}: {error}");
        } else {
            ran.unwrap();
        }
    }
}

#[test]
fn try_run_gives_a_deadlock_as_such() {
    let builder = Kernel::builder().backend(Sim::calm());
    let ended = builder.deadlock_after(SPAN).try_run(async {
        Event::new().wait().await.unwrap();
    });
    let Err(RunError::Deadlock(deadlock)) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(deadlock.tasks.len(), 1);
}

#[test]
fn a_simulated_world_knows_a_deadlock_by_itself_and_the_kernel_names_the_tasks() {
    let ended = Kernel::builder().backend(Sim::new(7)).try_run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let accepting = TaskBuilder::new().name("accepting");
        let accepting = accepting.spawn(async move { listener.accept().await.map(drop) });
        accepting.await.unwrap().unwrap();
    });
    let Err(RunError::Deadlock(deadlock)) = ended else {
        panic!("{ended:?}");
    };
    let text = deadlock.to_string();
    for said in [
        "1 Accept waits",
        "\"main\": join at ",
        "\"accepting\": accept at ",
    ] {
        assert!(text.contains(said), "{text}");
    }
}
