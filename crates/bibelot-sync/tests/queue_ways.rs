//! The other ways in and out of a queue: by rank, by force, by reserved room, in a guard, all at once, and
//! from hand to hand.

mod common;

use bibelot_sync::generic::{Fifo, Lifo, Priority, Queue, Shell};
use bibelot_sync::{Closed, PutError, TryGetError, TryPutError};
use common::{Flag, in_both_shells, now, poll};
use std::cell::Cell;
use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::task::Poll;

in_both_shells! {
    the_smallest_rank_comes_first_and_of_equal_ones_the_oldest,
    an_item_that_a_dropped_getter_gives_back_is_first_of_its_rank,
    a_forced_item_displaces_the_oldest_or_the_least_urgent,
    a_forced_item_does_not_take_room_that_was_promised,
    a_displaced_item_counts_as_done,
    draining_takes_all_in_order_and_lets_putters_in,
    reserved_room_is_taken_and_comes_back,
    those_that_reserve_and_those_that_put_stand_in_one_line,
    a_permit_puts_also_into_a_closed_queue,
    closing_refuses_those_that_wait_for_room_to_reserve,
    a_guard_counts_its_item_done_however_it_ends,
    a_guard_gives_its_item_away_uncounted,
    a_rendezvous_passes_items_from_hand_to_hand,
    a_cut_put_of_a_rendezvous_has_its_item_unless_it_was_taken,
    an_item_given_back_to_a_rendezvous_is_not_lost,
    closing_a_rendezvous_gives_the_items_back,
    closed_is_told_when_the_queue_is_closed,
    a_length_is_waited_for_in_any_range,
    a_length_that_a_closed_queue_will_not_have_is_an_error,
    a_weak_handle_does_not_keep_the_queue,
}

type Fifoq<T, S> = Queue<Fifo<T>, S>;
type ByRank<K, T, S> = Queue<Priority<K, T>, S>;

fn the_smallest_rank_comes_first_and_of_equal_ones_the_oldest<S: Shell>() {
    let queue = ByRank::<u8, &str, S>::unbounded();
    for item in [(2, "c"), (1, "a"), (2, "d"), (1, "b")] {
        now(queue.put(item)).unwrap();
    }
    let order: String = queue.drain().map(|(_, name)| name).collect();
    assert_eq!(order, "abcd");

    let queue = ByRank::<(Reverse<u8>, String), u8, S>::unbounded();
    for (number, (urgency, name)) in (0..).zip([(1, "z"), (9, "b"), (9, "a")]) {
        let rank = (Reverse(urgency), name.to_owned());
        queue.try_put((rank, number)).unwrap();
    }
    assert!(queue.drain().map(|item| item.1).eq([2, 1, 0]));
}

fn an_item_that_a_dropped_getter_gives_back_is_first_of_its_rank<S: Shell>() {
    let queue = ByRank::<u8, u8, S>::unbounded();
    let mut get = queue.get();
    assert!(poll(&mut get, &Flag::new()).is_pending());
    for item in [(5, 0), (5, 1), (3, 2)] {
        queue.try_put(item).unwrap();
    }
    drop(get);
    assert!(queue.drain().eq([(3, 2), (5, 0), (5, 1)]));
}

fn a_forced_item_displaces_the_oldest_or_the_least_urgent<S: Shell>() {
    let queue = Fifoq::<u8, S>::bounded(2);
    let forced = [1, 2, 3].map(|item| queue.force_put(item).unwrap());
    assert_eq!(forced, [None, None, Some(1)]);
    assert!(queue.drain().eq([2, 3]));

    let stack = Queue::<Lifo<u8>, S>::bounded(2);
    let forced = [1, 2, 3].map(|item| stack.force_put(item).unwrap());
    assert_eq!(forced, [None, None, Some(1)]);
    assert!(stack.drain().eq([3, 2]));

    let queue = ByRank::<u8, u8, S>::bounded(2);
    let forced = [(1, 1), (7, 2), (3, 3), (9, 4)].map(|item| queue.force_put(item).unwrap());
    assert_eq!(forced, [None, None, Some((7, 2)), Some((9, 4))]);
    queue.close();
    assert_eq!(queue.force_put((0, 0)), Err(PutError((0, 0))));
}

fn a_forced_item_does_not_take_room_that_was_promised<S: Shell>() {
    let queue = Fifoq::<u8, S>::bounded(1);
    queue.try_put(1).unwrap();
    let mut put = queue.put(2);
    assert!(poll(&mut put, &Flag::new()).is_pending());
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(queue.force_put(3), Ok(None));
    assert_eq!(queue.force_put(4), Ok(Some(3)));
    assert_eq!(poll(&mut put, &Flag::new()), Poll::Ready(Ok(())));
    assert!(queue.drain().eq([4, 2]));
}

