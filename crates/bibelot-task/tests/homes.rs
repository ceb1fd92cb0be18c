//! Homes end; wakers, handles and names outlive them.
#![cfg(not(loom))]

mod house;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use bibelot_task::{Aborted, JoinError, Ran, spawn, spawn_joinable};
use house::{Count, House};

#[test]
fn the_end_of_a_home_drops_the_future_and_the_last_waker_frees_the_cell_anywhere() {
    let (house, count) = (House::new(), Count::default());
    let held = Rc::new(count.one());
    let future = async move {
        let _held = held;
        pending::<()>().await;
    };
    let (runnable, task) = spawn(future, house.tag());
    assert!(matches!(runnable.run(), Ran::Parked));
    let (here, there) = (task.waker(), task.waker());
    let second = task.clone();
    assert_eq!(task.end_home(), Aborted::Dropped);
    assert_eq!(count.get(), 1);
    assert!(second.is_ended());
    let post = house.post.clone();
    drop(house);

    let next = House::new();
    here.wake_by_ref();
    drop(here.clone());
    drop(here);
    assert_eq!(second.end_home(), Aborted::HadEnded);
    assert_eq!(post.cells.load(Ordering::SeqCst), 1);
    thread::spawn(move || drop(there)).join().unwrap();
    assert_eq!(post.cells.load(Ordering::SeqCst), 0);
    assert_eq!(next.waiting(), 0);
}

#[test]
fn ten_thousand_homes_leave_nothing_to_wakers_that_live_longer() {
    const HOMES: usize = 10_000;
    let cells = Count::default();
    let futures = Count::default();
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (sender, receiver) = mpsc::sync_channel::<Waker>(64);
            let stop = stop.clone();
            let worker = thread::spawn(move || {
                // The last hundred are kept: they are from homes long gone.
                let mut old = VecDeque::new();
                for (turn, waker) in receiver.into_iter().enumerate() {
                    if turn % 3 == 0 {
                        waker.wake_by_ref();
                    }
                    old.push_back(waker.clone());
                    old.push_back(waker);
                    if old.len() > 100 {
                        old.pop_front().unwrap().wake();
                        drop(old.pop_front());
                    }
                    let middle: &Waker = &old[old.len() / 2];
                    drop(middle.clone());
                    middle.wake_by_ref();
                }
                assert!(stop.load(Ordering::SeqCst), "the homes went first");
            });
            (sender, worker)
        })
        .collect();
    for life in 0..HOMES {
        let house = House::new();
        let mut tasks = Vec::new();
        for n in 0..4 {
            let held = futures.one();
            let sender = workers[n % 2].0.clone();
            let future = poll_fn(move |cx| {
                let _held = &held;
                sender.send(cx.waker().clone()).unwrap();
                if n == 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            });
            let (runnable, task) = spawn(future, house.tag_counting(&cells));
            match runnable.run() {
                Ran::Returned if n == 0 => drop(task),
                Ran::Parked => tasks.push(task),
                ran => panic!("{ran:?}"),
            }
        }
        house.run_some(3);
        for (n, task) in tasks.into_iter().enumerate() {
            // Some are left to go on, as long as somebody can wake them: then they are dropped.
            if n == 2 && life % 2 == 0 {
                drop(task.waker());
            }
            let _ = task.end_home();
        }
        drop(house);
        assert_eq!(futures.get(), 4 * (life + 1));
    }
    stop.store(true, Ordering::SeqCst);
    for (sender, worker) in workers {
        drop(sender);
        worker.join().unwrap();
    }
    assert_eq!(cells.get(), 4 * HOMES);
}

#[test]
fn a_task_runs_only_at_home() {
    let house = House::new();
    let (runnable, task) = spawn(async {}, house.tag());
    let refused = thread::spawn(move || runnable.run()).join();
    let message = *refused.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(
        message,
        "a task runs only at its home, and this is not it, or not any more"
    );
    // Its one runnable is gone, and nobody may drop the future but this thread.
    assert!(!task.is_ended());
    task.wake();
    assert_eq!(house.waiting(), 0);
    assert_eq!(task.abort(), Aborted::Dropped);
}

#[test]
#[should_panic = "a task is spawned at its home, and this is not it"]
fn a_task_is_spawned_only_at_home() {
    let tag = House::new().tag();
    let _ = spawn(async {}, tag);
}

#[test]
fn a_runnable_dropped_at_home_abandons_its_task() {
    let (house, count) = (House::new(), Count::default());
    let held = count.one();
    let (runnable, task, mut handle) = spawn_joinable(async move { drop(held) }, house.tag());
    drop(runnable);
    assert_eq!(count.get(), 1);
    assert!(task.is_ended());
    let mut context = Context::from_waker(Waker::noop());
    let joined = Pin::new(&mut handle).poll(&mut context);
    assert!(matches!(joined, Poll::Ready(Err(JoinError::Aborted))));
}

