//! Traps and handles where they do not belong: polled after their end, moved between tasks, kernels and
//! threads, under executors that are not ours, and after their kernel.

#![allow(
    clippy::async_yields_async,
    reason = "futures are what is moved about here"
)]

use std::future::{Future, poll_fn};
use std::net::Ipv4Addr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use bibelot::{
    AsCancelled, Backend, CancelScope, Kernel, Server, Task, TaskError, TcpListener, TcpStream,
    sleep, spawn, timeout_after, timeout_drop, yield_now,
};
use bibelot_kernel::io::{call, operate};
use bibelot_kernel::{Sleep, WaitEnd, YieldNow};
use bibelot_reactor::{Call, Op};

use crate::run::on_each;

fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Polls once with a waker that does nothing.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

#[test]
fn handles_and_futures_are_send() {
    fn is_send<T: Send>() {}
    fn value_is_send<T: Send>(value: T) -> T {
        value
    }
    // Whatever the value is.
    is_send::<Task<std::rc::Rc<()>>>();
    is_send::<bibelot::TaskName>();
    is_send::<WaitEnd>();
    is_send::<Sleep>();
    is_send::<YieldNow>();
    is_send::<CancelScope>();
    is_send::<bibelot::KernelHandle>();
    is_send::<bibelot::RecordReader>();
    is_send::<TcpListener>();
    is_send::<TcpStream>();
    is_send::<Server>();
    is_send::<bibelot::Cancelled>();
    is_send::<bibelot::Error>();
    is_send::<bibelot::TaskGroup<u8, bibelot::Error>>();
    is_send::<bibelot::Group<u8, bibelot::Error>>();
    is_send::<bibelot::Member<u8, bibelot::Error>>();
    drop(value_is_send(timeout_after(
        Duration::ZERO,
        sleep(Duration::ZERO),
    )));
    drop(value_is_send(timeout_drop(
        Duration::ZERO,
        std::future::pending::<u8>(),
    )));
    drop(value_is_send(TcpStream::connect("127.0.0.1:1")));
    drop(value_is_send(TcpListener::bind("127.0.0.1:0")));
    drop(value_is_send(bibelot::gather([sleep(Duration::ZERO)])));
    drop(value_is_send(bibelot::shield(sleep(Duration::ZERO))));
    drop(value_is_send(CancelScope::new().run(sleep(Duration::ZERO))));
}

#[test]
fn handles_of_an_ended_kernel_mean_nothing_to_the_next_one_on_its_thread() {
    on_each(|builder| {
        let mut kernel = builder.build().unwrap();
        let mut slept = sleep(Duration::from_secs(3600));
        let (old, mut join, name, mut wait, listener) = kernel.block_on(async {
            let task = spawn(sleep(Duration::from_secs(3600)));
            yield_now().await.unwrap();
            assert!(poll(&mut slept).is_pending());
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let mut join = task.join();
            assert!(poll(&mut join).is_pending());
            let mut wait = task.wait();
            assert!(poll(&mut wait).is_pending());
            let name = task.name_it();
            (task, join, name, wait, listener)
        });
        let old_id = kernel.id();
        drop(kernel);

        let mut kernel = Kernel::builder().backend(Backend::Poll).build().unwrap();
        assert_ne!(kernel.id(), old_id);
        kernel.block_on(async {
            // The same slots, with other tenants.
            let same_slot = spawn(sleep(Duration::from_secs(3600)));
            let mut same_timer = sleep(Duration::from_secs(3600));
            assert!(poll(&mut same_timer).is_pending());
            let same_object = TcpListener::bind("127.0.0.1:0").await.unwrap();
            yield_now().await.unwrap();

            old.cancel_nowait();
            old.abort();
            name.interrupt();
            assert!(name.info().is_none());
            assert!(matches!(old.try_take(), Some(Err(TaskError::WrongKernel))));
            assert!(matches!(
                poll(&mut join),
                Poll::Ready(Err(TaskError::WrongKernel))
            ));
            assert!(poll(&mut wait).is_ready());
            let accepted = listener.accept().await;
            assert!(matches!(
                bibelot::Error::from(accepted.unwrap_err()),
                bibelot::Error::WrongKernel
            ));
            assert!(listener.local_addr().is_err());
            let polled = catch_unwind(AssertUnwindSafe(|| poll(&mut slept)));
            assert!(polled.is_err(), "a sleep belongs to its kernel");
            drop((old, join, wait, listener, slept));

            yield_now().await.unwrap();
            assert!(!same_slot.is_finished());
            assert!(same_object.local_addr().is_ok());
            assert!(poll(&mut same_timer).is_pending());
            same_slot.cancel().await.unwrap();
        });
        drop(kernel);
    });
}

