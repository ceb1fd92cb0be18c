//! Panics of user code stay inside, and everything is freed once.
#![cfg(all(not(loom), feature = "std"))]
#![allow(unsafe_code, reason = "implements `Schedule`")]

mod house;

use std::future::{pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bibelot_task::{Aborted, JoinError, PanicPayload, Ran, Runnable, Schedule, Site};
use bibelot_task::{spawn, spawn_joinable, spawn_with};
use house::{Count, Counted, House};

/// Panics when dropped, after it was counted.
struct Loud(#[allow(dead_code, reason = "for its drop")] Counted);

impl Drop for Loud {
    fn drop(&mut self) {
        panic!("loud");
    }
}

/// Panics when woken.
struct Sour;

impl Wake for Sour {
    fn wake(self: Arc<Self>) {
        panic!("sour");
    }
}

#[test]
fn a_panic_in_the_drop_of_an_aborted_future_is_reported() {
    let (house, count) = (House::new(), Count::default());
    let loud = Loud(count.one());
    let (runnable, task) = spawn(async move { drop(loud) }, house.tag());
    assert_eq!(task.abort(), Aborted::Dropped);
    assert_eq!(count.get(), 1);
    assert_eq!(house.reports(), [Site::FutureDrop]);
    assert!(matches!(runnable.run(), Ran::Stale));
}

#[test]
fn a_panic_in_the_drop_of_a_future_that_returned_leaves_the_output() {
    let (house, count) = (House::new(), Count::default());
    let loud = Loud(count.one());
    let future = poll_fn(move |_| {
        let _loud = &loud;
        Poll::Ready(7)
    });
    let (runnable, task) = spawn(future, house.tag());
    assert!(matches!(runnable.run(), Ran::Returned));
    assert_eq!(task.take_output::<i32>().unwrap().unwrap(), 7);
    assert_eq!(count.get(), 1);
    assert_eq!(house.reports(), [Site::FutureDrop]);
}

#[test]
fn a_panic_in_the_poll_and_one_in_the_drop_give_the_first_and_report_the_second() {
    let (house, count) = (House::new(), Count::default());
    let loud = Loud(count.one());
    let future = poll_fn(move |_| -> Poll<()> {
        let _loud = &loud;
        std::panic::panic_any(7_u8);
    });
    let (runnable, task) = spawn(future, house.tag());
    assert!(matches!(runnable.run(), Ran::Panicked));
    let payload = task.take_output::<()>().unwrap().unwrap_err();
    assert_eq!(*payload.downcast::<u8>().unwrap(), 7);
    assert_eq!(house.reports(), [Site::FutureDrop]);
}

#[test]
fn a_panic_in_the_drop_of_an_output_that_nobody_took_is_reported() {
    let (house, count) = (House::new(), Count::default());
    let loud = Loud(count.one());
    let (runnable, task) = spawn(async move { loud }, house.tag());
    assert!(matches!(runnable.run(), Ran::Returned));
    assert_eq!(count.get(), 0);
    drop(task);
    assert_eq!(count.get(), 1);
    // Detached before its end, too.
    let loud = Loud(count.one());
    let (runnable, task) = spawn(async move { loud }, house.tag());
    drop(task);
    assert!(matches!(runnable.run(), Ran::Returned));
    assert_eq!(count.get(), 2);
    assert_eq!(house.reports(), [Site::OutputDrop, Site::OutputDrop]);
    assert_eq!(house.cells(), 0);
}

#[test]
fn a_panic_in_the_drop_of_a_joined_output_is_reported_where_the_handle_was() {
    let (house, count) = (House::new(), Count::default());
    let loud = Loud(count.one());
    let (runnable, task, handle) = spawn_joinable(async move { loud }, house.tag());
    assert!(matches!(runnable.run(), Ran::Returned));
    drop(task);
    std::thread::spawn(move || drop(handle)).join().unwrap();
    assert_eq!(count.get(), 1);
    assert_eq!(house.reports(), [Site::OutputDrop]);
    assert_eq!(house.cells(), 0);
}

#[test]
fn a_panic_of_the_joiner_is_reported() {
    let house = House::new();
    let (runnable, task) = spawn(ready(7), house.tag());
    assert!(task.set_joiner(&Waker::from(Arc::new(Sour))));
    assert!(matches!(runnable.run(), Ran::Returned));
    assert_eq!(task.take_output::<i32>().unwrap().unwrap(), 7);
    let (runnable, task, mut handle) = spawn_joinable(ready(7), house.tag());
    let waker = Waker::from(Arc::new(Sour));
    let mut context = Context::from_waker(&waker);
    assert!(Pin::new(&mut handle).poll(&mut context).is_pending());
    assert!(matches!(runnable.run(), Ran::Returned));
    drop(task);
    assert!(matches!(
        Pin::new(&mut handle).poll(&mut context),
        Poll::Ready(Ok(7))
    ));
    assert_eq!(house.reports(), [Site::Joiner, Site::Joiner]);
}

#[test]
fn a_panic_of_what_builds_the_future_leaves_nothing_behind() {
    let house = House::new();
    let tag = house.tag();
    let spawned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        spawn_with(|| -> std::future::Ready<()> { panic!("no future") }, tag)
    }));
    assert!(spawned.is_err());
    assert_eq!(house.cells(), 0);
}

