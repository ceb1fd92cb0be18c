//! Locks and conditions: hand-over, what drops hand on, guards that always come back.

mod common;

use bibelot_sync::generic::{Condition, Lock, Shell, Universal};
use common::{Flag, in_both_shells, now, poll};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

in_both_shells! {
    a_held_lock_is_handed_to_the_oldest_that_waits,
    a_newcomer_does_not_get_a_lock_that_was_handed_over,
    a_dropped_waiter_passes_the_lock_on,
    a_panic_of_the_holder_lets_go,
    an_owned_guard_outlives_its_handle,
    a_guard_that_is_forgotten_keeps_the_lock,
    debug_prints_the_state_of_a_lock,
    notify_releases_as_many_as_it_says_and_is_harmless_beyond,
    a_wait_lets_the_lock_go_and_takes_it_again,
    a_dropped_wait_hands_its_notification_on,
    a_dropped_wait_for_the_lock_hands_its_notification_on,
    a_wait_given_up_still_gives_the_guard,
    a_notification_stands_when_the_wait_is_given_up_after_it,
    a_wait_given_up_before_it_began_keeps_the_guard,
    wait_while_looks_first_and_after_each_notification,
    wait_while_given_up_ends_without_another_look,
}

fn a_held_lock_is_handed_to_the_oldest_that_waits<S: Shell>() {
    let lock = Lock::<u32, S>::new(1);
    let mut guard = lock.try_lock().unwrap();
    assert!(lock.is_locked() && lock.try_lock().is_none());
    let flags = [Flag::new(), Flag::new()];
    let mut waits = [lock.lock(), lock.lock()];
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    *guard += 1;
    drop(guard);
    assert!(flags[0].take() && !flags[1].take());
    let Poll::Ready(guard) = poll(&mut waits[0], &flags[0]) else {
        panic!("the lock was not handed over");
    };
    assert_eq!(*guard, 2);
    assert!(poll(&mut waits[1], &flags[1]).is_pending());
    drop(guard);
    assert!(poll(&mut waits[1], &flags[1]).is_ready());
    drop(waits);
    assert!(!lock.is_locked());
}

fn a_newcomer_does_not_get_a_lock_that_was_handed_over<S: Shell>() {
    let lock = Lock::<u32, S>::default();
    let guard = now(lock.lock());
    let mut wait = lock.lock();
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    drop(guard);
    assert!(lock.is_locked() && lock.try_lock().is_none());
    assert!(poll(&mut lock.lock(), &Flag::new()).is_pending());
    assert!(poll(&mut wait, &Flag::new()).is_ready());
}

fn a_dropped_waiter_passes_the_lock_on<S: Shell>() {
    let lock = Lock::<u32, S>::default();
    let guard = now(lock.lock());
    let second = Flag::new();
    let mut waits = [lock.lock(), lock.lock()];
    assert!(poll(&mut waits[0], &Flag::new()).is_pending());
    assert!(poll(&mut waits[1], &second).is_pending());
    drop(guard);
    let [cut, mut next] = waits;
    drop(cut);
    assert!(second.take());
    drop(poll(&mut next, &second));
    assert!(!lock.is_locked());
    drop(next);

    let guard = now(lock.lock());
    let mut alone = lock.lock();
    assert!(poll(&mut alone, &Flag::new()).is_pending());
    drop(guard);
    drop(alone);
    assert!(!lock.is_locked());
}

fn a_panic_of_the_holder_lets_go<S: Shell>() {
    let lock = Lock::<u32, S>::default();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut guard = now(lock.lock());
        *guard = 5;
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(panicked.is_err());
    assert_eq!(*now(lock.lock()), 5);
}

fn an_owned_guard_outlives_its_handle<S: Shell>() {
    let lock = Lock::<u32, S>::default();
    let other = lock.clone();
    let mut guard = now(lock.lock()).into_owned();
    drop(lock);
    *guard += 1;
    assert!(other.is_locked());
    assert_eq!(format!("{guard:?}"), "1");
    drop(guard);
    assert_eq!(*now(other.lock()), 1);
}

fn a_guard_that_is_forgotten_keeps_the_lock<S: Shell>() {
    let lock = Lock::<u32, S>::default();
    std::mem::forget(now(lock.lock()));
    assert!(lock.is_locked());
    assert!(poll(&mut lock.lock(), &Flag::new()).is_pending());
}

fn debug_prints_the_state_of_a_lock<S: Shell>() {
    let lock = Lock::<u32, S>::new(3);
    let guard = now(lock.lock());
    let mut wait = lock.lock();
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    assert_eq!(format!("{lock:?}"), "Lock { locked: true, waiters: 1 }");
    assert_eq!(format!("{guard:?}"), "3");
}

fn notify_releases_as_many_as_it_says_and_is_harmless_beyond<S: Shell>() {
    let (lock, condition) = (Lock::<u32, S>::default(), Condition::<S>::new());
    condition.notify(3);
    let mut waits = Vec::new();
    for _ in 0..3 {
        waits.push(condition.wait(now(lock.lock())));
        assert!(poll(waits.last_mut().unwrap(), &Flag::new()).is_pending());
    }
    assert_eq!(format!("{condition:?}"), "Condition { waiters: 3 }");
    condition.notify(2);
    assert_eq!(format!("{condition:?}"), "Condition { waiters: 1 }");
    condition.notify(usize::MAX);
    for wait in &mut waits {
        assert!(poll(wait, &Flag::new()).is_ready());
    }
}

