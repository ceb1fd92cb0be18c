//! Channels: sides that are counted, and what happens when one of them is gone.

mod common;

use bibelot_sync::generic::{Shell, channel, rendezvous, unbounded};
use bibelot_sync::{Closed, PutError, TryGetError, TryPutError};
use common::{Flag, in_both_shells, now, poll};
use std::rc::Rc;

in_both_shells! {
    receivers_get_what_is_left_when_the_last_sender_is_gone,
    the_last_sender_that_goes_tells_those_that_wait,
    senders_get_their_items_back_when_the_last_receiver_is_gone,
    what_nobody_will_receive_is_dropped_with_the_last_receiver,
    both_sides_are_counted,
    a_weak_sender_does_not_keep_the_channel_open,
    a_sender_hears_that_nobody_receives,
    closing_from_either_side_closes_for_all,
    a_forced_item_displaces_the_oldest,
    room_is_reserved_and_used,
    a_rendezvous_ends_with_its_receivers,
    debug_prints_the_state,
}

fn receivers_get_what_is_left_when_the_last_sender_is_gone<S: Shell>() {
    let (sender, receiver) = channel::<_, S>(2);
    let other = sender.clone();
    sender.try_send(1).unwrap();
    drop(sender);
    assert!(!receiver.is_closed());
    now(other.send(2)).unwrap();
    assert!(other.is_full() && !other.is_empty());
    drop(other);
    assert_eq!((receiver.try_recv(), now(receiver.recv())), (Ok(1), Ok(2)));
    assert_eq!(now(receiver.recv()), Err(Closed));
    assert_eq!(receiver.try_recv(), Err(TryGetError::Closed));
}

fn the_last_sender_that_goes_tells_those_that_wait<S: Shell>() {
    let (sender, receiver) = unbounded::<u8, S>();
    let flags = [Flag::new(), Flag::new()];
    let mut waits = [receiver.recv(), receiver.recv()];
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    drop(sender);
    assert!(flags.iter().all(Flag::take));
    for wait in waits {
        assert_eq!(now(wait), Err(Closed));
    }
}

fn senders_get_their_items_back_when_the_last_receiver_is_gone<S: Shell>() {
    let (sender, receiver) = channel::<_, S>(1);
    sender.try_send(1).unwrap();
    let (mut send, flag) = (sender.send(2), Flag::new());
    assert!(poll(&mut send, &flag).is_pending());
    let other = receiver.clone();
    drop(receiver);
    assert!(!flag.take() && !sender.is_closed());
    drop(other);
    assert!(flag.take() && sender.is_closed());
    assert_eq!(now(send), Err(PutError(2)));
    assert_eq!(sender.try_send(3), Err(TryPutError::Closed(3)));
}

fn what_nobody_will_receive_is_dropped_with_the_last_receiver<S: Shell>() {
    let item = Rc::new(());
    let (sender, receiver) = unbounded::<_, S>();
    sender.try_send(item.clone()).unwrap();
    drop(receiver);
    assert_eq!(Rc::strong_count(&item), 1);
    assert!(sender.is_empty());
}

fn both_sides_are_counted<S: Shell>() {
    let (sender, receiver) = unbounded::<u8, S>();
    let (senders, receivers) = (sender.clone(), [receiver.clone(), receiver.clone()]);
    assert_eq!((sender.sender_count(), sender.receiver_count()), (2, 3));
    assert_eq!((receiver.sender_count(), receiver.receiver_count()), (2, 3));
    drop((senders, receivers));
    assert_eq!((sender.sender_count(), sender.receiver_count()), (1, 1));
    drop(sender);
    assert_eq!(receiver.sender_count(), 0);
}

fn a_weak_sender_does_not_keep_the_channel_open<S: Shell>() {
    let (sender, receiver) = unbounded::<u8, S>();
    let weak = sender.downgrade();
    weak.clone().upgrade().unwrap().try_send(1).unwrap();
    assert_eq!(receiver.sender_count(), 1);
    drop(sender);
    assert!(weak.upgrade().is_none() && receiver.is_closed());
    assert_eq!(now(receiver.recv()), Ok(1));
}

fn a_sender_hears_that_nobody_receives<S: Shell>() {
    let (sender, receiver) = unbounded::<u8, S>();
    let (mut closed, flag) = (sender.closed(), Flag::new());
    assert!(poll(&mut closed, &flag).is_pending());
    drop(receiver);
    assert!(flag.take());
    now(closed);
}

fn closing_from_either_side_closes_for_all<S: Shell>() {
    let (sender, receiver) = unbounded::<u8, S>();
    sender.try_send(1).unwrap();
    receiver.close();
    assert_eq!(sender.clone().try_send(2), Err(TryPutError::Closed(2)));
    assert_eq!((receiver.len(), now(receiver.recv())), (1, Ok(1)));
    let (sender, receiver) = unbounded::<u8, S>();
    sender.close();
    assert!(receiver.is_closed() && receiver.is_empty());
}

fn a_forced_item_displaces_the_oldest<S: Shell>() {
    let (sender, receiver) = channel::<_, S>(1);
    assert_eq!(
        [1, 2].map(|item| sender.force_send(item)),
        [Ok(None), Ok(Some(1))]
    );
    assert!(receiver.drain().eq([2]));
    drop(receiver);
    assert_eq!(sender.force_send(3), Err(PutError(3)));
}

fn room_is_reserved_and_used<S: Shell>() {
    let (sender, receiver) = channel::<_, S>(1);
    let permit = now(sender.reserve()).unwrap();
    assert!(sender.try_reserve().is_err());
    permit.put(1);
    assert_eq!((receiver.try_recv(), receiver.capacity()), (Ok(1), Some(1)));
}

fn a_rendezvous_ends_with_its_receivers<S: Shell>() {
    let (sender, receiver) = rendezvous::<_, S>();
    let mut sends = [sender.send(1), sender.send(2)];
    for send in &mut sends {
        assert!(poll(send, &Flag::new()).is_pending());
    }
    assert_eq!((now(receiver.recv()), sender.capacity()), (Ok(1), Some(0)));
    drop(receiver);
    assert_eq!(sends.map(now), [Ok(()), Err(PutError(2))]);
}

fn debug_prints_the_state<S: Shell>() {
    let (sender, receiver) = channel::<u8, S>(3);
    let sides = format!("{sender:?} {receiver:?}");
    assert!(sides.starts_with("Sender { queue: Queue { len: 0, capacity: 3, closed: false"));
    assert!(sides.contains("Receiver { queue: Queue {"));
    assert_eq!(format!("{:?}", sender.downgrade()), "WeakSender { .. }");
}

#[test]
fn threads_pass_all_items_and_hear_of_the_end() {
    let (sender, receiver) = bibelot_sync::channel(2);
    let got = std::thread::scope(|scope| {
        for base in [0, 100] {
            let sender = sender.clone();
            scope.spawn(move || {
                (base..base + 100).for_each(|item| sender.send_blocking(item).unwrap());
            });
        }
        let receivers: Vec<_> = [receiver.clone(), receiver]
            .into_iter()
            .map(|receiver| {
                scope.spawn(move || std::iter::from_fn(|| receiver.recv_blocking().ok()).collect())
            })
            .collect();
        // Only now: without receivers the others may fill the channel, and then nobody goes on.
        sender.reserve_blocking().unwrap().put(200);
        drop(sender);
        let got = receivers.into_iter().map(|it| it.join().unwrap());
        got.collect::<Vec<Vec<i32>>>().concat()
    });
    let mut got = got;
    got.sort_unstable();
    assert!(got.into_iter().eq(0..=200));
}
