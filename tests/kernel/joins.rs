//! Who waits for a task, who wakes it, and what is left of both.

use std::cell::{Cell, RefCell};
use std::future::{IntoFuture, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use bibelot::{
    Backend, Kernel, Observer, Suspended, Task, TaskError, TaskId, TaskState, Terminated, sleep,
    spawn, yield_now,
};

const LONG: Duration = Duration::from_secs(3600);

/// A waker of somebody else's.
struct Other;

impl Wake for Other {
    fn wake(self: Arc<Self>) {}
}

#[bibelot::test(uring, poll, sim)]
async fn who_waited_and_left_leaves_no_waker_behind() {
    let lives_long = spawn(sleep(LONG));
    let (first, second) = (Arc::new(Other), Arc::new(Other));
    for _ in 0..3 {
        let first_waker = Waker::from(first.clone());
        let mut waits_first = Box::pin(lives_long.wait());
        let polled = waits_first
            .as_mut()
            .poll(&mut Context::from_waker(&first_waker));
        assert!(polled.is_pending());
        let second_waker = Waker::from(second.clone());
        let context = &mut Context::from_waker(&second_waker);
        let mut waits_second = pin!(lives_long.wait());
        assert!(waits_second.as_mut().poll(context).is_pending());
        drop(waits_first);
        // Polled again, as one arm of several is.
        assert!(waits_second.as_mut().poll(context).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 1);
    assert_eq!(Arc::strong_count(&second), 1);
    lives_long.abort();
}

#[derive(Clone, Default)]
struct Count {
    running: Rc<Cell<u32>>,
    over: Rc<Cell<u32>>,
}

impl Observer for Count {
    fn running(&self, _: TaskId) {
        self.running.set(self.running.get() + 1);
    }
    fn suspended(&self, _: TaskId, _: Suspended) {
        self.over.set(self.over.get() + 1);
    }
    fn terminated(&self, _: TaskId, _: Terminated) {
        self.over.set(self.over.get() + 1);
    }
}

#[test]
fn a_task_that_was_woken_at_home_and_from_afar_is_polled_once_and_seen_to_wait() {
    for backend in [Backend::Auto, Backend::Poll] {
        let count = Count::default();
        let builder = Kernel::builder().backend(backend);
        let mut kernel = builder.observer(count.clone()).build().unwrap();
        kernel.block_on(async {
            let wakers = Rc::new(RefCell::new(Vec::new()));
            let leaves = wakers.clone();
            let waits = spawn(poll_fn(move |context| {
                leaves.borrow_mut().push(context.waker().clone());
                Poll::<()>::Pending
            }));
            yield_now().await.unwrap();
            let waker: Waker = wakers.borrow_mut().remove(0);
            let afar = waker.clone();
            thread::spawn(move || afar.wake()).join().unwrap();
            waker.wake();
            for _ in 0..3 {
                yield_now().await.unwrap();
            }
            assert_eq!(wakers.borrow().len(), 1, "it was polled for both wakes");
            let state = waits.info().unwrap().state;
            assert!(matches!(state, TaskState::Parked(_)), "it is {state}");
            // And it is woken again, from both sides.
            for _ in 0..2 {
                let waker: Waker = wakers.borrow_mut().remove(0);
                thread::spawn(move || waker.wake()).join().unwrap();
                while wakers.borrow().is_empty() {
                    yield_now().await.unwrap();
                }
            }
            waits.abort();
        });
        // One was aborted while it waited.
        assert_eq!(count.over.get(), count.running.get() + 1);
    }
}

/// Drops the handle of a task as it ends.
struct Careless(Rc<RefCell<Option<Task<()>>>>);

impl Observer for Careless {
    fn terminated(&self, task: TaskId, _: Terminated) {
        let is_it = |held: &Task<()>| held.id() == task;
        if self.0.borrow().as_ref().is_some_and(is_it) {
            let held = self.0.borrow_mut().take();
            drop(held);
        }
    }
}

#[test]
fn who_waits_is_woken_also_if_an_observer_drops_the_handle_first() {
    let held = Rc::new(RefCell::new(None));
    let observer = Careless(held.clone());
    let mut kernel = Kernel::builder().observer(observer).build().unwrap();
    let woken = kernel.block_on(async {
        let task = spawn(async { yield_now().await.unwrap() });
        let name = task.name_it();
        held.replace(Some(task));
        let waiters: Vec<Task<()>> = (0..3)
            .map(|_| spawn(async move { name.wait().await.unwrap() }))
            .collect();
        for _ in 0..5 {
            yield_now().await.unwrap();
        }
        waiters.iter().filter(|waiter| waiter.is_finished()).count()
    });
    assert_eq!(woken, 3);
    assert!(held.borrow().is_none());
}

#[bibelot::test(uring, poll, sim)]
async fn a_value_goes_with_its_handle_unless_the_handle_itself_is_awaited() {
    let returns_late = || {
        spawn(async {
            yield_now().await.unwrap();
            7
        })
    };
    let task = returns_late();
    let joins = task.join();
    drop(task);
    assert!(matches!(joins.await, Err(TaskError::Aborted)));
    assert_eq!(returns_late().into_future().await.unwrap(), 7);
}

#[bibelot::test(uring, poll, sim)]
async fn an_awaited_handle_goes_with_the_value() {
    let task = spawn(async { 7 });
    let name = task.name_it();
    let mut awaited = task.into_future();
    assert_eq!((&mut awaited).await.unwrap(), 7);
    // Its slot is free, and the next one's.
    assert!(name.info().is_none() && awaited.task().info().is_none());
    let next = spawn(async { 8 });
    drop(awaited);
    assert!(next.info().is_some(), "the slot has another tenant");
    assert_eq!(next.await.unwrap(), 8);
}

#[bibelot::test(uring, poll, sim)]
async fn a_value_that_was_taken_is_not_there_for_who_awaits_the_handle() {
    let task = spawn(async { 7 });
    task.wait().await.unwrap();
    assert_eq!(task.try_take().unwrap().unwrap(), 7);
    assert!(matches!(task.await, Err(TaskError::Taken)));
}

#[bibelot::test(uring, poll, sim)]
async fn an_awaited_handle_that_is_left_lets_its_task_go_on() {
    let ran = Rc::new(Cell::new(false));
    let task = spawn({
        let ran = ran.clone();
        async move {
            yield_now().await.unwrap();
            ran.set(true);
        }
    });
    let name = task.name_it();
    let mut awaited = Box::pin(task.into_future());
    let polled = poll_fn(|context| Poll::Ready(awaited.as_mut().poll(context))).await;
    assert!(polled.is_pending());
    drop(awaited);
    name.wait().await.unwrap();
    assert!(ran.get());
    assert!(name.info().is_none(), "nobody holds it");
}
