//! Events: who is released when, and what a drop leaves behind.

mod common;

use bibelot_sync::generic::{Event, Shell};
use common::{Flag, in_both_shells, poll};
use std::task::Poll;

in_both_shells! {
    setting_releases_all_that_wait,
    a_set_event_does_not_park,
    set_and_clear_release_those_that_were_parked,
    a_dropped_waiter_leaves_the_others,
    a_waiter_that_moved_is_woken_at_its_new_place,
    clones_are_one_event,
    debug_prints_the_state,
}

fn setting_releases_all_that_wait<S: Shell>() {
    let event = Event::<S>::new();
    let flags: Vec<_> = (0..40).map(|_| Flag::new()).collect();
    let mut waits: Vec<_> = flags.iter().map(|_| event.wait()).collect();
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
        assert!(poll(wait, flag).is_pending());
    }
    event.set();
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(flag.take());
        assert_eq!(poll(wait, flag), Poll::Ready(()));
    }
}

fn a_set_event_does_not_park<S: Shell>() {
    let event = Event::<S>::new();
    assert!(!event.is_set());
    event.set();
    event.set();
    assert!(event.is_set());
    assert_eq!(poll(&mut event.wait(), &Flag::new()), Poll::Ready(()));
}

fn set_and_clear_release_those_that_were_parked<S: Shell>() {
    let event = Event::<S>::new();
    let woken = Flag::new();
    let mut early = event.wait();
    assert!(poll(&mut early, &woken).is_pending());
    event.set();
    event.clear();
    let mut late = event.wait();
    assert!(poll(&mut late, &Flag::new()).is_pending());
    assert!(woken.take());
    assert_eq!(poll(&mut early, &woken), Poll::Ready(()));
    assert!(poll(&mut late, &Flag::new()).is_pending());
}

fn a_dropped_waiter_leaves_the_others<S: Shell>() {
    let event = Event::<S>::new();
    let (cut, kept) = (Flag::new(), Flag::new());
    let mut first = event.wait();
    let mut second = event.wait();
    assert!(poll(&mut first, &cut).is_pending());
    assert!(poll(&mut second, &kept).is_pending());
    drop(first);
    event.set();
    assert!(!cut.take() && kept.take());
    assert_eq!(poll(&mut second, &kept), Poll::Ready(()));
}

fn a_waiter_that_moved_is_woken_at_its_new_place<S: Shell>() {
    let event = Event::<S>::new();
    let (old, new) = (Flag::new(), Flag::new());
    let mut wait = event.wait();
    assert!(poll(&mut wait, &old).is_pending());
    assert!(poll(&mut wait, &new).is_pending());
    event.set();
    assert!(!old.take() && new.take());
}

fn clones_are_one_event<S: Shell>() {
    let event = Event::<S>::default();
    event.clone().set();
    assert!(event.is_set());
}

fn debug_prints_the_state<S: Shell>() {
    let event = Event::<S>::new();
    let mut wait = event.wait();
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    assert_eq!(format!("{event:?}"), "Event { set: false, waiters: 1 }");
    event.set();
    assert_eq!(format!("{event:?}"), "Event { set: true, waiters: 0 }");
}