fn a_displaced_item_counts_as_done<S: Shell>() {
    let queue = Fifoq::<u8, S>::bounded(1);
    queue.force_put(1).unwrap();
    queue.force_put(2).unwrap();
    assert_eq!(queue.undone(), 1);
    queue.task_done().unwrap();
    now(queue.join());
}

fn draining_takes_all_in_order_and_lets_putters_in<S: Shell>() {
    let queue = Fifoq::<u8, S>::bounded(2);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let (mut put, flag) = (queue.put(3), Flag::new());
    assert!(poll(&mut put, &flag).is_pending());
    let drained = queue.drain();
    assert_eq!(format!("{drained:?}"), "Drained(2)");
    assert!(flag.take() && queue.is_empty() && drained.eq([1, 2]));
    assert_eq!(poll(&mut put, &flag), Poll::Ready(Ok(())));
    assert_eq!(queue.undone(), 3);
    queue.close();
    assert!(queue.drain().eq([3]));
    assert_eq!(queue.try_get(), Err(TryGetError::Closed));
}

fn reserved_room_is_taken_and_comes_back<S: Shell>() {
    let queue = Fifoq::<u8, S>::bounded(1);
    let permit = now(queue.reserve()).unwrap();
    assert!(queue.is_full() && queue.try_reserve().is_err());
    assert_eq!(queue.try_put(1), Err(TryPutError::Full(1)));
    let (mut put, flag) = (queue.put(2), Flag::new());
    assert!(poll(&mut put, &flag).is_pending());
    drop(permit);
    assert!(flag.take());
    drop(put);
    queue.try_reserve().unwrap().into_owned().put(7);
    assert_eq!((queue.try_get(), queue.undone()), (Ok(7), 1));
    drop(queue.try_reserve().unwrap().into_owned());
    assert!(!queue.is_full());
}

fn those_that_reserve_and_those_that_put_stand_in_one_line<S: Shell>() {
    let queue = Fifoq::<u8, S>::bounded(1);
    queue.try_put(0).unwrap();
    let flags = [Flag::new(), Flag::new(), Flag::new()];
    let (mut first, mut second, mut third) = (queue.put(1), queue.reserve(), queue.put(3));
    assert!(poll(&mut first, &flags[0]).is_pending());
    assert!(poll(&mut second, &flags[1]).is_pending());
    assert!(poll(&mut third, &flags[2]).is_pending());
    let woken = || [0, 1, 2].map(|at: usize| flags[at].take());
    assert_eq!(queue.try_get(), Ok(0));
    assert_eq!(woken(), [true, false, false]);
    assert_eq!(now(first), Ok(()));
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(woken(), [false, true, false]);
    // A permit that was granted and not seen goes to the next.
    drop(second);
    assert_eq!(woken(), [false, false, true]);
    assert_eq!(now(third), Ok(()));
}

fn a_permit_puts_also_into_a_closed_queue<S: Shell>() {
    let queue = Fifoq::<u8, S>::bounded(2);
    let permits = [queue.try_reserve().unwrap(), queue.try_reserve().unwrap()];
    queue.close();
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    let flags = [Flag::new(), Flag::new()];
    let mut gets = [queue.get(), queue.get()];
    for (get, flag) in gets.iter_mut().zip(&flags) {
        assert!(poll(get, flag).is_pending());
    }
    let [used, unused] = permits;
    used.put(5);
    let [first, second] = gets;
    assert_eq!(now(first), Ok(5));
    assert!(!flags[1].take());
    drop(unused);
    assert!(flags[1].take());
    assert_eq!(now(second), Err(Closed));
}

fn closing_refuses_those_that_wait_for_room_to_reserve<S: Shell>() {
    let queue = Fifoq::<u8, S>::bounded(1);
    queue.try_put(0).unwrap();
    let mut waits = [queue.reserve(), queue.reserve()];
    for wait in &mut waits {
        assert!(poll(wait, &Flag::new()).is_pending());
    }
    // The first is granted room, which the close takes back.
    assert_eq!(queue.try_get(), Ok(0));
    queue.close();
    for wait in waits {
        assert!(matches!(now(wait), Err(PutError(()))));
    }
    assert!(matches!(now(queue.reserve()), Err(PutError(()))));
    assert_eq!(now(queue.get()), Err(Closed));
}

