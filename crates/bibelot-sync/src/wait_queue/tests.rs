//! The line against a list that does what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use proptest::prelude::*;

use super::*;

fn noop() -> Waker {
    Waker::noop().clone()
}

/// What may be done to a queue; numbers pick among the waiters that are there.
#[derive(Clone, Debug)]
enum Step {
    Park,
    Grant,
    Leave(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..7_u8, any::<usize>()).prop_map(|(what, pick)| match what {
        0..3 => Step::Park,
        3..5 => Step::Grant,
        _ => Step::Leave(pick),
    });
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn a_queue_does_what_a_list_does(steps in steps()) {
        let mut queue = WaitQueue::new();
        // Waiters in the order in which they came: their ticket, number, and whether they are parked.
        let mut list: Vec<(Ticket, usize, bool)> = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            match step {
                Step::Park => list.push((queue.park(number, noop()), number, true)),
                Step::Grant => {
                    let granted = queue.grant().map(|(value, _)| *value);
                    let oldest = list.iter_mut().find(|waiter| waiter.2);
                    prop_assert_eq!(granted, oldest.as_ref().map(|waiter| waiter.1));
                    if let Some(waiter) = oldest {
                        waiter.2 = false;
                    }
                }
                Step::Leave(_) if list.is_empty() => {}
                Step::Leave(pick) => {
                    let (ticket, value, parked) = list.remove(pick % list.len());
                    prop_assert_eq!(queue.is_granted(&ticket), !parked);
                    let left = queue.leave(ticket);
                    prop_assert_eq!((left.value, left.waker.is_some()), (value, parked));
                }
            }
            let parked = || list.iter().filter(|waiter| waiter.2);
            prop_assert_eq!(queue.len(), parked().count());
            prop_assert_eq!(queue.is_empty(), parked().count() == 0);
            prop_assert_eq!(queue.front(), parked().next().map(|waiter| &waiter.1));
        }
    }
}

#[test]
fn slots_are_used_again() {
    let mut queue = WaitQueue::new();
    for _ in 0..1000 {
        let tickets = [(); 3].map(|()| queue.park((), noop()));
        queue.grant();
        for ticket in tickets {
            queue.leave(ticket);
        }
    }
    assert_eq!(queue.slots.len(), 3);
}

#[test]
#[should_panic(expected = "of this queue")]
fn a_ticket_of_a_waiter_that_left_is_refused() {
    let mut queue = WaitQueue::new();
    let ticket = queue.park((), noop());
    let (slot, generation) = (ticket.slot, ticket.generation);
    queue.leave(ticket);
    let _next = queue.park((), noop());
    let _ = queue.is_granted(&Ticket { slot, generation });
}

#[test]
#[should_panic(expected = "of this queue")]
fn a_ticket_of_another_queue_is_refused() {
    let ticket = WaitQueue::new().park((), noop());
    let _ = WaitQueue::<()>::new().is_granted(&ticket);
}

#[test]
fn a_replaced_waker_comes_back() {
    struct Counter(AtomicUsize);
    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let counters = [(); 2].map(|()| Arc::new(Counter(AtomicUsize::new(0))));
    let [old, new] = counters.clone().map(Waker::from);
    let mut queue = WaitQueue::new();
    let ticket = queue.park((), old.clone());
    assert!(queue.has_waker(&ticket, &old) && !queue.has_waker(&ticket, &new));
    assert!(queue.replace_waker(&ticket, new.clone()).will_wake(&old));
    queue.grant().unwrap().1.wake();
    assert_eq!(counters.map(|it| it.0.load(Ordering::Relaxed)), [0, 1]);
    assert!(queue.replace_waker(&ticket, old.clone()).will_wake(&old));
    assert!(queue.has_waker(&ticket, &old));
}
