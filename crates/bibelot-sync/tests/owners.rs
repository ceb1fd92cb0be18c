//! What knows its owners: reentrant locks and capacity limiters.

mod common;

use bibelot_sync::generic::{CapacityLimiter, ReentrantLock, Shell};
use bibelot_sync::{Owner, TryBorrowError};
use common::{Flag, in_both_shells, now, poll};
use std::task::Poll;

in_both_shells! {
    an_owner_takes_its_lock_again_and_others_wait,
    all_waits_of_an_owner_come_in_with_it,
    a_lock_granted_to_a_dropped_waiter_goes_to_the_next_owner,
    an_owned_guard_keeps_the_lock,
    a_borrower_has_one_token,
    a_borrower_that_waits_twice_is_refused_when_its_turn_comes_again,
    a_lowered_total_lends_nothing_until_enough_came_back,
    debug_prints_the_states,
}

fn an_owner_takes_its_lock_again_and_others_wait<S: Shell>() {
    let lock = ReentrantLock::<&str, S>::new("value");
    let (one, other) = (Owner::from(1_u64), Owner::from(2_u64));
    let guards = [now(lock.lock(one)), lock.try_lock(one).unwrap()];
    assert_eq!(
        (*guards[1], lock.depth(), lock.owner()),
        ("value", 2, Some(one))
    );
    let (mut wait, flag) = (lock.lock(other), Flag::new());
    assert!(poll(&mut wait, &flag).is_pending() && lock.try_lock(other).is_none());
    // Also while somebody waits, who would never get it otherwise.
    drop(now(lock.lock(one)));
    let [first, second] = guards;
    drop(first);
    assert!(!flag.take());
    drop(second);
    assert!(flag.take() && lock.owner() == Some(other));
    drop(now(wait));
    assert_eq!((lock.depth(), lock.owner()), (0, None));
}

fn all_waits_of_an_owner_come_in_with_it<S: Shell>() {
    let lock = ReentrantLock::<(), S>::default();
    let held = now(lock.lock(9_u64));
    let flags: Vec<_> = (0..4).map(|_| Flag::new()).collect();
    let mut waits = [1_u64, 2, 1, 2].map(|owner| lock.lock(owner));
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    drop(held);
    let woken = || flags.iter().map(Flag::take).collect::<Vec<_>>();
    assert_eq!((woken(), lock.depth()), (vec![true, false, true, false], 2));
    let [first, .., last] = waits;
    drop(now(first));
    assert_eq!(woken(), [false; 4]);
    drop(last);
    assert_eq!(lock.owner(), Some(Owner::from(1_u64)));
}

fn a_lock_granted_to_a_dropped_waiter_goes_to_the_next_owner<S: Shell>() {
    let lock = ReentrantLock::<(), S>::default();
    let held = now(lock.lock(9_u64));
    let flags = [Flag::new(), Flag::new()];
    let mut waits = [1_u64, 2].map(|owner| lock.lock(owner));
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    drop(held);
    let [first, second] = waits;
    drop(first);
    assert!(flags[1].take());
    drop(now(second));
    assert_eq!(lock.owner(), None);
}

fn an_owned_guard_keeps_the_lock<S: Shell>() {
    let lock = ReentrantLock::<u32, S>::new(5);
    let guard = now(lock.lock(1_u64)).into_owned();
    assert_eq!((*guard, lock.depth()), (5, 1));
    drop(guard);
    assert_eq!(lock.depth(), 0);
}

fn a_borrower_has_one_token<S: Shell>() {
    let limiter = CapacityLimiter::<S>::new(2);
    let token = now(limiter.borrow(1_u64)).unwrap();
    let error = now(limiter.borrow(1_u64)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Owner(1) has a token of the limiter already"
    );
    assert!(limiter.is_borrower(1_u64) && !limiter.is_borrower(2_u64));
    let second = limiter.try_borrow(2_u64).unwrap().into_owned();
    assert_eq!(
        limiter.try_borrow(3_u64).unwrap_err(),
        TryBorrowError::NoTokens
    );
    assert_eq!((limiter.available(), limiter.borrowed()), (0, 2));
    drop(token);
    assert_eq!(limiter.borrowers(), [second.owner()]);
    drop(second);
    assert_eq!(limiter.available(), 2);
}

fn a_borrower_that_waits_twice_is_refused_when_its_turn_comes_again<S: Shell>() {
    let limiter = CapacityLimiter::<S>::new(0);
    let flags = [Flag::new(), Flag::new(), Flag::new()];
    let mut waits = [1_u64, 1, 2].map(|owner| limiter.borrow(owner));
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    limiter.set_total(1);
    assert!(flags[0].take() && !flags[1].take());
    limiter.set_total(2);
    // The refused one uses up nothing.
    assert!(flags[1].take() && flags[2].take());
    let [first, second, third] = waits;
    assert!(now(first).is_ok() && now(second).is_err() && now(third).is_ok());
    assert_eq!(limiter.borrowed(), 0);
}

fn a_lowered_total_lends_nothing_until_enough_came_back<S: Shell>() {
    let limiter = CapacityLimiter::<S>::new(3);
    let tokens = [1_u64, 2, 3].map(|owner| limiter.try_borrow(owner).unwrap());
    limiter.set_total(1);
    assert_eq!((limiter.available(), limiter.borrowed()), (0, 3));
    let (mut wait, flag) = (limiter.borrow(4_u64), Flag::new());
    assert!(poll(&mut wait, &flag).is_pending());
    let [first, second, third] = tokens;
    drop((first, second));
    assert!(!flag.take());
    drop(third);
    assert!(flag.take() && matches!(poll(&mut wait, &flag), Poll::Ready(Ok(_))));
}

fn debug_prints_the_states<S: Shell>() {
    let (lock, limiter) = (ReentrantLock::<u8, S>::new(7), CapacityLimiter::<S>::new(2));
    let guard = now(lock.lock(1_u64));
    let token = now(limiter.borrow(1_u64)).unwrap();
    assert_eq!(
        format!("{lock:?} {guard:?} {token:?}"),
        "ReentrantLock { depth: 1, waiters: 0 } 7 Token(Owner(1))"
    );
    let expected = "CapacityLimiter { total: 2, borrowed: 1, waiters: 0 }";
    assert_eq!(format!("{limiter:?}"), expected);
}

#[test]
fn threads_are_owners() {
    let lock = bibelot_sync::ReentrantLock::new(());
    let outer = lock.lock_blocking(Owner::this_thread());
    let inner = lock.lock_blocking(Owner::this_thread());
    std::thread::scope(|scope| {
        let other = || lock.try_lock(Owner::this_thread()).is_none();
        assert!(scope.spawn(other).join().unwrap());
        drop((outer, inner));
        let other = || lock.lock_blocking(Owner::this_thread()).into_owned();
        drop(scope.spawn(other).join().unwrap());
    });
    let limiter = bibelot_sync::CapacityLimiter::new(1);
    drop(limiter.borrow_blocking(Owner::this_thread()).unwrap());
}
