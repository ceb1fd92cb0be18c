//! A bare queue: a ring with one putter and one getter.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// One end of a queue.
pub type End = Rc<RefCell<State>>;

/// What is in the queue, and who waits.
pub struct State {
    items: VecDeque<u64>,
    capacity: usize,
    waiter: Option<Waker>,
}

/// Both ends of a new queue.
pub fn channel(capacity: usize) -> (End, End) {
    let end = Rc::new(RefCell::new(State {
        items: VecDeque::with_capacity(capacity),
        capacity,
        waiter: None,
    }));
    (end.clone(), end)
}

/// Puts an item when there is room.
pub async fn put(end: &End, item: u64) {
    poll_fn(|context| {
        let mut state = end.borrow_mut();
        if state.items.len() == state.capacity {
            state.waiter = Some(context.waker().clone());
            return Poll::Pending;
        }
        state.items.push_back(item);
        let waiter = state.waiter.take();
        drop(state);
        waiter.into_iter().for_each(Waker::wake);
        Poll::Ready(())
    })
    .await;
}

/// Takes an item when there is one.
pub async fn get(end: &mut End) -> u64 {
    poll_fn(|context| {
        let mut state = end.borrow_mut();
        let Some(item) = state.items.pop_front() else {
            state.waiter = Some(context.waker().clone());
            return Poll::Pending;
        };
        let waiter = state.waiter.take();
        drop(state);
        waiter.into_iter().for_each(Waker::wake);
        Poll::Ready(item)
    })
    .await
}
