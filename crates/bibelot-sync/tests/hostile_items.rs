//! Items and values of users that call back while they are cloned, compared with, dropped or made.
//!
//! Were any of that done under a borrow or lock, the local shell would panic and the universal one would
//! never end.

mod common;

use bibelot_sync::generic::{
    BroadcastSender, Fifo, OnceCell, Queue, RwLock, Sender, Shell, WatchSender, broadcast, channel,
    watch,
};
use common::{Flag, in_both_shells, now, poll};
use std::cell::Cell;
use std::future::ready;
use std::rc::Rc;

in_both_shells! {
    a_value_of_a_watch_may_use_the_watch_while_it_is_cloned_and_dropped,
    an_item_of_a_broadcast_may_use_it_while_it_is_cloned_and_dropped,
    items_left_in_a_channel_may_use_it_while_they_are_dropped,
    a_displaced_and_a_drained_item_may_use_the_queue_while_they_are_dropped,
    an_item_of_a_guard_may_use_the_queue_while_it_is_dropped,
    an_item_of_a_cut_rendezvous_may_use_it_while_it_is_dropped,
    an_initialiser_may_look_at_its_cell,
    a_predicate_may_use_its_watch,
    a_value_of_a_lock_may_let_others_go_while_it_is_dropped,
}

/// Calls back, so often, when it is cloned or dropped.
struct Nosy<F: Fn()> {
    call: Rc<F>,
    left: Rc<Cell<u32>>,
}

impl<F: Fn()> Nosy<F> {
    fn new(left: u32, call: F) -> Self {
        let (call, left) = (Rc::new(call), Rc::new(Cell::new(left)));
        Self { call, left }
    }

    fn tell(&self) {
        if let Some(left) = self.left.get().checked_sub(1) {
            self.left.set(left);
            (self.call)();
        }
    }
}

impl<F: Fn()> Clone for Nosy<F> {
    fn clone(&self) -> Self {
        self.tell();
        let (call, left) = (self.call.clone(), self.left.clone());
        Self { call, left }
    }
}

impl<F: Fn()> Drop for Nosy<F> {
    fn drop(&mut self) {
        self.tell();
    }
}

type Call = Box<dyn Fn()>;

fn a_value_of_a_watch_may_use_the_watch_while_it_is_cloned_and_dropped<S: Shell>() {
    let (sender, receiver) = watch::<Option<Nosy<Call>>, S>(None);
    let inner = sender.clone();
    let call = move || {
        let _ = (
            inner.latest().is_some(),
            format!("{inner:?}"),
            inner.receiver_count(),
        );
        inner.send(None);
    };
    let nosy = Nosy::new(5, Box::new(call) as Call);
    let left = nosy.left.clone();
    sender.send(Some(nosy.clone()));
    sender.update(|value| *value = Some(nosy.clone()));
    sender.update(|_| ());
    sender.send(None);
    drop(nosy);
    assert_eq!(left.get(), 0);
    assert!(receiver.latest().is_none());
}

fn an_item_of_a_broadcast_may_use_it_while_it_is_cloned_and_dropped<S: Shell>() {
    let (sender, receiver) = broadcast::<Option<Nosy<Call>>, S>(1);
    let inner: BroadcastSender<_, S> = sender.clone();
    let call = move || {
        let mut receiver = inner.subscribe();
        let _ = inner.send(None);
        let _ = (receiver.try_recv().is_ok(), format!("{inner:?}"));
    };
    let nosy = Nosy::new(6, Box::new(call) as Call);
    let left = nosy.left.clone();
    let (mut first, mut second) = (receiver.clone(), receiver);
    for _ in 0..2 {
        sender.send(Some(nosy.clone())).unwrap();
        let _ = first.try_recv().is_ok();
    }
    let _ = second.try_recv().is_ok();
    sender.send(Some(nosy)).unwrap();
    drop((first, second));
    assert!(sender.is_empty() && left.get() < 4);
}

fn items_left_in_a_channel_may_use_it_while_they_are_dropped<S: Shell>() {
    let (sender, receiver) = channel::<Nosy<Call>, S>(2);
    let inner: Sender<_, S> = sender.clone();
    let call = move || assert!(inner.is_closed() && !inner.is_full());
    sender.try_send(Nosy::new(1, Box::new(call))).ok().unwrap();
    drop(receiver);
    assert!(sender.is_empty());
}

fn a_displaced_and_a_drained_item_may_use_the_queue_while_they_are_dropped<S: Shell>() {
    let queue = Queue::<Fifo<Option<Nosy<Call>>>, S>::bounded(1);
    let inner = queue.clone();
    let call = move || drop((inner.force_put(None), inner.drain(), inner.try_reserve()));
    let nosy = Nosy::new(3, Box::new(call) as Call);
    let left = nosy.left.clone();
    queue.force_put(Some(nosy.clone())).ok().unwrap();
    drop(queue.force_put(Some(nosy)));
    drop(queue.drain());
    assert_eq!((left.get(), queue.len()), (0, 0));
}

fn an_item_of_a_guard_may_use_the_queue_while_it_is_dropped<S: Shell>() {
    let queue = Queue::<Fifo<Nosy<Call>>, S>::unbounded();
    let inner = queue.clone();
    let call = move || assert_eq!((inner.undone(), inner.len()), (1, 0));
    queue.try_put(Nosy::new(1, Box::new(call))).ok().unwrap();
    drop(now(queue.get_guard()));
    assert_eq!(queue.undone(), 0);
}

fn an_item_of_a_cut_rendezvous_may_use_it_while_it_is_dropped<S: Shell>() {
    let queue = Queue::<Fifo<Nosy<Call>>, S>::rendezvous();
    for close in [false, true] {
        let inner = queue.clone();
        let call = move || drop((inner.try_get(), format!("{inner:?}")));
        let nosy = Nosy::new(1, Box::new(call) as Call);
        let left = nosy.left.clone();
        let mut put = queue.put(nosy);
        assert!(poll(&mut put, &Flag::new()).is_pending());
        if close {
            queue.close();
        }
        drop(put);
        assert_eq!(left.get(), 0);
    }
}

fn an_initialiser_may_look_at_its_cell<S: Shell>() {
    let cell = OnceCell::<u32, S>::new();
    let made = cell.get_or_init(|| {
        assert!(cell.get().is_none() && cell.set(1).is_err());
        assert!(format!("{cell:?}").contains("being made"));
        let mut other = cell.get_or_init(|| ready(2));
        assert!(poll(&mut other, &Flag::new()).is_pending());
        ready(3)
    });
    assert_eq!(now(made), &3);
}

fn a_predicate_may_use_its_watch<S: Shell>() {
    let (sender, mut receiver) = watch::<u32, S>(0);
    let inner: WatchSender<_, S> = sender.clone();
    // Each look makes another change, which the next look sees.
    let wait = receiver.wait_for(move |value| {
        inner.send(value + 1);
        *value == 3
    });
    assert_eq!(*now(wait).unwrap(), 3);
    assert_eq!(*sender.latest(), 4);
}

fn a_value_of_a_lock_may_let_others_go_while_it_is_dropped<S: Shell>() {
    let other = RwLock::<u32, S>::new(0);
    let guard = now(other.read()).into_owned();
    let lock = RwLock::<_, S>::new(Some(guard));
    let (mut write, flag) = (other.write(), Flag::new());
    assert!(poll(&mut write, &flag).is_pending());
    *now(lock.write()) = None;
    assert!(flag.take());
    drop(now(write));
}
