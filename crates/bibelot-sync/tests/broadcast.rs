//! Broadcasts: every item to all, exact counts of what was missed, and items that go when all have them.

mod common;

use bibelot_sync::generic::{Shell, broadcast};
use bibelot_sync::{BroadcastError, NoReceivers, TryBroadcastError};
use common::{Flag, in_both_shells, now, poll};
use std::cell::Cell;
use std::rc::Rc;

in_both_shells! {
    every_receiver_gets_every_item_in_order,
    a_slow_receiver_hears_exactly_how_many_it_missed,
    one_that_falls_behind_while_it_is_waiting_hears_of_it,
    a_receiver_gets_what_is_sent_after_it_came,
    a_clone_is_where_the_original_is,
    an_item_goes_when_all_have_it_and_the_last_takes_it_without_a_clone,
    items_go_with_the_receivers_they_were_for,
    without_receivers_an_item_comes_back,
    receivers_get_what_is_kept_when_the_senders_are_gone,
    a_dropped_wait_has_received_nothing,
    debug_prints_the_state,
}

fn every_receiver_gets_every_item_in_order<S: Shell>() {
    let (sender, mut one) = broadcast::<_, S>(4);
    let mut other = sender.subscribe();
    let (mut wait, flag) = (other.recv(), Flag::new());
    assert!(poll(&mut wait, &flag).is_pending());
    assert_eq!([1, 2].map(|item| sender.send(item)), [Ok(2), Ok(2)]);
    assert!(flag.take());
    assert_eq!(now(wait), Ok(1));
    assert_eq!((now(other.recv()), now(one.recv())), (Ok(2), Ok(1)));
    assert_eq!(
        (one.try_recv(), one.try_recv()),
        (Ok(2), Err(TryBroadcastError::Empty))
    );
}

fn a_slow_receiver_hears_exactly_how_many_it_missed<S: Shell>() {
    let (sender, mut receiver) = broadcast::<_, S>(3);
    for item in 0..10 {
        sender.send(item).unwrap();
    }
    assert_eq!((sender.len(), sender.capacity()), (3, 3));
    assert_eq!(receiver.try_recv(), Err(TryBroadcastError::Lagged(7)));
    assert_eq!(receiver.try_recv(), Ok(7));
    sender.send(10).unwrap();
    sender.send(11).unwrap();
    // 8 had to make way.
    assert_eq!(now(receiver.recv()), Err(BroadcastError::Lagged(1)));
    assert_eq!(
        [(); 3].map(|()| now(receiver.recv())),
        [Ok(9), Ok(10), Ok(11)]
    );
}

fn one_that_falls_behind_while_it_is_waiting_hears_of_it<S: Shell>() {
    let (sender, mut receiver) = broadcast::<_, S>(1);
    let mut wait = receiver.recv();
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(now(wait), Err(BroadcastError::Lagged(1)));
    assert_eq!(now(receiver.recv()), Ok(2));
}

fn a_receiver_gets_what_is_sent_after_it_came<S: Shell>() {
    let (sender, first) = broadcast::<_, S>(4);
    sender.send(1).unwrap();
    let mut late = sender.subscribe();
    sender.send(2).unwrap();
    assert_eq!((late.try_recv(), sender.len()), (Ok(2), 2));
    drop(first);
    assert!(sender.is_empty());
}

fn a_clone_is_where_the_original_is<S: Shell>() {
    let (sender, mut receiver) = broadcast::<_, S>(2);
    for item in 0..3 {
        sender.send(item).unwrap();
    }
    let mut clone = receiver.clone();
    assert_eq!(clone.try_recv(), Err(TryBroadcastError::Lagged(1)));
    assert_eq!(receiver.try_recv(), Err(TryBroadcastError::Lagged(1)));
    assert_eq!((clone.try_recv(), receiver.try_recv()), (Ok(1), Ok(1)));
    let mut clone = clone.clone();
    assert_eq!((clone.try_recv(), receiver.try_recv()), (Ok(2), Ok(2)));
}

struct Counted(Rc<Cell<(u32, u32)>>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        let (clones, drops) = self.0.get();
        self.0.set((clones + 1, drops));
        Self(self.0.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let (clones, drops) = self.0.get();
        self.0.set((clones, drops + 1));
    }
}