struct Dropping(Rc<Cell<bool>>);

impl Drop for Dropping {
    fn drop(&mut self) {
        self.0.set(true);
        resume_unwind(Box::new(()));
    }
}

fn a_guard_counts_its_item_done_however_it_ends<S: Shell>() {
    let queue = Fifoq::<u8, S>::unbounded();
    queue.try_put(1).unwrap();
    let mut guard = now(queue.get_guard()).unwrap();
    *guard += 1;
    assert_eq!((format!("{guard:?}"), queue.undone()), ("2".to_owned(), 1));
    drop(guard);
    assert_eq!(queue.undone(), 0);
    queue.try_put(1).unwrap();
    let working = catch_unwind(AssertUnwindSafe(|| {
        let _guard = queue.try_get_guard().unwrap().into_owned();
        resume_unwind(Box::new(()));
    }));
    assert!(working.is_err() && queue.undone() == 0);

    let (queue, dropped) = (Fifoq::<Dropping, S>::unbounded(), Rc::default());
    let _ = queue.try_put(Dropping(Rc::clone(&dropped)));
    let working = catch_unwind(AssertUnwindSafe(|| drop(queue.try_get_guard())));
    assert!(working.is_err() && dropped.get());
    assert_eq!(queue.undone(), 0);
}

fn a_guard_gives_its_item_away_uncounted<S: Shell>() {
    let queue = Fifoq::<u8, S>::unbounded();
    queue.try_put(1).unwrap();
    assert_eq!(now(queue.get_guard()).unwrap().into_item(), 1);
    assert_eq!(queue.undone(), 1);
    queue.close();
    assert!(matches!(now(queue.get_guard()), Err(Closed)));
}

fn a_rendezvous_passes_items_from_hand_to_hand<S: Shell>() {
    let queue = Fifoq::<u8, S>::rendezvous();
    assert_eq!((queue.capacity(), queue.is_full()), (Some(0), true));
    assert_eq!(queue.try_put(1), Err(TryPutError::Full(1)));
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    let flags = [Flag::new(), Flag::new()];
    let mut puts = [queue.put(1), queue.put(2)];
    for (put, flag) in puts.iter_mut().zip(&flags) {
        assert!(poll(put, flag).is_pending());
    }
    assert_eq!((now(queue.get()), queue.undone()), (Ok(1), 1));
    assert!(flags[0].take() && !flags[1].take());
    let [first, second] = puts;
    assert_eq!(now(first), Ok(()));
    drop(second);
    let mut get = queue.get();
    assert!(poll(&mut get, &Flag::new()).is_pending() && !queue.is_full());
    assert_eq!(queue.try_put(3), Ok(()));
    assert_eq!(queue.force_put(4), Ok(Some(4)));
    assert_eq!(now(get), Ok(3));
}

fn a_cut_put_of_a_rendezvous_has_its_item_unless_it_was_taken<S: Shell>() {
    let queue = Fifoq::<u8, S>::rendezvous();
    let mut puts = [queue.put(1), queue.put(2)];
    for put in &mut puts {
        assert!(poll(put, &Flag::new()).is_pending());
    }
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(puts.map(|put| put.into_item()), [None, Some(2)]);
    assert_eq!(queue.put(3).into_item(), Some(3));
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
}

fn an_item_given_back_to_a_rendezvous_is_not_lost<S: Shell>() {
    let queue = Fifoq::<u8, S>::rendezvous();
    let mut get = queue.get();
    assert!(poll(&mut get, &Flag::new()).is_pending());
    queue.try_put(1).unwrap();
    let mut put = queue.put(2);
    assert!(poll(&mut put, &Flag::new()).is_pending());
    queue.close();
    drop(get);
    assert_eq!(now(put), Err(PutError(2)));
    assert_eq!((now(queue.get()), now(queue.get())), (Ok(1), Err(Closed)));
}

fn closing_a_rendezvous_gives_the_items_back<S: Shell>() {
    let queue = Fifoq::<u8, S>::rendezvous();
    let mut puts = [queue.put(1), queue.put(2)];
    for put in &mut puts {
        assert!(poll(put, &Flag::new()).is_pending());
    }
    queue.close();
    assert_eq!(queue.try_get(), Err(TryGetError::Closed));
    let [first, second] = puts;
    assert_eq!(now(first), Err(PutError(1)));
    assert_eq!(second.into_item(), Some(2));
}

