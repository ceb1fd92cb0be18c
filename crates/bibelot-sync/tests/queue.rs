//! Queues: order, fairness, hand-over, what a drop gives back, closing, counting.

mod common;

use bibelot_sync::generic::{Fifo, Lifo, Local, Queue, Shell, Universal};
use bibelot_sync::{Closed, PutError, TooManyDone, TryGetError, TryPutError};
use common::{Flag, in_both_shells, poll};
use std::task::Poll;

type Fifoq<S> = Queue<Fifo<u32>, S>;

in_both_shells! {
    items_come_out_in_the_order_in_which_they_were_put,
    a_stack_gives_out_the_youngest_item_first,
    getters_are_served_first_come_first_served,
    a_newcomer_does_not_take_room_that_was_granted,
    a_newcomer_does_not_take_an_item_that_was_handed_over,
    a_dropped_getter_gives_its_item_back_to_the_front,
    a_dropped_getter_gives_its_item_to_the_next_that_waits,
    a_dropped_putter_passes_its_room_on,
    a_cut_put_gives_its_item_back_and_puts_nothing,
    putters_that_leave_keep_the_others_in_order,
    close_gives_items_back_to_putters_and_drains_getters,
    close_is_not_told_while_an_item_may_come_back,
    a_put_that_was_granted_room_fails_when_the_queue_is_closed_first,
    join_waits_until_all_is_done_and_releases_all,
    join_stays_released_when_more_is_put,
    counting_too_many_done_is_an_error,
    figures_tell_the_truth,
    debug_prints_the_state,
}

fn items_come_out_in_the_order_in_which_they_were_put<S: Shell>() {
    let queue = Fifoq::<S>::unbounded();
    for item in 0..100 {
        queue.try_put(item).unwrap();
    }
    for item in 0..100 {
        assert_eq!(queue.try_get(), Ok(item));
    }
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
}

fn a_stack_gives_out_the_youngest_item_first<S: Shell>() {
    let queue = Queue::<Lifo<u32>, S>::bounded(2);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    assert_eq!(queue.try_put(3), Err(TryPutError::Full(3)));
    assert_eq!(queue.try_get(), Ok(2));
    assert_eq!(queue.try_get(), Ok(1));
    let (mut get, woken) = (queue.get(), Flag::new());
    assert!(poll(&mut get, &woken).is_pending());
    queue.try_put(4).unwrap();
    queue.try_put(5).unwrap();
    drop(get);
    assert_eq!(queue.try_get(), Ok(4));
}

fn getters_are_served_first_come_first_served<S: Shell>() {
    let queue = Fifoq::<S>::unbounded();
    let flags: Vec<_> = (0..3).map(|_| Flag::new()).collect();
    let mut gets: Vec<_> = flags.iter().map(|_| queue.get()).collect();
    for (get, flag) in gets.iter_mut().zip(&flags) {
        assert!(poll(get, flag).is_pending());
    }
    queue.try_put(1).unwrap();
    assert!(flags[0].take() && !flags[1].take());
    queue.try_put(2).unwrap();
    queue.try_put(3).unwrap();
    for (index, get) in gets.iter_mut().enumerate().rev() {
        assert_eq!(poll(get, &flags[0]), Poll::Ready(Ok(index as u32 + 1)));
    }
}

fn a_newcomer_does_not_take_room_that_was_granted<S: Shell>() {
    let queue = Fifoq::<S>::bounded(1);
    queue.try_put(1).unwrap();
    let woken = Flag::new();
    let mut put = queue.put(2);
    assert!(poll(&mut put, &woken).is_pending());
    assert_eq!(queue.try_get(), Ok(1));
    assert!(woken.take());
    assert_eq!(queue.try_put(3), Err(TryPutError::Full(3)));
    let mut late = queue.put(3);
    assert!(poll(&mut late, &Flag::new()).is_pending());
    assert_eq!(poll(&mut put, &woken), Poll::Ready(Ok(())));
    assert_eq!(queue.try_get(), Ok(2));
}

fn a_newcomer_does_not_take_an_item_that_was_handed_over<S: Shell>() {
    let queue = Fifoq::<S>::unbounded();
    let woken = Flag::new();
    let mut get = queue.get();
    assert!(poll(&mut get, &woken).is_pending());
    queue.try_put(1).unwrap();
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    let mut late = queue.get();
    assert!(poll(&mut late, &Flag::new()).is_pending());
    assert_eq!(poll(&mut get, &woken), Poll::Ready(Ok(1)));
}

fn a_dropped_getter_gives_its_item_back_to_the_front<S: Shell>() {
    let queue = Fifoq::<S>::unbounded();
    let mut get = queue.get();
    assert!(poll(&mut get, &Flag::new()).is_pending());
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    drop(get);
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(queue.try_get(), Ok(2));
}

