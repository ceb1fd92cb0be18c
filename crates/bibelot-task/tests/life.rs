//! The life of a task, at home.
#![cfg(not(loom))]

mod house;

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::rc::Rc;
use std::task::{Poll, Waker};

use bibelot_task::{Aborted, Pool, Ran, is_waker_of, spawn, spawn_in, spawn_joinable};
use house::{Count, House};

#[test]
fn a_task_that_returns_gives_its_output_once() {
    let house = House::new();
    let (runnable, task) = spawn(async { String::from("value") }, house.tag());
    assert!(!task.is_ended());
    assert!(matches!(runnable.run(), Ran::Returned));
    assert!(task.is_ended());
    assert_eq!(task.take_output::<String>().unwrap().unwrap(), "value");
    assert!(task.take_output::<String>().is_none());
    assert_eq!(task.abort(), Aborted::HadEnded);
}

#[test]
fn a_wake_of_a_parked_task_makes_one_runnable() {
    let house = House::new();
    let (runnable, task) = spawn(pending::<()>(), house.tag());
    assert!(matches!(runnable.run(), Ran::Parked));
    task.wake();
    task.waker().wake();
    task.waker().wake_by_ref();
    assert_eq!(house.waiting(), 1);
    assert!(matches!(house.run(), Some(Ran::Parked)));
    assert_eq!(house.pushes(), 1);
}