#[test]
fn a_detached_task_whose_last_waker_goes_elsewhere_is_dropped_at_home() {
    let (house, count) = (House::new(), Count::default());
    let held = Rc::new(count.one());
    let slot = Rc::new(RefCell::new(None));
    let inner = slot.clone();
    let future = poll_fn(move |cx| {
        let _held = &held;
        *inner.borrow_mut() = Some(cx.waker().clone());
        Poll::<()>::Pending
    });
    let (runnable, task) = spawn(future, house.tag());
    assert!(matches!(runnable.run(), Ran::Parked));
    drop(task);
    let waker = slot.take().unwrap();
    thread::spawn(move || drop(waker)).join().unwrap();
    assert_eq!(count.get(), 0);
    assert!(matches!(house.run(), Some(Ran::Aborted)));
    assert_eq!(count.get(), 1);
    assert_eq!(house.cells(), 0);
}

#[test]
fn a_join_handle_aborts_from_any_thread_and_learns_what_came_of_it() {
    let house = House::new();
    let (runnable, task, mut handle) = spawn_joinable(pending::<()>(), house.tag());
    assert!(matches!(runnable.run(), Ran::Parked));
    let mut handle = thread::spawn(move || {
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut handle).poll(&mut context).is_pending());
        handle.abort();
        handle.abort();
        assert!(!handle.is_ended());
        handle
    })
    .join()
    .unwrap();
    assert_eq!(house.foreign_pushes(), 1);
    assert!(matches!(house.run(), Some(Ran::Aborted)));
    assert!(handle.is_ended());
    let mut context = Context::from_waker(Waker::noop());
    let joined = Pin::new(&mut handle).poll(&mut context);
    assert!(matches!(joined, Poll::Ready(Err(JoinError::Aborted))));
    drop(task);
    assert_eq!(house.cells(), 0);
}

#[test]
fn the_output_of_a_joinable_task_is_the_handles() {
    let house = House::new();
    let (runnable, task, mut handle) = spawn_joinable(async { vec![1, 2] }, house.tag());
    assert!(matches!(runnable.run(), Ran::Returned));
    assert!(task.take_output::<Vec<i32>>().is_none());
    assert_eq!(task.end_home(), Aborted::HadEnded);
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(value)) = Pin::new(&mut handle).poll(&mut context) else {
        panic!()
    };
    assert_eq!(value, [1, 2]);
    assert_eq!(house.cells(), 0);
}

#[test]
fn a_hundred_thousand_wakers_move_between_the_halves_of_the_count() {
    const MANY: usize = 100_000;
    let house = House::new();
    let (runnable, task) = spawn(pending::<()>(), house.tag());
    assert!(matches!(runnable.run(), Ran::Parked));
    let made_here: Vec<_> = (0..MANY).map(|_| task.waker()).collect();
    let one = task.waker();
    let made_there = thread::spawn(move || {
        let clones: Vec<_> = (0..MANY).map(|_| one.clone()).collect();
        drop(made_here);
        clones
    })
    .join()
    .unwrap();
    drop(made_there);
    assert_eq!(house.cells(), 1);
    let _ = task.end_home();
    assert_eq!(house.cells(), 0);
}

#[test]
fn a_join_handle_that_goes_drops_the_waker_it_left() {
    struct Quiet;
    impl std::task::Wake for Quiet {
        fn wake(self: Arc<Self>) {}
    }
    let house = House::new();
    let (runnable, task, mut handle) = spawn_joinable(pending::<()>(), house.tag());
    let quiet = Arc::new(Quiet);
    let waker = Waker::from(quiet.clone());
    assert!(
        Pin::new(&mut handle)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(
        Pin::new(&mut handle)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert_eq!(Arc::strong_count(&quiet), 3);
    let other = Waker::from(quiet.clone());
    let second = Waker::from(Arc::new(Quiet));
    assert!(
        Pin::new(&mut handle)
            .poll(&mut Context::from_waker(&second))
            .is_pending()
    );
    assert_eq!(Arc::strong_count(&quiet), 3);
    assert!(
        Pin::new(&mut handle)
            .poll(&mut Context::from_waker(&other))
            .is_pending()
    );
    drop((waker, other));
    assert_eq!(Arc::strong_count(&quiet), 2);
    drop(handle);
    assert_eq!(Arc::strong_count(&quiet), 1);
    assert!(matches!(runnable.run(), Ran::Parked));
    drop(task);
    assert_eq!(house.cells(), 0);
}