fn a_dropped_getter_gives_its_item_to_the_next_that_waits<S: Shell>() {
    let queue = Fifoq::<S>::unbounded();
    let (first, second) = (Flag::new(), Flag::new());
    let mut cut = queue.get();
    let mut next = queue.get();
    assert!(poll(&mut cut, &first).is_pending());
    assert!(poll(&mut next, &second).is_pending());
    queue.try_put(1).unwrap();
    assert!(!second.take());
    drop(cut);
    assert!(second.take());
    assert_eq!(poll(&mut next, &second), Poll::Ready(Ok(1)));
}

fn a_dropped_putter_passes_its_room_on<S: Shell>() {
    let queue = Fifoq::<S>::bounded(1);
    queue.try_put(1).unwrap();
    let second = Flag::new();
    let mut cut = queue.put(2);
    let mut next = queue.put(3);
    assert!(poll(&mut cut, &Flag::new()).is_pending());
    assert!(poll(&mut next, &second).is_pending());
    assert_eq!(queue.try_get(), Ok(1));
    assert!(!second.take());
    drop(cut);
    assert!(second.take());
    assert_eq!(poll(&mut next, &second), Poll::Ready(Ok(())));
    assert_eq!(queue.try_get(), Ok(3));
    assert_eq!(queue.undone(), 2);
}

fn a_cut_put_gives_its_item_back_and_puts_nothing<S: Shell>() {
    let queue = Fifoq::<S>::bounded(1);
    assert_eq!(queue.put(7).into_item(), Some(7));
    queue.try_put(1).unwrap();
    let mut parked = queue.put(2);
    assert!(poll(&mut parked, &Flag::new()).is_pending());
    assert_eq!(parked.take_item(), Some(2));
    assert_eq!(parked.take_item(), None);
    let mut granted = queue.put(3);
    assert!(poll(&mut granted, &Flag::new()).is_pending());
    assert_eq!(queue.try_get(), Ok(1));
    assert!(queue.is_full());
    assert_eq!(granted.into_item(), Some(3));
    assert!(!queue.is_full());
    let mut done = queue.put(4);
    assert_eq!(poll(&mut done, &Flag::new()), Poll::Ready(Ok(())));
    assert_eq!(done.into_item(), None);
    assert_eq!(queue.undone(), 2);
}

fn putters_that_leave_keep_the_others_in_order<S: Shell>() {
    let queue = Fifoq::<S>::bounded(1);
    queue.try_put(0).unwrap();
    let woken = Flag::new();
    let mut puts: Vec<_> = (1..=4).map(|item| Some(queue.put(item))).collect();
    for put in puts.iter_mut().flatten() {
        assert!(poll(put, &woken).is_pending());
    }
    puts[1] = None;
    puts[2] = None;
    assert_eq!(queue.try_get(), Ok(0));
    assert_eq!(poll(puts[0].as_mut().unwrap(), &woken), Poll::Ready(Ok(())));
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(poll(puts[3].as_mut().unwrap(), &woken), Poll::Ready(Ok(())));
    assert_eq!(queue.try_get(), Ok(4));
}

fn close_gives_items_back_to_putters_and_drains_getters<S: Shell>() {
    let queue = Fifoq::<S>::bounded(1);
    queue.try_put(1).unwrap();
    let woken = Flag::new();
    let mut put = queue.put(2);
    assert!(poll(&mut put, &woken).is_pending());
    queue.close();
    assert!(woken.take() && queue.is_closed());
    assert_eq!(poll(&mut put, &woken), Poll::Ready(Err(PutError(2))));
    assert_eq!(queue.try_put(3), Err(TryPutError::Closed(3)));
    assert_eq!(
        poll(&mut queue.put(3), &woken),
        Poll::Ready(Err(PutError(3)))
    );
    assert_eq!(poll(&mut queue.get(), &woken), Poll::Ready(Ok(1)));
    assert_eq!(poll(&mut queue.get(), &woken), Poll::Ready(Err(Closed)));
    assert_eq!(queue.try_get(), Err(TryGetError::Closed));

    let queue = Fifoq::<S>::unbounded();
    let mut get = queue.get();
    assert!(poll(&mut get, &woken).is_pending());
    queue.close();
    queue.close();
    assert!(woken.take());
    assert_eq!(poll(&mut get, &woken), Poll::Ready(Err(Closed)));
}

fn close_is_not_told_while_an_item_may_come_back<S: Shell>() {
    let queue = Fifoq::<S>::unbounded();
    let (first, second) = (Flag::new(), Flag::new());
    let mut served = queue.get();
    let mut next = queue.get();
    assert!(poll(&mut served, &first).is_pending());
    assert!(poll(&mut next, &second).is_pending());
    queue.try_put(1).unwrap();
    queue.close();
    assert!(!second.take());
    assert_eq!(queue.try_get(), Err(TryGetError::Empty));
    drop(served);
    assert!(second.take());
    let mut last = queue.get();
    assert!(poll(&mut last, &first).is_pending());
    assert_eq!(poll(&mut next, &second), Poll::Ready(Ok(1)));
    assert!(first.take());
    assert_eq!(poll(&mut last, &first), Poll::Ready(Err(Closed)));
}