#[test]
fn a_wake_during_the_poll_comes_out_of_the_run() {
    let house = House::new();
    let mut polls = 0;
    let future = poll_fn(move |cx| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(polls);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    let (runnable, task) = spawn(future, house.tag());
    let Ran::Woken(runnable) = runnable.run() else {
        panic!("not woken")
    };
    let Ran::Woken(runnable) = runnable.run() else {
        panic!("not woken")
    };
    assert!(matches!(runnable.run(), Ran::Returned));
    assert_eq!(task.take_output::<i32>().unwrap().unwrap(), 3);
    assert_eq!(house.pushes(), 0);
}

#[test]
#[cfg(feature = "std")]
fn a_panic_of_the_future_is_its_output() {
    let house = House::new();
    let count = Count::default();
    let held = count.one();
    let future = poll_fn(move |_| -> Poll<()> {
        let _held = &held;
        std::panic::panic_any(7_u8);
    });
    let (runnable, task) = spawn(future, house.tag());
    assert!(matches!(runnable.run(), Ran::Panicked));
    assert_eq!(count.get(), 1);
    let payload = task.take_output::<()>().unwrap().unwrap_err();
    assert_eq!(*payload.downcast::<u8>().unwrap(), 7);
    assert!(house.reports().is_empty());
}

#[test]
fn an_abort_drops_the_future_on_the_spot_and_its_runnable_is_stale() {
    let house = House::new();
    let count = Count::default();
    let held = count.one();
    let (runnable, task) = spawn(async move { drop(held) }, house.tag());
    assert_eq!(task.abort(), Aborted::Dropped);
    assert_eq!(count.get(), 1);
    assert!(task.is_ended());
    assert!(matches!(runnable.run(), Ran::Stale));
    assert!(task.take_output::<()>().is_none());
}

#[test]
fn a_run_that_has_begun_and_is_dropped_abandons_its_task() {
    let house = House::new();
    let count = Count::default();
    let held = count.one();
    let (runnable, task) = spawn(async move { drop(held) }, house.tag());
    let waker = task.waker();
    let running = runnable.begin().expect("it was never polled");
    // A wake meanwhile would be answered after the run.
    waker.wake_by_ref();
    assert_eq!(house.waiting(), 0);
    assert!(!task.is_ended());
    drop(running);
    assert_eq!(count.get(), 1);
    assert!(task.is_ended());
    waker.wake();
    assert_eq!(house.waiting(), 0);
    assert!(task.take_output::<()>().is_none());
}

#[test]
fn a_run_that_has_begun_drops_a_future_whose_end_was_asked_for() {
    let house = House::new();
    let count = Count::default();
    for runs in [true, false] {
        let held = count.one();
        let (runnable, _task, handle) = spawn_joinable(
            async move {
                let _held = held;
            },
            house.tag(),
        );
        handle.abort();
        let before = count.get();
        let running = runnable.begin().expect("there is a future to drop");
        assert_eq!(count.get(), before);
        if runs {
            assert!(matches!(running.run(), Ran::Aborted));
        } else {
            drop(running);
        }
        assert_eq!(count.get(), before + 1);
    }
}

#[test]
fn a_runnable_whose_wake_another_run_has_answered_is_dissolved() {
    let house = House::new();
    let (runnable, task) = spawn(pending::<()>(), house.tag());
    let first = runnable.if_wanted().expect("it was never polled");
    assert!(matches!(first.run(), Ran::Parked));
    for _ in 0..2 {
        house.hidden(|| task.wake());
        task.wake();
        let runnable = house.pop().unwrap().if_wanted().expect("it was woken");
        assert!(matches!(runnable.run(), Ran::Parked));
        assert!(house.pop().unwrap().if_wanted().is_none());
        // It goes on: a wake from either side makes a runnable.
        for is_afar in [true, false] {
            match is_afar {
                true => house.hidden(|| task.wake()),
                false => task.wake(),
            }
            let runnable = house.pop().unwrap().if_wanted().expect("it was woken");
            assert!(matches!(runnable.run(), Ran::Parked));
        }
    }
    assert_eq!(house.waiting(), 0);
    assert!(!task.is_ended());
}

#[test]
fn an_abort_from_inside_the_poll_takes_effect_after_it() {
    let house = House::new();
    let slot = Rc::new(RefCell::new(None));
    let (count, inner) = (Count::default(), slot.clone());
    let held = count.one();
    let seen = count.clone();
    let future = poll_fn(move |_| {
        let task: bibelot_task::TaskRef<_> = inner.take().unwrap();
        assert_eq!(task.abort(), Aborted::AfterPoll);
        assert_eq!(seen.get(), 0);
        inner.replace(Some(task));
        let _held = &held;
        Poll::<()>::Pending
    });
    let (runnable, task) = spawn(future, house.tag());
    slot.replace(Some(task));
    assert!(matches!(runnable.run(), Ran::Aborted));
    assert_eq!(count.get(), 1);
}

#[test]
fn the_joiner_is_woken_by_the_end() {
    let house = House::new();
    let (waiter, waiting) = spawn(pending::<()>(), house.tag());
    assert!(matches!(waiter.run(), Ran::Parked));
    let (runnable, task) = spawn(async { 1 }, house.tag());
    assert!(task.set_joiner(&waiting.waker()));
    assert!(task.set_joiner(&waiting.waker()));
    assert!(task.take_joiner().is_some());
    assert!(task.take_joiner().is_none());
    assert!(task.set_joiner(&waiting.waker()));
    assert!(matches!(runnable.run(), Ran::Returned));
    assert_eq!(house.waiting(), 1);
    assert!(!task.set_joiner(&waiting.waker()));
}

#[test]
fn the_own_waker_of_a_task_is_told_from_others() {
    let house = House::new();
    let slot = Rc::new(RefCell::new(None));
    let inner = slot.clone();
    let future = poll_fn(move |cx| {
        let data = inner.borrow().unwrap();
        assert!(is_waker_of(cx.waker(), data));
        assert!(is_waker_of(&cx.waker().clone(), data));
        assert!(!is_waker_of(Waker::noop(), data));
        Poll::Ready(())
    });
    let (runnable, task) = spawn(future, house.tag());
    let running = runnable.begin().expect("it was never polled");
    assert_eq!(running.waker_data(), task.waker_data());
    assert!(task.waker().will_wake(&task.waker()));
    slot.replace(Some(task.waker_data()));
    assert!(matches!(running.run(), Ran::Returned));
    let (_other, other) = spawn(pending::<()>(), house.tag());
    assert!(!is_waker_of(&other.waker(), task.waker_data()));
}

#[test]
fn a_detached_task_goes_on_and_ends_when_nothing_can_wake_it() {
    let house = House::new();
    let count = Count::default();
    let held = count.one();
    let slot = Rc::new(RefCell::new(None));
    let inner = slot.clone();
    let future = poll_fn(move |cx| {
        let _held = &held;
        *inner.borrow_mut() = Some(cx.waker().clone());
        Poll::<()>::Pending
    });
    let (runnable, task) = spawn(future, house.tag());
    drop(task);
    assert!(matches!(runnable.run(), Ran::Parked));
    slot.borrow().as_ref().unwrap().wake_by_ref();
    assert!(matches!(house.run(), Some(Ran::Parked)));
    assert_eq!(count.get(), 0);
    let waker = slot.borrow_mut().take();
    drop(waker);
    assert_eq!(count.get(), 1);
}

/// Keeps nothing, and counts what it was offered.
#[derive(Default)]
struct Offers(Cell<u32>);

// SAFETY: it gives nothing and keeps nothing.
unsafe impl Pool for Offers {
    fn take(&self, _: Layout) -> Option<NonNull<u8>> {
        None
    }

    unsafe fn keep(&self, _: Layout, _: NonNull<u8>) -> bool {
        self.0.set(self.0.get() + 1);
        false
    }
}

#[test]
fn an_output_is_taken_and_the_cell_freed_in_one_step() {
    let (house, count, offers) = (House::new(), Count::default(), Offers::default());
    let held = count.one();
    let (runnable, task) = spawn_in(async move { held }, house.tag(), &offers);
    assert!(matches!(runnable.run(), Ran::Returned));
    let held = task.into_output::<house::Counted>(&offers);
    assert_eq!((offers.0.get(), count.get()), (1, 0));
    drop(held.expect("it returned").expect("it did not panic"));
    assert_eq!(count.get(), 1);
}

#[test]
fn an_output_is_taken_once_and_the_cell_stays_while_somebody_has_it() {
    let (house, offers) = (House::new(), Offers::default());
    let (runnable, task) = spawn_in(async { 7 }, house.tag(), &offers);
    let (other, waker) = (task.clone(), task.waker());
    assert!(matches!(runnable.run(), Ran::Returned));
    assert_eq!(task.into_output::<i32>(&offers).unwrap().unwrap(), 7);
    assert!(other.is_ended() && other.into_output::<i32>(&offers).is_none());
    assert_eq!(offers.0.get(), 0);
    drop(waker);
}

#[test]
fn an_output_of_another_type_stays_and_goes_with_its_task() {
    let (house, count, offers) = (House::new(), Count::default(), Offers::default());
    let held = count.one();
    let (runnable, task) = spawn_in(async move { held }, house.tag(), &offers);
    assert!(matches!(runnable.run(), Ran::Returned));
    let wrong = catch_unwind(AssertUnwindSafe(|| task.into_output::<u32>(&offers)));
    assert!(wrong.is_err());
    assert_eq!(count.get(), 1);
}