#[test]
fn a_wait_for_tasks_of_another_kernel_does_not_wait() {
    on_each(|builder| {
        let mut kernel = builder.build().unwrap();
        let tasks = kernel.block_on(async {
            let tasks = [(); 3].map(|()| spawn(sleep(Duration::from_secs(3600))));
            yield_now().await.unwrap();
            tasks
        });
        drop(kernel);
        Kernel::builder()
            .backend(Backend::Poll)
            .run(async {
                let here = spawn(yield_now());
                let all = tasks.into_iter().chain([]);
                let (done, pending) = bibelot::wait(all, bibelot::AllCompleted).await.unwrap();
                assert_eq!((done.len(), pending.len()), (3, 0));
                for task in done {
                    assert!(matches!(task.await, Err(TaskError::WrongKernel)));
                }
                let (done, _) = bibelot::wait([here], bibelot::FirstCompleted)
                    .await
                    .unwrap();
                done.into_iter().next().unwrap().await.unwrap().unwrap();
            })
            .unwrap();
    });
}

#[test]
fn what_needs_no_kernel_works_under_other_executors() {
    let event = bibelot::Event::new();
    let queue = bibelot::Queue::bounded(1);
    futures_executor(async {
        let (_, got) = bibelot::join((
            async {
                event.wait().await.unwrap();
                queue.put(7).await.unwrap();
            },
            async {
                yield_now().await.unwrap();
                event.set();
                bibelot::shield(queue.get()).await.unwrap()
            },
        ))
        .await;
        assert_eq!(got, 7);
        let many = bibelot::gather((0..40).map(|_| yield_now())).await;
        assert!(many.iter().all(Result::is_ok));
        bibelot::cancellable(yield_now()).await.unwrap().unwrap();
    });
    // What does need one says so.
    let needs = |poll: &dyn Fn()| {
        let payload = catch_unwind(AssertUnwindSafe(poll)).unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.contains("needs a bibelot kernel"), "{message}");
    };
    needs(&|| drop(poll(&mut sleep(Duration::ZERO))));
    needs(&|| drop(poll(&mut timeout_after(Duration::ZERO, yield_now()))));
    needs(&|| spawn(async {}).detach());
    needs(&|| drop(poll(&mut Box::pin(TcpListener::bind("127.0.0.1:0")))));
}

#[test]
fn another_executor_inside_a_task_polls_traps_with_a_waker_of_its_own() {
    on_each(|builder| {
        builder
            .run(async {
                let task = spawn(async {
                    futures_executor(async {
                        for _ in 0..200 {
                            yield_now().await.unwrap();
                        }
                    });
                    bibelot::current().cancel_nowait();
                    futures_executor(async { yield_now().await.is_err() })
                });
                assert!(task.await.unwrap(), "it hears of a cancel there, too");
            })
            .unwrap();
    });
}

/// The plainest executor: it polls, and parks its thread until it is woken.
fn futures_executor<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// A backend that builds a kernel of its own while it is built.
struct Nesting;

impl bibelot_kernel::Backend for Nesting {
    fn build(self: Box<Self>) -> std::io::Result<bibelot_kernel::World> {
        let inner = Kernel::builder().backend(Backend::Poll).build()?;
        INNER.set(Some(inner));
        Box::new(Backend::Poll).build()
    }
}

thread_local! {
    static INNER: std::cell::Cell<Option<Kernel>> = const { std::cell::Cell::new(None) };
}

#[test]
fn a_kernel_built_while_another_is_built_is_the_only_one() {
    thread::spawn(|| {
        let error = Kernel::builder().backend(Nesting).build().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        let mut inner = INNER.take().unwrap();
        let value = inner.block_on(async { spawn(async { 7 }).await.unwrap() });
        assert_eq!(value, 7);
    })
    .join()
    .unwrap();
}

#[test]
fn a_sleep_that_was_due_on_its_own_kernel_is_not_due_on_another() {
    let mut kernel = Kernel::builder().backend(Backend::Poll).build().unwrap();
    let mut slept = sleep(Duration::from_micros(1));
    kernel.block_on(async { assert!(poll(&mut slept).is_pending()) });
    drop(kernel);
    thread::sleep(Duration::from_millis(2));
    let mut kernel = Kernel::builder().backend(Backend::Poll).build().unwrap();
    kernel.block_on(async {
        thread::sleep(Duration::from_millis(2));
        yield_now().await.unwrap();
        let polled = catch_unwind(AssertUnwindSafe(|| poll(&mut slept)));
        assert!(polled.is_err(), "its time is not this kernel's");
    });
}

