//! Notifications, results and oneshots: what is told, to whom, and what a drop loses: nothing.

mod common;

use bibelot_sync::generic::{Notify, OnceResult, Shell, Universal, oneshot};
use bibelot_sync::{AlreadySet, SendError, SenderGone, TryRecvError};
use common::{Flag, in_both_shells, now, poll};
use std::task::Poll;

in_both_shells! {
    a_notification_for_nobody_is_kept_once,
    notify_one_releases_the_oldest,
    notify_all_releases_those_that_wait_and_keeps_nothing,
    notify_all_counts_for_a_future_made_before_it,
    a_dropped_waiter_hands_the_notification_on,
    a_dropped_waiter_that_was_told_with_all_hands_nothing_on,
    a_result_is_set_once_and_read_by_many,
    a_value_is_sent_once,
    a_sender_that_goes_is_noticed,
    a_receiver_that_goes_gives_the_value_back,
    a_sender_waits_for_the_receiver_to_go,
    a_closed_receiver_still_gets_what_was_sent,
    a_receiver_left_and_polled_again_gets_its_value,
    debug_prints_the_state,
}

fn a_notification_for_nobody_is_kept_once<S: Shell>() {
    let notify = Notify::<S>::default();
    notify.notify_one();
    notify.clone().notify_one();
    now(notify.notified());
    assert!(poll(&mut notify.notified(), &Flag::new()).is_pending());
}

fn notify_one_releases_the_oldest<S: Shell>() {
    let notify = Notify::<S>::new();
    let flags = [Flag::new(), Flag::new()];
    let mut waits = [notify.notified(), notify.notified()];
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    notify.notify_one();
    assert!(flags[0].take() && !flags[1].take());
    assert!(poll(&mut waits[0], &flags[0]).is_ready());
    assert!(poll(&mut waits[1], &flags[1]).is_pending());
}

fn notify_all_releases_those_that_wait_and_keeps_nothing<S: Shell>() {
    let notify = Notify::<S>::new();
    let woken = Flag::new();
    let mut waits = [notify.notified(), notify.notified()];
    for wait in &mut waits {
        assert!(poll(wait, &woken).is_pending());
    }
    notify.notify_all();
    assert!(woken.take());
    for wait in &mut waits {
        assert!(poll(wait, &woken).is_ready());
    }
    assert!(poll(&mut notify.notified(), &woken).is_pending());
}

fn notify_all_counts_for_a_future_made_before_it<S: Shell>() {
    let notify = Notify::<S>::new();
    let mut early = notify.notified();
    notify.notify_all();
    assert!(poll(&mut early, &Flag::new()).is_ready());
}

fn a_dropped_waiter_hands_the_notification_on<S: Shell>() {
    let notify = Notify::<S>::new();
    let second = Flag::new();
    let mut cut = notify.notified();
    let mut next = notify.notified();
    assert!(poll(&mut cut, &Flag::new()).is_pending());
    assert!(poll(&mut next, &second).is_pending());
    notify.notify_one();
    drop(cut);
    assert!(second.take());
    drop(next);
    now(notify.notified());
}

fn a_dropped_waiter_that_was_told_with_all_hands_nothing_on<S: Shell>() {
    let notify = Notify::<S>::new();
    let mut cut = notify.notified();
    assert!(poll(&mut cut, &Flag::new()).is_pending());
    notify.notify_all();
    drop(cut);
    assert!(poll(&mut notify.notified(), &Flag::new()).is_pending());
}

fn a_result_is_set_once_and_read_by_many<S: Shell>() {
    let result = OnceResult::<u32, String, S>::default();
    let woken = Flag::new();
    let mut waits = [result.get(), result.get()];
    for wait in &mut waits {
        assert!(poll(wait, &woken).is_pending());
    }
    assert!(!result.is_set() && result.try_get().is_none());
    result.clone().set(Ok(1)).unwrap();
    assert!(woken.take());
    let refused = result.set(Err("late".into()));
    assert_eq!(refused, Err(AlreadySet(Err("late".into()))));
    for wait in &mut waits {
        assert_eq!(poll(wait, &woken), Poll::Ready(&Ok(1)));
    }
    assert_eq!(now(result.get()), &Ok(1));
    assert_eq!(result.try_get(), Some(&Ok(1)));
}

fn a_value_is_sent_once<S: Shell>() {
    let (sender, mut receiver) = oneshot::<u32, S>();
    let woken = Flag::new();
    assert!(poll(&mut receiver, &woken).is_pending());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send(7).unwrap();
    assert!(woken.take());
    assert_eq!(poll(&mut receiver, &woken), Poll::Ready(Ok(7)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Gone));
}

fn a_sender_that_goes_is_noticed<S: Shell>() {
    let (sender, mut receiver) = oneshot::<u32, S>();
    let woken = Flag::new();
    assert!(poll(&mut receiver, &woken).is_pending());
    drop(sender);
    assert!(woken.take());
    assert_eq!(poll(&mut receiver, &woken), Poll::Ready(Err(SenderGone)));
}

fn a_receiver_that_goes_gives_the_value_back<S: Shell>() {
    let (sender, receiver) = oneshot::<u32, S>();
    assert!(!sender.is_closed());
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.send(7), Err(SendError(7)));
}

fn a_sender_waits_for_the_receiver_to_go<S: Shell>() {
    let (mut sender, receiver) = oneshot::<u32, S>();
    let woken = Flag::new();
    let mut closed = sender.closed();
    assert!(poll(&mut closed, &woken).is_pending());
    drop(receiver);
    assert!(woken.take());
    assert!(poll(&mut closed, &woken).is_ready());
}

fn a_closed_receiver_still_gets_what_was_sent<S: Shell>() {
    let (sender, mut receiver) = oneshot::<u32, S>();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(now(receiver), Ok(1));
    let (sender, mut receiver) = oneshot::<u32, S>();
    receiver.close();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Gone));
    assert_eq!(sender.send(2), Err(SendError(2)));
    assert_eq!(now(receiver), Err(SenderGone));
}

fn a_receiver_left_and_polled_again_gets_its_value<S: Shell>() {
    let (sender, mut receiver) = oneshot::<u32, S>();
    let (old, new) = (Flag::new(), Flag::new());
    assert!(poll(&mut receiver, &old).is_pending());
    assert!(poll(&mut receiver, &new).is_pending());
    sender.send(3).unwrap();
    assert!(!old.take() && new.take());
    assert_eq!(now(receiver), Ok(3));
}

fn debug_prints_the_state<S: Shell>() {
    let notify = Notify::<S>::new();
    notify.notify_one();
    assert_eq!(format!("{notify:?}"), "Notify { stored: true, waiters: 0 }");
    let (sender, receiver) = oneshot::<u32, S>();
    drop(receiver);
    assert_eq!(
        format!("{sender:?}"),
        "OneshotSender { sent: false, sender: true, receiver: false }"
    );
    let result = OnceResult::<u32, u32, S>::new();
    result.set(Err(1)).unwrap();
    assert_eq!(
        format!("{result:?}"),
        "OnceResult { value: error, set: Event { set: true, waiters: 0 } }"
    );
}

#[test]
fn a_thread_is_notified_and_sent_a_value() {
    let notify = Notify::<Universal>::new();
    let (sender, receiver) = oneshot::<u32, Universal>();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            notify.notified_blocking();
            receiver.recv_blocking()
        });
        notify.notify_one();
        sender.send(5).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(5));
    });
}
