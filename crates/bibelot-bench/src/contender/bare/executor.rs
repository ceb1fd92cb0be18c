//! A bare executor: reference-counted futures in a ready queue, on one thread, without atomics.
//!
//! Its wakers must stay on their thread, which nothing here checks: it is no runtime, only what is
//! measured beside one.

#![allow(
    unsafe_code,
    reason = "a waker without atomics is a raw one, and a task is one allocation"
)]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

thread_local! {
    static READY: RefCell<VecDeque<Rc<dyn Run>>> = const { RefCell::new(VecDeque::new()) };
}

/// A task, without the type of its future.
trait Run {
    fn run(self: Rc<Self>);
}

struct Task<F: Future> {
    is_queued: Cell<bool>,
    joiner: Cell<Option<Waker>>,
    stage: RefCell<Stage<F>>,
}

enum Stage<F: Future> {
    Runs(F),
    Ended(F::Output),
    Taken,
}

/// Runs a future and what it spawns until it is over.
pub fn run<F: Future + 'static>(future: F) -> F::Output {
    let main = new(future);
    loop {
        let next = READY.with_borrow_mut(VecDeque::pop_front);
        match next {
            Some(task) => task.run(),
            None => panic!("nothing is ready, and nothing can become so"),
        }
        if let Some(value) = main.take() {
            READY.take();
            return value;
        }
    }
}

/// Starts a task.
pub fn spawn<F: Future + 'static>(future: F) -> impl Future<Output = F::Output> {
    Join(new(future))
}

fn new<F: Future + 'static>(future: F) -> Rc<Task<F>> {
    let task = Rc::new(Task {
        is_queued: Cell::new(true),
        joiner: Cell::new(None),
        stage: RefCell::new(Stage::Runs(future)),
    });
    push(task.clone());
    task
}

fn push(task: Rc<dyn Run>) {
    READY.with_borrow_mut(|ready| ready.push_back(task));
}

impl<F: Future> Task<F> {
    fn take(&self) -> Option<F::Output> {
        let mut stage = self.stage.borrow_mut();
        match &*stage {
            Stage::Ended(_) => {}
            _ => return None,
        }
        match std::mem::replace(&mut *stage, Stage::Taken) {
            Stage::Ended(value) => Some(value),
            _ => None,
        }
    }
}

impl<F: Future + 'static> Run for Task<F> {
    fn run(self: Rc<Self>) {
        self.is_queued.set(false);
        // SAFETY: the waker's data is this task, of this type; it is not dropped, so the task's count
        // stays as it is.
        let waker = ManuallyDrop::new(unsafe {
            Waker::from_raw(RawWaker::new(Rc::as_ptr(&self).cast(), Self::VTABLE))
        });
        let mut stage = self.stage.borrow_mut();
        let Stage::Runs(future) = &mut *stage else {
            return;
        };
        // SAFETY: the future stays in its task, which is on the heap, until it is dropped.
        let future = unsafe { Pin::new_unchecked(future) };
        if let Poll::Ready(value) = future.poll(&mut Context::from_waker(&waker)) {
            *stage = Stage::Ended(value);
            drop(stage);
            if let Some(joiner) = self.joiner.take() {
                joiner.wake();
            }
        }
    }
}

impl<F: Future + 'static> Task<F> {
    const VTABLE: &'static RawWakerVTable =
        &RawWakerVTable::new(Self::clone, Self::wake, Self::wake_by_ref, Self::release);

    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: a waker's data is a counted task of this type.
        unsafe { Rc::increment_strong_count(data.cast::<Self>()) };
        RawWaker::new(data, Self::VTABLE)
    }

    unsafe fn wake(data: *const ()) {
        // SAFETY: as above, and the waker is used up.
        let task = unsafe { Rc::from_raw(data.cast::<Self>()) };
        if !task.is_queued.replace(true) {
            push(task);
        }
    }

    unsafe fn wake_by_ref(data: *const ()) {
        // SAFETY: as above; the count stays as it is.
        let task = ManuallyDrop::new(unsafe { Rc::from_raw(data.cast::<Self>()) });
        if !task.is_queued.replace(true) {
            push(Rc::<Self>::clone(&task));
        }
    }

    unsafe fn release(data: *const ()) {
        // SAFETY: as above, and the waker is used up.
        drop(unsafe { Rc::from_raw(data.cast::<Self>()) });
    }
}

struct Join<F: Future>(Rc<Task<F>>);

impl<F: Future> Future for Join<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                self.0.joiner.set(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::computing::give_way;

    #[test]
    fn what_is_spawned_runs_and_is_joined() {
        let sum = run(async {
            let one = spawn(async {
                give_way().await;
                1
            });
            let two = spawn(async { 2 });
            one.await + two.await
        });
        assert_eq!(sum, 3);
    }
}