fn a_wait_lets_the_lock_go_and_takes_it_again<S: Shell>() {
    let (lock, condition) = (Lock::<u32, S>::default(), Condition::<S>::new());
    let woken = Flag::new();
    let mut wait = condition.wait(now(lock.lock()));
    assert!(lock.is_locked());
    assert!(poll(&mut wait, &woken).is_pending());
    let mut guard = lock.try_lock().expect("the wait has let it go");
    *guard = 9;
    condition.notify_all();
    assert!(woken.take());
    assert!(poll(&mut wait, &woken).is_pending());
    drop(guard);
    assert!(woken.take());
    let Poll::Ready(guard) = poll(&mut wait, &woken) else {
        panic!("the lock was not taken again");
    };
    assert_eq!(*guard, 9);
}

fn a_dropped_wait_hands_its_notification_on<S: Shell>() {
    let (lock, condition) = (Lock::<u32, S>::default(), Condition::<S>::new());
    let second = Flag::new();
    let mut cut = condition.wait(now(lock.lock()));
    assert!(poll(&mut cut, &Flag::new()).is_pending());
    let mut next = condition.wait(now(lock.lock()));
    assert!(poll(&mut next, &second).is_pending());
    condition.notify(1);
    assert!(!second.take());
    drop(cut);
    assert!(second.take());
    assert!(poll(&mut next, &second).is_ready());
}

fn a_dropped_wait_for_the_lock_hands_its_notification_on<S: Shell>() {
    let (lock, condition) = (Lock::<u32, S>::default(), Condition::<S>::new());
    let second = Flag::new();
    let mut cut = condition.wait(now(lock.lock()));
    assert!(poll(&mut cut, &Flag::new()).is_pending());
    let mut next = condition.wait(now(lock.lock()));
    assert!(poll(&mut next, &second).is_pending());
    let guard = now(lock.lock());
    condition.notify(1);
    assert!(poll(&mut cut, &Flag::new()).is_pending());
    drop(cut);
    assert!(second.take());
    drop(guard);
    assert!(poll(&mut next, &second).is_ready());
}

fn a_wait_given_up_still_gives_the_guard<S: Shell>() {
    let (lock, condition) = (Lock::<u32, S>::default(), Condition::<S>::new());
    let mut wait = condition.wait(now(lock.lock()));
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    let guard = now(lock.lock());
    assert!(wait.give_up());
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    drop(guard);
    assert!(poll(&mut wait, &Flag::new()).is_ready());
    assert_eq!(format!("{condition:?}"), "Condition { waiters: 0 }");
}

fn a_notification_stands_when_the_wait_is_given_up_after_it<S: Shell>() {
    let (lock, condition) = (Lock::<u32, S>::default(), Condition::<S>::new());
    let mut wait = condition.wait(now(lock.lock()));
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    condition.notify(1);
    assert!(!wait.give_up());
    assert!(poll(&mut wait, &Flag::new()).is_ready());
}

fn a_wait_given_up_before_it_began_keeps_the_guard<S: Shell>() {
    let (lock, condition) = (Lock::<u32, S>::default(), Condition::<S>::new());
    let mut wait = condition.wait(now(lock.lock()));
    assert!(wait.give_up());
    let Poll::Ready(guard) = poll(&mut wait, &Flag::new()) else {
        panic!("the guard was not kept");
    };
    assert!(lock.is_locked());
    drop(guard);
    assert!(!lock.is_locked());
    drop(condition.wait(now(lock.lock())));
    assert!(!lock.is_locked());
}

fn wait_while_looks_first_and_after_each_notification<S: Shell>() {
    let (lock, condition) = (Lock::<u32, S>::default(), Condition::<S>::new());
    let woken = Flag::new();
    drop(now(
        condition.wait_while(now(lock.lock()), |value| *value > 0)
    ));
    let mut wait = condition.wait_while(now(lock.lock()), |value| *value < 2);
    assert!(poll(&mut wait, &woken).is_pending());
    for _ in 0..2 {
        *now(lock.lock()) += 1;
        condition.notify(1);
        assert!(woken.take());
        let _ = poll(&mut wait, &woken).map(|guard| assert_eq!(*guard, 2));
    }
    drop(wait);
    assert!(!lock.is_locked());
}

fn wait_while_given_up_ends_without_another_look<S: Shell>() {
    let (lock, condition) = (Lock::<u32, S>::default(), Condition::<S>::new());
    let mut looks = 0;
    let mut wait = condition.wait_while(now(lock.lock()), |_| {
        looks += 1;
        true
    });
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    assert!(wait.give_up());
    assert!(poll(&mut wait, &Flag::new()).is_ready());
    drop(wait);
    assert_eq!(looks, 1);
}

#[test]
fn threads_count_under_a_lock() {
    let lock = Lock::<u64, Universal>::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    *lock.lock_blocking() += 1;
                }
            });
        }
    });
    assert_eq!(*lock.lock_blocking(), 4000);
}

#[test]
fn threads_wait_for_a_condition() {
    let (lock, condition) = (Lock::<u32, Universal>::new(0), Condition::new());
    std::thread::scope(|scope| {
        for turn in 0..8 {
            let (lock, condition) = (&lock, &condition);
            scope.spawn(move || {
                let guard = lock.lock_blocking();
                let mut guard = condition.wait_while_blocking(guard, |now| *now != turn);
                *guard += 1;
                condition.notify_all();
            });
        }
    });
    assert_eq!(*lock.lock_blocking(), 8);
}
