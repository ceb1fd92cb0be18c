//! Watches: the latest value, word of changes, and the end of either side.

mod common;

use bibelot_sync::SendersGone;
use bibelot_sync::generic::{Shell, watch};
use common::{Flag, in_both_shells, now, poll};
use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;

in_both_shells! {
    a_receiver_hears_of_a_change_once_and_sees_the_latest,
    all_that_wait_hear_of_a_change,
    a_dropped_wait_has_seen_nothing,
    looking_does_not_take_a_value_as_seen_and_seeing_does,
    a_value_that_somebody_reads_stays_as_it_is,
    nobody_hears_of_changes_when_the_senders_are_gone_but_the_last_is_seen,
    those_that_wait_hear_that_the_last_sender_is_gone,
    wait_for_looks_now_and_after_each_change,
    an_update_runs_again_when_another_value_came_between,
    senders_hear_that_nobody_reads,
    a_clone_goes_on_where_the_original_is,
    old_values_are_dropped,
    debug_prints_the_state,
}

fn a_receiver_hears_of_a_change_once_and_sees_the_latest<S: Shell>() {
    let (sender, mut receiver) = watch::<_, S>(0);
    assert_eq!(receiver.has_changed(), Ok(false));
    assert!(poll(&mut receiver.changed(), &Flag::new()).is_pending());
    sender.send(1);
    sender.send(2);
    assert_eq!(now(receiver.changed()), Ok(()));
    assert_eq!(*receiver.latest(), 2);
    assert!(poll(&mut receiver.changed(), &Flag::new()).is_pending());
}

fn all_that_wait_hear_of_a_change<S: Shell>() {
    let (sender, receiver) = watch::<_, S>(0);
    let flags = [Flag::new(), Flag::new(), Flag::new()];
    let mut receivers = [receiver.clone(), receiver.clone(), receiver];
    let mut waits: Vec<_> = receivers.iter_mut().map(|it| it.changed()).collect();
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    sender.send(1);
    assert!(flags.iter().all(Flag::take));
    assert!(waits.into_iter().all(|wait| now(wait).is_ok()));
}

fn a_dropped_wait_has_seen_nothing<S: Shell>() {
    let (sender, mut receiver) = watch::<_, S>(0);
    let mut wait = receiver.changed();
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    sender.send(1);
    drop(wait);
    assert_eq!(
        (receiver.has_changed(), now(receiver.changed())),
        (Ok(true), Ok(()))
    );
}

fn looking_does_not_take_a_value_as_seen_and_seeing_does<S: Shell>() {
    let (sender, mut receiver) = watch::<_, S>(0);
    sender.send(1);
    assert_eq!((*receiver.latest(), receiver.has_changed()), (1, Ok(true)));
    assert_eq!((*receiver.see(), receiver.has_changed()), (1, Ok(false)));
}

fn a_value_that_somebody_reads_stays_as_it_is<S: Shell>() {
    let (sender, receiver) = watch::<_, S>(vec![1]);
    let (old, older) = (receiver.latest(), sender.latest());
    sender.send(vec![2]);
    assert_eq!(
        (&*old, &*older.clone(), &*receiver.latest()),
        (&vec![1], &vec![1], &vec![2])
    );
    assert_eq!(format!("{old:?}"), "[1]");
}

fn nobody_hears_of_changes_when_the_senders_are_gone_but_the_last_is_seen<S: Shell>() {
    let (sender, mut receiver) = watch::<_, S>(0);
    let (other, mut waiting) = (sender.clone(), receiver.clone());
    assert_eq!(receiver.sender_count(), 2);
    drop(sender);
    let (mut wait, flag) = (waiting.changed(), Flag::new());
    assert!(poll(&mut wait, &flag).is_pending());
    other.send(1);
    drop(other);
    assert!(flag.take());
    assert_eq!(poll(&mut wait, &flag), Poll::Ready(Ok(())));
    drop(wait);
    assert_eq!(now(waiting.changed()), Err(SendersGone));
    assert_eq!((now(receiver.changed()), *receiver.latest()), (Ok(()), 1));
    assert_eq!(receiver.has_changed(), Err(SendersGone));
    assert!(matches!(
        now(receiver.wait_for(|value| *value == 2)),
        Err(SendersGone)
    ));
    assert_eq!(*now(receiver.wait_for(|value| *value == 1)).unwrap(), 1);
}

