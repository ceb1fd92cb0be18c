//! Barriers: rounds, those who leave, and closing.

mod common;

use bibelot_sync::generic::{Barrier, Shell};
use common::{Flag, in_both_shells, now, poll};
use std::task::Poll;

in_both_shells! {
    the_last_to_come_releases_the_others_and_knows_it,
    a_barrier_is_used_again_at_once,
    one_that_leaves_does_not_count_and_one_that_was_released_does,
    a_barrier_for_one_lets_everybody_through,
    closing_releases_those_that_wait_with_an_error,
    debug_prints_the_state,
}

fn the_last_to_come_releases_the_others_and_knows_it<S: Shell>() {
    let barrier = Barrier::<S>::new(3);
    let flags = [Flag::new(), Flag::new()];
    let mut waits = [barrier.wait(), barrier.wait()];
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    assert_eq!((barrier.arrived(), barrier.size()), (2, 3));
    let passed = now(barrier.wait()).unwrap();
    assert!(passed.is_last && passed.round == 0 && flags.iter().all(Flag::take));
    for wait in waits {
        assert!(!now(wait).unwrap().is_last);
    }
}

fn a_barrier_is_used_again_at_once<S: Shell>() {
    let barrier = Barrier::<S>::new(2);
    let mut first = barrier.wait();
    assert!(poll(&mut first, &Flag::new()).is_pending());
    now(barrier.wait()).unwrap();
    // The first has not seen it yet, and is not of the next round.
    let mut next = barrier.wait();
    assert!(poll(&mut next, &Flag::new()).is_pending());
    assert_eq!(now(first).unwrap().round, 0);
    assert_eq!(now(barrier.wait()).unwrap().round, 1);
    assert_eq!(now(next).unwrap().round, 1);
}

fn one_that_leaves_does_not_count_and_one_that_was_released_does<S: Shell>() {
    let barrier = Barrier::<S>::new(2);
    let mut leaves = barrier.wait();
    assert!(poll(&mut leaves, &Flag::new()).is_pending());
    drop(leaves);
    let mut waits = barrier.wait();
    assert!(poll(&mut waits, &Flag::new()).is_pending());
    assert!(now(barrier.wait()).unwrap().is_last);
    drop(waits);
    assert_eq!(barrier.arrived(), 0);
}

fn a_barrier_for_one_lets_everybody_through<S: Shell>() {
    let barrier = Barrier::<S>::new(1);
    assert_eq!(now(barrier.wait()).unwrap().round, 0);
    assert_eq!(now(barrier.wait()).unwrap().round, 1);
}

fn closing_releases_those_that_wait_with_an_error<S: Shell>() {
    let barrier = Barrier::<S>::new(3);
    let (mut wait, flag) = (barrier.wait(), Flag::new());
    assert!(poll(&mut wait, &flag).is_pending());
    barrier.close();
    assert!(flag.take() && barrier.is_closed());
    assert!(matches!(poll(&mut wait, &flag), Poll::Ready(Err(_))));
    assert!(now(barrier.wait()).is_err());
}

fn debug_prints_the_state<S: Shell>() {
    let barrier = Barrier::<S>::new(2);
    let mut wait = barrier.wait();
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    assert_eq!(
        format!("{barrier:?} {wait:?}"),
        "Barrier { size: 2, round: 0, closed: false, waiters: 1 } Arriving { parked: true, .. }"
    );
}

#[test]
#[should_panic(expected = "never be passed")]
fn a_barrier_for_nobody_is_refused() {
    let _ = bibelot_sync::Barrier::new(0);
}
