//! A bare lock, semaphore and event, each with one waiter and nothing that hands over in order.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// A number of things that may be taken, and who waits for one.
pub struct Free {
    free: Cell<u64>,
    waiter: RefCell<Option<Waker>>,
}

impl Free {
    fn new(free: u64) -> Self {
        Self {
            free: Cell::new(free),
            waiter: RefCell::default(),
        }
    }

    async fn take(&self) {
        poll_fn(|context| {
            if self.free.get() == 0 {
                *self.waiter.borrow_mut() = Some(context.waker().clone());
                return Poll::Pending;
            }
            self.free.set(self.free.get() - 1);
            Poll::Ready(())
        })
        .await;
    }

    fn give(&self) {
        self.free.set(self.free.get() + 1);
        let waiter = self.waiter.borrow_mut().take();
        waiter.into_iter().for_each(Waker::wake);
    }
}

/// A number under a lock.
pub type Lock = (Free, Cell<u64>);

pub fn new_lock() -> Lock {
    (Free::new(1), Cell::new(0))
}

pub async fn lock((free, value): &Lock) {
    free.take().await;
    value.set(value.get() + 1);
    free.give();
}

pub fn new_semaphore() -> Free {
    Free::new(2)
}

pub async fn acquire(free: &Free) {
    free.take().await;
    free.give();
}

pub fn new_event() -> Rc<Free> {
    Rc::new(Free::new(0))
}

pub fn set(event: &Free) {
    event.give();
}

pub async fn wait(event: &Free) {
    event.take().await;
}