fn a_put_that_was_granted_room_fails_when_the_queue_is_closed_first<S: Shell>() {
    let queue = Fifoq::<S>::bounded(1);
    queue.try_put(1).unwrap();
    let woken = Flag::new();
    let mut put = queue.put(2);
    let mut cut = queue.put(3);
    assert!(poll(&mut put, &woken).is_pending());
    assert!(poll(&mut cut, &woken).is_pending());
    assert_eq!(queue.try_get(), Ok(1));
    queue.close();
    drop(cut);
    assert_eq!(poll(&mut put, &woken), Poll::Ready(Err(PutError(2))));
    assert_eq!(queue.try_get(), Err(TryGetError::Closed));
}

fn join_waits_until_all_is_done_and_releases_all<S: Shell>() {
    let queue = Fifoq::<S>::unbounded();
    let woken = Flag::new();
    assert_eq!(poll(&mut queue.join(), &woken), Poll::Ready(()));
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let mut joins = [queue.join(), queue.join()];
    for join in &mut joins {
        assert!(poll(join, &woken).is_pending());
    }
    queue.task_done().unwrap();
    assert!(!woken.take());
    queue.task_done().unwrap();
    assert!(woken.take());
    for join in &mut joins {
        assert_eq!(poll(join, &woken), Poll::Ready(()));
    }
}

fn join_stays_released_when_more_is_put<S: Shell>() {
    let queue = Fifoq::<S>::unbounded();
    queue.try_put(1).unwrap();
    let mut join = queue.join();
    assert!(poll(&mut join, &Flag::new()).is_pending());
    queue.task_done().unwrap();
    queue.try_put(2).unwrap();
    assert_eq!(poll(&mut join, &Flag::new()), Poll::Ready(()));
}

fn counting_too_many_done_is_an_error<S: Shell>() {
    let queue = Fifoq::<S>::unbounded();
    assert_eq!(queue.task_done(), Err(TooManyDone));
    queue.try_put(1).unwrap();
    assert_eq!(queue.task_done(), Ok(()));
    assert_eq!(queue.task_done(), Err(TooManyDone));
}

fn figures_tell_the_truth<S: Shell>() {
    let queue = Fifoq::<S>::bounded(2);
    assert!(queue.is_empty() && !queue.is_full());
    assert_eq!(queue.capacity(), Some(2));
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    assert!(queue.is_full() && queue.len() == 2 && queue.undone() == 2);
    let unbounded = Fifoq::<S>::unbounded();
    assert_eq!(unbounded.capacity(), None);
    assert!(!unbounded.is_full());
}

fn debug_prints_the_state<S: Shell>() {
    let queue = Fifoq::<S>::bounded(1);
    queue.try_put(1).unwrap();
    let mut put = queue.put(2);
    assert_eq!(format!("{put:?}"), "Put { parked: false, .. }");
    assert!(poll(&mut put, &Flag::new()).is_pending());
    assert_eq!(
        format!("{queue:?}"),
        "Queue { len: 1, capacity: 1, closed: false, undone: 1, getters: 0, putters: 1, joiners: 0 }"
    );
    assert_eq!(format!("{put:?}"), "Put { parked: true, .. }");
}

#[test]
#[should_panic(expected = "without room")]
fn a_queue_without_room_is_refused() {
    let _ = Fifoq::<Local>::bounded(0);
}

#[test]
fn threads_share_a_queue_and_each_item_comes_out_once() {
    let queue = Fifoq::<Universal>::bounded(3);
    let mut all = std::thread::scope(|scope| {
        let putters: Vec<_> = (0..4)
            .map(|base| {
                let queue = &queue;
                scope.spawn(move || {
                    for item in 0..250 {
                        queue.put_blocking(base * 250 + item).unwrap();
                    }
                })
            })
            .collect();
        let getters: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut got = Vec::new();
                    while let Ok(item) = queue.get_blocking() {
                        got.push(item);
                        queue.task_done().unwrap();
                    }
                    got
                })
            })
            .collect();
        putters
            .into_iter()
            .for_each(|putter| putter.join().unwrap());
        queue.join_blocking();
        assert!(queue.is_empty());
        queue.close();
        let got = getters.into_iter().map(|getter| getter.join().unwrap());
        got.flatten().collect::<Vec<_>>()
    });
    all.sort_unstable();
    assert_eq!(all, (0..1000).collect::<Vec<_>>());
}