#[test]
fn an_operation_on_another_kernel_says_so_and_does_not_wait() {
    on_each(|builder| {
        let mut kernel = builder.build().unwrap();
        let mut operation = kernel.block_on(async {
            let listener = call(Call::Listen {
                address: (Ipv4Addr::LOCALHOST, 0).into(),
                how: bibelot_reactor::ListenHow::default(),
            })
            .unwrap()
            .into_fd()
            .unwrap();
            let mut accept = operate(Op::Accept {
                listener,
                many: false,
            });
            assert!(poll(&mut accept).is_pending());
            accept
        });
        let elsewhere = thread::spawn(move || {
            // Without a kernel, and then under another one.
            let mut kernel = Kernel::builder().backend(Backend::Poll).build().unwrap();
            kernel.block_on(async move {
                let (result, _) = (&mut operation).await.unwrap();
                assert!(result.is_err());
            });
        });
        elsewhere.join().unwrap();
        drop(kernel);
    });
}

#[test]
fn a_draining_operation_moved_away_ends() {
    on_each(|builder| {
        let mut kernel = builder.build().unwrap();
        let mut operation = kernel.block_on(async {
            let listener = call(Call::Listen {
                address: (Ipv4Addr::LOCALHOST, 0).into(),
                how: bibelot_reactor::ListenHow::default(),
            })
            .unwrap()
            .into_fd()
            .unwrap();
            let mut accept = operate(Op::Accept {
                listener,
                many: false,
            });
            let task = spawn(async move {
                poll_fn(|context| {
                    let polled = Pin::new(&mut accept).poll(context);
                    // Stolen while it drains: the cancel has been asked for.
                    match bibelot::current().was_cancelled() {
                        true => Poll::Ready(polled.is_pending()),
                        false => Poll::Pending,
                    }
                })
                .await;
                accept
            });
            yield_now().await.unwrap();
            task.cancel_nowait();
            task.await.unwrap()
        });
        thread::spawn(move || {
            let mut kernel = Kernel::builder().backend(Backend::Poll).build().unwrap();
            kernel.block_on(async move {
                let _ended = poll_fn(|context| {
                    Poll::Ready(catch_unwind(AssertUnwindSafe(|| {
                        poll_with(&mut operation, context.waker())
                    })))
                })
                .await;
            });
        })
        .join()
        .unwrap();
        drop(kernel);
    });
}

#[test]
fn a_trap_goes_from_task_to_task_and_from_arm_to_arm() {
    on_each(|builder| {
        builder
            .run(async {
                let event = bibelot::Event::new();
                let mut slept = sleep(Duration::from_millis(5));
                let first = spawn(async move {
                    assert!(
                        poll_fn(|c| Poll::Ready(Pin::new(&mut slept).poll(c)))
                            .await
                            .is_pending()
                    );
                    slept
                });
                let mut slept = first.await.unwrap();
                // Into an arm of a join, polled with a waker of its own under `gather`.
                assert!(
                    poll_fn(|c| {
                        let mut set = pin!(bibelot::gather(vec![&mut slept]));
                        Poll::Ready(set.as_mut().poll(c).is_pending())
                    })
                    .await
                );
                let second = spawn(async move {
                    let cut = timeout_after(Duration::ZERO, &mut slept).await;
                    assert!(cut.unwrap_err().timed_out());
                    slept
                });
                // It has returned; what is left of it can be dropped anywhere.
                let slept = second.await.unwrap();
                thread::spawn(move || drop(slept)).join().unwrap();
                event.set();
                event.wait().await.unwrap();
            })
            .unwrap();
    });
}

#[test]
fn parked_traps_dropped_on_another_thread_leave_nothing_behind() {
    on_each(|builder| {
        builder
            .run(async {
                let target = spawn(sleep(Duration::from_secs(3600)));
                let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
                for _ in 0..100 {
                    let mut slept = sleep(Duration::from_secs(3600));
                    let mut limited =
                        timeout_after(Duration::from_secs(3600), sleep(Duration::from_secs(3600)));
                    let mut wait = target.wait();
                    let mut accept = listener.accept();
                    let nothing = Arc::new(Nothing);
                    let waker = Waker::from(nothing.clone());
                    assert!(poll_with(&mut slept, &waker).is_pending());
                    assert!(
                        pin!(&mut limited)
                            .poll(&mut Context::from_waker(&waker))
                            .is_pending()
                    );
                    assert!(poll_with(&mut wait, &waker).is_pending());
                    assert!(
                        poll_with(&mut accept, &waker).is_pending(),
                        "the place is free again"
                    );
                    thread::spawn(move || drop((slept, limited, wait, accept)))
                        .join()
                        .unwrap();
                    yield_now().await.unwrap();
                    drop(waker);
                    assert_eq!(Arc::strong_count(&nothing), 1, "all clones are gone");
                }
                target.cancel().await.unwrap();
            })
            .unwrap();
    });
}

/// A waker that does nothing; its clones can be counted.
struct Nothing;

impl Wake for Nothing {
    fn wake(self: Arc<Self>) {}
}
