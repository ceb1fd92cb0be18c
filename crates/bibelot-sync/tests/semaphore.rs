//! Semaphores: many permits at once, order, conservation, closing, and the errors of counting.

mod common;

use bibelot_sync::generic::{Semaphore, Shell, Universal};
use bibelot_sync::{AcquireError, TryAcquireError};
use common::{Flag, in_both_shells, now, poll};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

in_both_shells! {
    permits_come_back_and_go_to_the_oldest,
    who_asks_for_many_is_not_overtaken,
    one_that_leaves_lets_those_behind_it_in,
    a_dropped_waiter_hands_its_permits_on,
    one_release_can_serve_many,
    splitting_and_forgetting_conserve_permits,
    giving_back_more_than_was_forgotten_is_refused,
    added_permits_raise_the_bound_up_to_what_can_be_counted,
    closing_refuses_those_that_wait_and_spares_those_that_have,
    an_owned_permit_comes_back,
    debug_prints_the_state,
}

fn permits_come_back_and_go_to_the_oldest<S: Shell>() {
    let semaphore = Semaphore::<S>::new(1);
    let permit = now(semaphore.acquire()).unwrap();
    let flags = [Flag::new(), Flag::new()];
    let mut waits = [semaphore.acquire(), semaphore.acquire()];
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    drop(permit);
    assert!(flags[0].take() && !flags[1].take());
    assert_eq!(semaphore.available_permits(), 0);
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::NoPermits
    );
    let permit = poll(&mut waits[0], &flags[0]);
    assert!(permit.is_ready());
    drop(permit);
    assert!(poll(&mut waits[1], &flags[1]).is_ready());
}

fn who_asks_for_many_is_not_overtaken<S: Shell>() {
    let semaphore = Semaphore::<S>::new(3);
    let mut held = now(semaphore.acquire_many(2)).unwrap();
    let (many, few) = (Flag::new(), Flag::new());
    let mut all = semaphore.acquire_many(3);
    let mut one = semaphore.acquire();
    assert!(poll(&mut all, &many).is_pending());
    assert!(poll(&mut one, &few).is_pending());
    assert!(semaphore.try_acquire().is_err());
    drop(held.split(1).unwrap());
    assert!(!many.take() && !few.take());
    drop(held);
    assert!(many.take() && !few.take());
    let Poll::Ready(Ok(permit)) = poll(&mut all, &many) else {
        panic!("three were free");
    };
    assert_eq!(permit.count(), 3);
    drop(permit);
    assert!(few.take());
}

fn one_that_leaves_lets_those_behind_it_in<S: Shell>() {
    let semaphore = Semaphore::<S>::new(2);
    let _held = now(semaphore.acquire()).unwrap();
    let few = Flag::new();
    let mut both = semaphore.acquire_many(2);
    let mut one = semaphore.acquire();
    assert!(poll(&mut both, &Flag::new()).is_pending());
    assert!(poll(&mut one, &few).is_pending());
    drop(both);
    assert!(few.take());
    assert!(poll(&mut one, &few).is_ready());
}

fn a_dropped_waiter_hands_its_permits_on<S: Shell>() {
    let semaphore = Semaphore::<S>::new(2);
    let held = now(semaphore.acquire_many(2)).unwrap();
    let flags = [Flag::new(), Flag::new()];
    let mut cut = semaphore.acquire_many(2);
    let mut waits = [semaphore.acquire(), semaphore.acquire()];
    assert!(poll(&mut cut, &Flag::new()).is_pending());
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    drop(held);
    drop(cut);
    assert!(flags[0].take() && flags[1].take());
    drop(waits);
    assert_eq!(semaphore.available_permits(), 2);
}

fn one_release_can_serve_many<S: Shell>() {
    let semaphore = Semaphore::<S>::new(0);
    let flags: Vec<_> = (0..5).map(|_| Flag::new()).collect();
    let mut waits: Vec<_> = flags.iter().map(|_| semaphore.acquire()).collect();
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    semaphore.add_permits(4).unwrap();
    let served = flags.iter().filter(|flag| flag.take()).count();
    assert_eq!(served, 4);
    assert_eq!(semaphore.bound(), 4);
}