fn those_that_wait_hear_that_the_last_sender_is_gone<S: Shell>() {
    let (sender, mut receiver) = watch::<_, S>(0);
    let (other, mut second) = (sender.clone(), receiver.clone());
    let flags = [Flag::new(), Flag::new()];
    let (mut change, mut wanted) = (receiver.changed(), second.wait_for(|value| *value == 1));
    assert!(poll(&mut change, &flags[0]).is_pending());
    assert!(poll(&mut wanted, &flags[1]).is_pending());
    drop(sender);
    assert!(!flags[0].take() && !flags[1].take());
    drop(other);
    assert!(flags.iter().all(Flag::take));
    assert_eq!(now(change), Err(SendersGone));
    assert!(matches!(now(wanted), Err(SendersGone)));
}

fn wait_for_looks_now_and_after_each_change<S: Shell>() {
    let (sender, mut receiver) = watch::<_, S>(0);
    let looks = Rc::new(Cell::new(0));
    let counted = looks.clone();
    let mut wait = receiver.wait_for(move |value| {
        counted.set(counted.get() + 1);
        *value > 5
    });
    let flag = Flag::new();
    assert!(poll(&mut wait, &flag).is_pending());
    sender.send(3);
    assert!(flag.take() && poll(&mut wait, &flag).is_pending());
    assert!(poll(&mut wait, &flag).is_pending());
    assert_eq!(looks.get(), 2);
    sender.send(9);
    let Poll::Ready(Ok(value)) = poll(&mut wait, &flag) else {
        panic!("it was to end");
    };
    assert_eq!((*value, looks.get()), (9, 3));
    drop(wait);
    assert_eq!(receiver.has_changed(), Ok(false));
}

fn an_update_runs_again_when_another_value_came_between<S: Shell>() {
    let (sender, receiver) = watch::<_, S>(1);
    let mut runs = 0;
    sender.update(|value| {
        runs += 1;
        if runs == 1 {
            sender.update(|value| *value *= 10);
        }
        *value += 1;
    });
    assert_eq!((runs, *receiver.latest()), (2, 11));
}

fn senders_hear_that_nobody_reads<S: Shell>() {
    let (sender, receiver) = watch::<_, S>(0);
    let (mut closed, flag) = (sender.closed(), Flag::new());
    assert!(poll(&mut closed, &flag).is_pending() && !sender.is_closed());
    drop(receiver);
    assert!(flag.take() && sender.is_closed());
    now(closed);
    sender.send(7);
    assert_eq!(*sender.subscribe().latest(), 7);
    assert_eq!(sender.receiver_count(), 0);
}

fn a_clone_goes_on_where_the_original_is<S: Shell>() {
    let (sender, mut receiver) = watch::<_, S>(0);
    sender.send(1);
    let mut clone = receiver.clone();
    receiver.see();
    assert_eq!(
        (clone.has_changed(), receiver.has_changed()),
        (Ok(true), Ok(false))
    );
    clone.see();
    assert_eq!(sender.subscribe().has_changed(), Ok(false));
}

fn old_values_are_dropped<S: Shell>() {
    let value = Rc::new(());
    let (sender, receiver) = watch::<_, S>(Some(value.clone()));
    let held = receiver.latest();
    sender.send(None);
    assert_eq!(Rc::strong_count(&value), 2);
    drop(held);
    assert_eq!(Rc::strong_count(&value), 1);
    sender.send(Some(value.clone()));
    sender.send(None);
    assert_eq!(Rc::strong_count(&value), 1);
    sender.send(Some(value.clone()));
    drop((sender, receiver));
    assert_eq!(Rc::strong_count(&value), 1);
}

fn debug_prints_the_state<S: Shell>() {
    let (sender, receiver) = watch::<_, S>(0);
    sender.send(1);
    let state = "{ version: 1, senders: 1, receivers: 1, waiters: 0 }";
    assert_eq!(format!("{sender:?}"), format!("WatchSender {state}"));
    assert_eq!(format!("{receiver:?}"), format!("WatchReceiver {state}"));
}

#[test]
fn updates_of_many_threads_are_all_kept() {
    let (sender, mut receiver) = bibelot_sync::watch(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let sender = sender.clone();
            scope.spawn(move || (0..500).for_each(|_| sender.update(|value| *value += 1)));
        }
        receiver.changed_blocking().unwrap();
        assert!(receiver.wait_for_blocking(|value| *value == 2000).is_ok());
    });
    assert_eq!(*sender.latest(), 2000);
}
