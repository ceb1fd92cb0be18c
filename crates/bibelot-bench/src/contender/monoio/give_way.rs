//! Giving way on monoio, which has no such thing.
//!
//! A task that wakes itself while it runs goes to the *front* of monoio's queue: it runs again before anybody else, so
//! that a task that waits for others that way waits for ever, and tasks that yield like that do not take turns. One
//! that is woken by another goes to the end. So there is an usher, a task that wakes all who gave way since it last
//! ran; where a task is alone, front and end are one, and it wakes itself.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::task::{Context, Poll, Waker};

thread_local! {
    static IS_ALONE: Cell<bool> = const { Cell::new(false) };
    static WILL_BE_ALONE: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
    static USHER: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

/// Says whether only one task gives way, from now on or from when all were let run.
pub fn set_alone(now: bool, then: bool) {
    IS_ALONE.set(now);
    WILL_BE_ALONE.set(then);
}

/// Wakes those who gave way, for ever.
pub fn usher() -> impl Future<Output = ()> {
    let mut called = Vec::new();
    poll_fn(move |context| {
        if USHER.with_borrow(Option::is_none) {
            USHER.set(Some(context.waker().clone()));
        }
        WAITING.with_borrow_mut(|waiting| std::mem::swap(waiting, &mut called));
        called.drain(..).for_each(Waker::wake);
        Poll::Pending
    })
}

/// Lets what is ready run first; by itself if nobody else gives way.
pub fn give_way() -> impl Future<Output = ()> {
    let mut has_waited = false;
    poll_fn(move |context| wait_once(&mut has_waited, context, IS_ALONE.get()))
}

/// Lets what is ready run first.
pub async fn settle() {
    let mut has_waited = false;
    poll_fn(|context| wait_once(&mut has_waited, context, false)).await;
    IS_ALONE.set(WILL_BE_ALONE.get());
}

fn wait_once(has_waited: &mut bool, context: &mut Context<'_>, is_alone: bool) -> Poll<()> {
    if std::mem::replace(has_waited, true) {
        return Poll::Ready(());
    }
    if is_alone {
        context.waker().wake_by_ref();
        return Poll::Pending;
    }
    let is_first = WAITING.with_borrow_mut(|waiting| {
        waiting.push(context.waker().clone());
        waiting.len() == 1
    });
    if is_first {
        USHER.with_borrow(|usher| usher.iter().for_each(Waker::wake_by_ref));
    }
    Poll::Pending
}
