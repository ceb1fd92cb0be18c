//! SYN: events, locks, semaphores, conditions among the tasks of one kernel.

use std::cell::RefCell;
use std::rc::Rc;

use bibelot::{
    AsCancelled, Condition, Event, Lock, Semaphore, sleep, spawn, timeout_after, yield_now,
};

use crate::{LONG, exactly, ms, now};

#[test]
fn a_waiter_that_timed_out_leaves_the_event_and_may_come_again() {
    exactly(async {
        let event = Event::new();
        let waits = event.clone();
        let task = spawn(async move {
            let cut = timeout_after(ms(10), waits.wait()).await.unwrap_err();
            assert!(cut.timed_out());
            assert!(format!("{waits:?}").contains("waiters: 0"), "{waits:?}");
            waits.wait().await.map(|()| now())
        });
        sleep(ms(20)).await?;
        event.set();
        assert_eq!(task.await??, 20);
        Ok(())
    });
}

#[bibelot::test(uring, poll, sim)]
async fn whoever_was_handed_a_lock_has_it_before_the_cancel_comes() {
    let lock = Lock::new(0);
    let held = lock.lock().await.unwrap();
    let wants = lock.clone();
    let task = spawn(async move {
        let mut got = wants.lock().await.unwrap();
        *got += 1;
        sleep(LONG).await.is_err()
    });
    yield_now().await.unwrap();
    drop(held);
    task.cancel_nowait();
    assert!(task.await.unwrap());
    assert_eq!(*lock.try_lock().unwrap(), 1);
}

#[bibelot::test(uring, poll, sim)]
async fn primitives_say_whether_they_are_free() {
    let (lock, permits, event) = (Lock::new(()), Semaphore::new(2), Event::new());
    assert!(!lock.is_locked() && permits.available_permits() == 2 && !event.is_set());
    {
        let _held = lock.lock().await.unwrap();
        let _one = permits.acquire().await.unwrap();
        assert!(lock.is_locked() && lock.try_lock().is_none());
        assert_eq!(permits.available_permits(), 1);
        // Free permits are no closed semaphore, and none left is not the end of it.
        let _two = permits.try_acquire().unwrap();
        assert_eq!(permits.available_permits(), 0);
        assert!(permits.try_acquire().is_err());
    }
    assert!(!lock.is_locked() && permits.available_permits() == 2);
    event.set();
    assert!(event.is_set());
    event.clear();
    assert!(!event.is_set());
}

#[bibelot::test(uring, poll, sim)]
async fn a_lock_is_free_however_its_holder_ended() {
    let lock = Lock::new(());
    for end in ["returns", "panics", "is cancelled", "is aborted"] {
        let (held, go) = (lock.clone(), Event::new());
        let goes = go.clone();
        let holder = spawn(async move {
            let _guard = held.lock().await.unwrap();
            goes.wait().await.unwrap();
            match end {
                "returns" => {}
                "panics" => std::panic::resume_unwind(Box::new("on purpose")),
                _ => drop(sleep(LONG).await),
            }
        });
        while !lock.is_locked() {
            yield_now().await.unwrap();
        }
        go.set();
        match end {
            "is cancelled" => holder.cancel().await.unwrap(),
            "is aborted" => holder.abort(),
            _ => holder.wait().await.unwrap(),
        }
        assert!(!lock.is_locked(), "{end}");
    }
}

#[test]
fn a_wait_that_was_notified_and_cut_does_not_take_the_lock_from_its_notifier() {
    exactly(async {
        let (lock, condition) = (Lock::new(()), Condition::new());
        let log: Rc<RefCell<Vec<&str>>> = Rc::default();
        let waiter = {
            let (lock, condition, log) = (lock.clone(), condition.clone(), log.clone());
            spawn(async move {
                let guard = lock.lock().await.unwrap();
                let (guard, _waited) = condition.wait(guard).await;
                log.borrow_mut().push("waiter has the lock");
                drop(guard);
                sleep(LONG).await.is_err()
            })
        };
        yield_now().await?;
        let held = lock.lock().await?;
        condition.notify(1);
        waiter.cancel_nowait();
        for _ in 0..5 {
            yield_now().await?;
            assert!(lock.is_locked(), "it is the notifier's");
        }
        log.borrow_mut().push("notifier lets go");
        drop(held);
        assert!(waiter.await?);
        assert_eq!(*log.borrow(), ["notifier lets go", "waiter has the lock"]);
        assert!(!lock.is_locked());
        Ok(())
    });
}