fn an_item_goes_when_all_have_it_and_the_last_takes_it_without_a_clone<S: Shell>() {
    let counts = Rc::new(Cell::new((0, 0)));
    let (sender, mut one) = broadcast::<_, S>(4);
    let mut other = sender.subscribe();
    sender.send(Counted(counts.clone())).unwrap();
    drop(one.try_recv());
    assert_eq!((counts.get(), sender.len()), ((1, 1), 1));
    drop(other.try_recv());
    assert_eq!((counts.get(), sender.len()), ((1, 2), 0));
}

fn items_go_with_the_receivers_they_were_for<S: Shell>() {
    let counts = Rc::new(Cell::new((0, 0)));
    let (sender, mut one) = broadcast::<_, S>(4);
    let other = sender.subscribe();
    for _ in 0..3 {
        sender.send(Counted(counts.clone())).unwrap();
    }
    drop(one.try_recv());
    drop(other);
    assert_eq!((counts.get(), sender.len()), ((1, 2), 2));
    drop(one);
    assert_eq!((counts.get(), sender.len()), ((1, 4), 0));
}

fn without_receivers_an_item_comes_back<S: Shell>() {
    let (sender, receiver) = broadcast::<_, S>(1);
    drop(receiver);
    assert_eq!(sender.send(1), Err(NoReceivers(1)));
    let mut receiver = sender.subscribe();
    assert_eq!((sender.receiver_count(), sender.send(2)), (1, Ok(1)));
    assert_eq!(receiver.try_recv(), Ok(2));
}

fn receivers_get_what_is_kept_when_the_senders_are_gone<S: Shell>() {
    let (sender, mut receiver) = broadcast::<_, S>(1);
    let (other, mut waiting) = (sender.clone(), receiver.clone());
    sender.send(1).unwrap();
    assert_eq!(now(waiting.recv()), Ok(1));
    drop(sender);
    let (mut wait, flag) = (waiting.recv(), Flag::new());
    assert!(poll(&mut wait, &flag).is_pending());
    drop(other);
    assert!(flag.take());
    assert_eq!(now(wait), Err(BroadcastError::Closed));
    assert_eq!(
        (now(receiver.recv()), receiver.try_recv()),
        (Ok(1), Err(TryBroadcastError::Closed))
    );
}

fn a_dropped_wait_has_received_nothing<S: Shell>() {
    let (sender, mut receiver) = broadcast::<_, S>(1);
    let mut wait = receiver.recv();
    assert!(poll(&mut wait, &Flag::new()).is_pending());
    sender.send(1).unwrap();
    drop(wait);
    assert_eq!(now(receiver.recv()), Ok(1));
}

fn debug_prints_the_state<S: Shell>() {
    let (sender, receiver) = broadcast::<u8, S>(3);
    let state = "{ len: 0, capacity: 3, senders: 1, receivers: 1, waiters: 0 }";
    assert_eq!(format!("{sender:?}"), format!("BroadcastSender {state}"));
    assert_eq!(
        format!("{receiver:?}"),
        format!("BroadcastReceiver {state}")
    );
}

#[test]
#[should_panic(expected = "reaches nobody")]
fn a_broadcast_that_keeps_nothing_is_refused() {
    let _ = bibelot_sync::broadcast::<u8>(0);
}

#[test]
fn threads_get_or_miss_every_item() {
    const ITEMS: u64 = 3000;
    let (sender, receiver) = bibelot_sync::broadcast(8);
    std::thread::scope(|scope| {
        for mut receiver in [receiver.clone(), receiver.clone(), receiver] {
            scope.spawn(move || {
                let mut next = 0;
                loop {
                    match receiver.recv_blocking() {
                        Ok(item) => {
                            assert_eq!(item, next);
                            next += 1;
                        }
                        Err(BroadcastError::Lagged(missed)) => next += missed,
                        Err(_) => break,
                    }
                }
                assert_eq!(next, ITEMS);
            });
        }
        for item in 0..ITEMS {
            sender.send(item).unwrap();
        }
        drop(sender);
    });
}