#[test]
fn a_panicked_task_says_what_with_to_whoever_joins() {
    let house = House::new();
    let future = poll_fn(|_| -> Poll<()> { panic!("at {}", 7) });
    let (runnable, _task, handle) = spawn_joinable(future, house.tag());
    assert!(matches!(runnable.run(), Ran::Panicked));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Err(error)) = pin!(handle).poll(&mut context) else {
        panic!("no error")
    };
    assert_eq!(error.to_string(), "the task panicked: at 7");
    assert!(matches!(error, JoinError::Panicked(_)));
}

/// A scheduler whose every method panics when told to.
struct Wild(Arc<AtomicBool>, std::thread::ThreadId);

// SAFETY: ids of threads are not used again.
unsafe impl Schedule for Wild {
    fn is_home(&self) -> bool {
        std::thread::current().id() == self.1
    }
    fn push(&self, _: Runnable<Self>) {
        panic!("push");
    }
    fn push_foreign(&self, _: Runnable<Self>) {
        panic!("push_foreign");
    }
    fn report(&self, site: Site, _: PanicPayload) {
        assert_eq!(site, Site::Push);
        self.0.store(true, Ordering::SeqCst);
        panic!("report");
    }
}

impl Drop for Wild {
    fn drop(&mut self) {
        panic!("drop of the schedule");
    }
}

#[test]
fn a_scheduler_that_panics_abandons_the_task_and_gets_no_further() {
    let count = Count::default();
    let reported = Arc::new(AtomicBool::new(false));
    let wild = || Wild(reported.clone(), std::thread::current().id());
    let held = count.one();
    let future = async move {
        let _held = held;
        pending::<()>().await;
    };
    let (runnable, task) = spawn(future, wild());
    assert!(matches!(runnable.run(), Ran::Parked));
    task.wake();
    assert!(reported.swap(false, Ordering::SeqCst));
    assert!(task.is_ended());
    assert_eq!(count.get(), 1);
    drop(task);

    let held = count.one();
    let future = async move {
        let _held = held;
        pending::<()>().await;
    };
    let (runnable, task) = spawn(future, wild());
    assert!(matches!(runnable.run(), Ran::Parked));
    let waker = task.waker();
    std::thread::spawn(move || waker.wake()).join().unwrap();
    assert!(reported.swap(false, Ordering::SeqCst));
    assert!(!task.is_ended());
    assert_eq!(count.get(), 1);
    assert_eq!(task.abort(), Aborted::Dropped);
    assert_eq!(count.get(), 2);
}