fn closed_is_told_when_the_queue_is_closed<S: Shell>() {
    let queue = Fifoq::<u8, S>::unbounded();
    let (mut wait, flag) = (queue.closed(), Flag::new());
    assert!(poll(&mut wait, &flag).is_pending());
    queue.try_put(1).unwrap();
    assert!(!flag.take());
    queue.close();
    assert!(flag.take());
    now(wait);
    now(queue.closed());
}

#[test]
#[should_panic(expected = "no room to keep")]
fn a_rendezvous_has_no_room_to_reserve() {
    let _ = bibelot_sync::Queue::<u8>::rendezvous().try_reserve();
}

#[test]
fn threads_meet() {
    let queue = bibelot_sync::Queue::rendezvous();
    std::thread::scope(|scope| {
        let getter = scope.spawn(|| [queue.get_blocking(), queue.get_blocking()]);
        queue.put_blocking(1).unwrap();
        queue.put_blocking(2).unwrap();
        assert_eq!(getter.join().unwrap(), [Ok(1), Ok(2)]);
    });
    let queue = bibelot_sync::Queue::bounded(1);
    queue.reserve_blocking().unwrap().put(3);
    assert_eq!(*queue.get_guard_blocking().unwrap(), 3);
    queue.join_blocking();
}

fn a_length_is_waited_for_in_any_range<S: Shell>() {
    let queue = Fifoq::<u8, S>::unbounded();
    assert_eq!(now(queue.until_len(..)), Ok(0));
    let (mut two, mut none, flags) = (
        queue.until_len(2..),
        queue.until_len(..1),
        [0; 2].map(|_| Flag::new()),
    );
    assert!(poll(&mut two, &flags[0]).is_pending());
    queue.try_put(1).unwrap();
    assert!(!flags[0].take() && poll(&mut none, &flags[1]).is_pending());
    queue.try_put(2).unwrap();
    assert!(flags[0].take());
    // It is told how it was then.
    queue.try_put(3).unwrap();
    assert_eq!(poll(&mut two, &flags[0]), Poll::Ready(Ok(2)));
    queue.try_get().unwrap();
    assert!(!flags[1].take());
    drop(queue.drain());
    assert!(flags[1].take());
    assert_eq!(poll(&mut none, &flags[1]), Poll::Ready(Ok(0)));
    // An item that goes to a getter never lies in the queue.
    let mut get = queue.get();
    assert!(poll(&mut get, &flags[0]).is_pending());
    let mut one = queue.until_len(1..);
    assert!(poll(&mut one, &flags[1]).is_pending());
    queue.try_put(4).unwrap();
    assert!(flags[0].take() && !flags[1].take());
    drop(get);
    assert!(flags[1].take() && poll(&mut one, &flags[1]) == Poll::Ready(Ok(1)));
    let empty = catch_unwind(AssertUnwindSafe(|| drop(queue.until_len(3..3))));
    assert!(empty.is_err());
}

fn a_length_that_a_closed_queue_will_not_have_is_an_error<S: Shell>() {
    let queue = Fifoq::<u8, S>::unbounded();
    (0..3).for_each(|item| queue.try_put(item).unwrap());
    let permit = queue.try_reserve().unwrap();
    let [mut five, mut four, mut one] = [5..=9, 4..=9, 1..=1].map(|range| queue.until_len(range));
    let flags = [0; 3].map(|_| Flag::new());
    for (wait, flag) in [&mut five, &mut four, &mut one].into_iter().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    queue.close();
    assert_eq!(poll(&mut five, &flags[0]), Poll::Ready(Err(Closed)));
    assert!(!flags[1].take(), "a permit may still bring it");
    permit.put(3);
    assert_eq!(poll(&mut four, &flags[1]), Poll::Ready(Ok(4)));
    drop(queue.drain());
    assert_eq!(poll(&mut one, &flags[2]), Poll::Ready(Err(Closed)));
    assert_eq!(
        (now(queue.until_len(1..)), now(queue.until_len(..))),
        (Err(Closed), Ok(0))
    );
}

fn a_weak_handle_does_not_keep_the_queue<S: Shell>() {
    let (queue, item) = (Fifoq::<Rc<()>, S>::unbounded(), Rc::new(()));
    let weak = queue.downgrade();
    weak.clone()
        .upgrade()
        .unwrap()
        .try_put(item.clone())
        .unwrap();
    assert_eq!((queue.len(), Rc::strong_count(&item)), (1, 2));
    let other = queue.clone();
    drop(queue);
    assert!(weak.upgrade().is_some());
    drop(other);
    assert!(weak.upgrade().is_none());
    assert_eq!(Rc::strong_count(&item), 1);
}
