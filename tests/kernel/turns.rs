//! Turns: order, budget, interludes, wakes from other threads.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use bibelot::{
    Kernel, TaskBuilder, TcpListener, TcpStream, clock, sleep, sleep_until, spawn, yield_now,
};

#[bibelot::test(uring, poll)]
async fn a_task_that_yields_runs_after_everything_that_was_ready() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let tasks: Vec<_> = (0..3)
        .map(|number| {
            let log = log.clone();
            spawn(async move {
                for round in 0..3 {
                    log.borrow_mut().push((round, number));
                    yield_now().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut sorted = log.borrow().clone();
    sorted.sort_unstable();
    assert_eq!(*log.borrow(), sorted);
}

#[bibelot::test(uring, poll, sim)]
async fn sleepers_wake_in_the_order_of_their_deadlines() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let tasks: Vec<_> = [3, 1, 2]
        .map(|number| {
            let log = log.clone();
            spawn(async move {
                sleep(Duration::from_millis(5 * number)).await.unwrap();
                log.borrow_mut().push(number);
            })
        })
        .into();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*log.borrow(), [1, 2, 3]);
}

/// A task that is always ready leaves a turn nothing to wait for; what comes from elsewhere is seen all the same.
#[bibelot::test(uring, poll)]
async fn who_never_waits_keeps_nothing_out() {
    async fn give_way_until(is_over: impl Fn() -> bool) {
        while !is_over() {
            yield_now().await.unwrap();
        }
    }
    let sleeper = spawn(sleep(Duration::from_millis(3)));
    give_way_until(|| sleeper.is_finished()).await;
    sleeper.await.unwrap().unwrap();

    let told = bibelot::universal::Event::new();
    let teller = std::thread::spawn({
        let told = told.clone();
        move || {
            std::thread::sleep(Duration::from_millis(3));
            told.set();
        }
    });
    let waiter = spawn(async move { told.wait().await });
    give_way_until(|| waiter.is_finished()).await;
    waiter.await.unwrap().unwrap();
    teller.join().unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut caller = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (mut called, _) = listener.accept().await.unwrap();
    let reader = spawn(async move {
        let mut byte = [0];
        called.read(&mut byte).await.map(|_| byte)
    });
    yield_now().await.unwrap();
    caller.write(b"x").await.unwrap();
    give_way_until(|| reader.is_finished()).await;
    assert_eq!(reader.await.unwrap().unwrap(), *b"x");

    let job = spawn(bibelot::run_in_thread(|| {
        std::thread::sleep(Duration::from_millis(3));
    }));
    give_way_until(|| job.is_finished()).await;
    job.await.unwrap().unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn no_sleep_ends_early_and_the_longest_spans_are_fine() {
    let begin = clock();
    let woke = sleep(Duration::from_millis(2)).await.unwrap();
    assert!(woke - begin >= Duration::from_millis(2));
    sleep_until(begin).await.unwrap();
    let forever = spawn(sleep(Duration::MAX));
    yield_now().await.unwrap();
    assert!(!forever.is_finished());
    forever.cancel().await.unwrap();
}

#[bibelot::test(uring, poll)]
async fn a_task_that_yields_for_ever_starves_no_timer() {
    let stop = Rc::new(Cell::new(false));
    let flag = stop.clone();
    let busy = spawn(async move {
        while !flag.get() {
            yield_now().await.unwrap();
        }
    });
    sleep(Duration::from_millis(2)).await.unwrap();
    stop.set(true);
    busy.await.unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn operations_that_never_park_give_way_after_a_budget() {
    // A task whose operations are always ready would never come back to the kernel by itself.
    let ended = spawn(async {});
    ended.wait().await.unwrap();
    let others_ran = Rc::new(Cell::new(false));
    let flag = others_ran.clone();
    spawn(async move { flag.set(true) }).detach();
    let mut waits = 0;
    while !others_ran.get() {
        ended.wait().await.unwrap();
        waits += 1;
        assert!(waits < 1000, "nobody else got a turn");
    }
    assert!(waits >= 100, "but a ready operation is free: {waits}");
}

#[bibelot::test(uring, poll)]
async fn wakes_from_other_threads_are_never_lost() {
    for _ in 0..200 {
        let flag = Arc::new(AtomicBool::new(false));
        let seen = flag.clone();
        let mut thread = None;
        std::future::poll_fn(move |context| {
            if seen.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            let (flag, waker): (_, Waker) = (flag.clone(), context.waker().clone());
            thread.get_or_insert_with(|| {
                std::thread::spawn(move || {
                    flag.store(true, Ordering::Release);
                    waker.wake();
                })
            });
            Poll::Pending
        })
        .await;
    }
}

#[bibelot::test(uring, poll)]
async fn tasks_woken_from_many_threads_all_run() {
    let wakers: Arc<std::sync::Mutex<Vec<Waker>>> = Arc::default();
    let go = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (wakers, go) = (wakers.clone(), go.clone());
            spawn(std::future::poll_fn(move |context| {
                if go.load(Ordering::Acquire) {
                    return Poll::Ready(());
                }
                wakers.lock().unwrap().push(context.waker().clone());
                Poll::Pending
            }))
        })
        .collect();
    yield_now().await.unwrap();
    go.store(true, Ordering::Release);
    let mut parts: Vec<Vec<Waker>> = (0..4).map(|_| Vec::new()).collect();
    for (index, waker) in wakers.lock().unwrap().drain(..).enumerate() {
        parts[index % 4].push(waker);
    }
    let threads: Vec<_> = parts
        .into_iter()
        .map(|part| std::thread::spawn(move || part.into_iter().for_each(Waker::wake)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_scheduler_given_by_value_decides_the_order() {
    use bibelot_sched::{Scheduler, Wake};

    /// Last in, first out: the shortest scheduler that is not the default.
    struct Lifo<T>(Vec<T>);
    impl<T> Scheduler<T> for Lifo<T> {
        fn push(&mut self, item: T, _why: Wake) {
            self.0.push(item);
        }
        fn pop(&mut self) -> Option<T> {
            self.0.pop()
        }
        fn len(&self) -> usize {
            self.0.len()
        }
    }
    let log = Rc::new(RefCell::new(Vec::new()));
    let mut kernel = Kernel::builder()
        .scheduler(Lifo(Vec::new()))
        .build()
        .unwrap();
    kernel.block_on(async {
        let tasks: Vec<_> = (0..3)
            .map(|number| {
                let log = log.clone();
                spawn(async move { log.borrow_mut().push(number) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(*log.borrow(), [2, 1, 0]);
}

#[test]
fn an_idle_kernel_makes_no_turn() {
    let mut kernel = Kernel::new().unwrap();
    kernel.block_on(async {
        for _ in 0..100 {
            TaskBuilder::new()
                .spawn(std::future::pending::<()>())
                .detach();
        }
        yield_now().await.unwrap();
    });
    let before = kernel.counters().turns;
    kernel.block_on(sleep(Duration::from_millis(50))).unwrap();
    let turns = kernel.counters().turns - before;
    assert!(turns <= 6, "{turns} turns for one sleep");
}

/// A waker whose every function uses the kernel.
mod hostile {
    use std::sync::Arc;
    use std::task::{Wake, Waker};

    pub struct Meddler(pub Waker);

    fn meddle() {
        if bibelot::is_running() {
            bibelot::spawn(async {}).detach();
            let _ = bibelot::clock();
        }
    }

    impl Wake for Meddler {
        fn wake(self: Arc<Self>) {
            meddle();
            self.0.wake_by_ref();
        }
    }

    impl Drop for Meddler {
        fn drop(&mut self) {
            meddle();
        }
    }
}

#[bibelot::test(uring, poll, sim)]
async fn wakers_that_use_the_kernel_find_it_free() {
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;

    let target = spawn(sleep(Duration::from_secs(3600)));
    for _ in 0..3 {
        let mut slept = pin!(sleep(Duration::from_millis(1)));
        let mut ended = pin!(target.wait());
        let mut limited = pin!(bibelot::timeout_after(
            Duration::from_millis(1),
            sleep(Duration::from_secs(3600))
        ));
        std::future::poll_fn(|context| {
            // A new waker for every poll: each is cloned, woken and dropped somewhere inside.
            let waker = Waker::from(Arc::new(hostile::Meddler(context.waker().clone())));
            let mut inner = Context::from_waker(&waker);
            let _ = ended.as_mut().poll(&mut inner);
            let slept = slept.as_mut().poll(&mut inner).is_ready();
            let limited = limited.as_mut().poll(&mut inner).is_ready();
            if slept || limited {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
    target.cancel().await.unwrap();
}