fn splitting_and_forgetting_conserve_permits<S: Shell>() {
    let semaphore = Semaphore::<S>::new(3);
    let mut permit = now(semaphore.acquire_many(3)).unwrap();
    assert!(permit.split(4).is_none());
    let one = permit.split(1).unwrap();
    assert_eq!((permit.count(), one.count()), (2, 1));
    one.forget();
    drop(permit);
    assert_eq!(
        (semaphore.available_permits(), semaphore.forgotten()),
        (2, 1)
    );
    semaphore.release(1).unwrap();
    assert_eq!(
        (semaphore.available_permits(), semaphore.forgotten()),
        (3, 0)
    );
}

fn giving_back_more_than_was_forgotten_is_refused<S: Shell>() {
    let semaphore = Semaphore::<S>::new(1);
    assert!(semaphore.release(1).is_err());
    let permit = now(semaphore.acquire()).unwrap();
    let error = semaphore.release(1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 permits were given back, but only 0 had been forgotten"
    );
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
}

fn added_permits_raise_the_bound_up_to_what_can_be_counted<S: Shell>() {
    let semaphore = Semaphore::<S>::new(usize::MAX - 1);
    semaphore.add_permits(1).unwrap();
    assert!(semaphore.add_permits(1).is_err());
    assert_eq!(semaphore.available_permits(), usize::MAX);
    let all = now(semaphore.acquire_many(usize::MAX)).unwrap();
    drop(all);
    assert_eq!(semaphore.available_permits(), usize::MAX);
}

fn closing_refuses_those_that_wait_and_spares_those_that_have<S: Shell>() {
    let semaphore = Semaphore::<S>::new(1);
    let held = now(semaphore.acquire()).unwrap();
    let woken = Flag::new();
    let mut granted = semaphore.acquire();
    let mut parked = semaphore.acquire();
    assert!(poll(&mut granted, &woken).is_pending());
    assert!(poll(&mut parked, &woken).is_pending());
    drop(held);
    semaphore.close();
    assert!(woken.take() && semaphore.is_closed());
    assert!(matches!(poll(&mut granted, &woken), Poll::Ready(Ok(_))));
    assert!(matches!(
        poll(&mut parked, &woken),
        Poll::Ready(Err(AcquireError))
    ));
    assert_eq!(now(semaphore.acquire()).unwrap_err(), AcquireError);
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::Closed
    );
    assert_eq!(semaphore.available_permits(), 1);
}

fn an_owned_permit_comes_back<S: Shell>() {
    let semaphore = Semaphore::<S>::new(4);
    let mut permit = now(semaphore.acquire_many(3)).unwrap().into_owned();
    let part = permit.split(1).unwrap();
    assert_eq!(semaphore.available_permits(), 1);
    drop(permit);
    assert_eq!(semaphore.available_permits(), 3);
    part.forget();
    assert_eq!(
        (semaphore.available_permits(), semaphore.forgotten()),
        (3, 1)
    );
}

fn debug_prints_the_state<S: Shell>() {
    let semaphore = Semaphore::<S>::new(2);
    let permit = now(semaphore.acquire()).unwrap();
    assert_eq!(
        format!("{semaphore:?} {permit:?}"),
        "Semaphore { free: 1, bound: 2, closed: false, waiters: 0 } Permit(1)"
    );
}

#[test]
fn threads_never_hold_more_than_there_are() {
    let semaphore = Semaphore::<Universal>::new(3);
    let inside = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for wants in [1, 2, 3, 1, 2] {
            let (semaphore, inside) = (&semaphore, &inside);
            scope.spawn(move || {
                for _ in 0..300 {
                    let permit = semaphore.acquire_many_blocking(wants).unwrap();
                    let before = inside.fetch_add(wants, Ordering::SeqCst);
                    assert!(before + wants <= 3);
                    inside.fetch_sub(wants, Ordering::SeqCst);
                    drop(permit);
                }
            });
        }
    });
    assert_eq!(semaphore.available_permits(), 3);
}
