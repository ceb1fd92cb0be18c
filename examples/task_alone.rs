//! An executor in forty lines: one queue, one thread, tasks from `bibelot-task` and nothing else.
//!
//! `cargo run -p bibelot-examples --example task_alone`

#![allow(unsafe_code, reason = "which thread is home is the executor's word")]

use std::future::{Future, poll_fn};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;
use std::thread::{self, ThreadId};
use std::time::Duration;

use bibelot_task::{JoinHandle, Ran, Runnable, Schedule, TaskRef, spawn_joinable};

/// What each task carries: where it lives, which it is, where its runnables go.
struct Place {
    home: ThreadId,
    index: usize,
    ready: Sender<Runnable<Place>>,
}

// SAFETY: ids of threads are not used again, so this is true on one thread only.
unsafe impl Schedule for Place {
    fn is_home(&self) -> bool {
        thread::current().id() == self.home
    }

    fn push(&self, runnable: Runnable<Self>) {
        self.push_foreign(runnable);
    }

    fn push_foreign(&self, runnable: Runnable<Self>) {
        // A refused runnable is dropped: the executor has ended, and with it the task.
        let _ = self.ready.send(runnable);
    }
}

struct Executor {
    ready: Sender<Runnable<Place>>,
    queue: Receiver<Runnable<Place>>,
    tasks: Vec<Option<TaskRef<Place>>>,
}

impl Executor {
    fn new() -> Self {
        let (ready, queue) = channel();
        Self {
            ready,
            queue,
            tasks: Vec::new(),
        }
    }

    fn spawn<F: Future + 'static>(&mut self, future: F) -> JoinHandle<F::Output, Place> {
        let (home, index) = (thread::current().id(), self.tasks.len());
        let place = Place {
            home,
            index,
            ready: self.ready.clone(),
        };
        let (runnable, task, handle) = spawn_joinable(future, place);
        self.tasks.push(Some(task));
        let _ = self.ready.send(runnable);
        handle
    }

    /// Runs until every task has ended, sleeping while none is ready.
    fn run(&mut self) {
        while self.tasks.iter().any(Option::is_some) {
            let runnable = self.queue.recv().expect("the executor has a sender itself");
            let index = runnable.schedule().index;
            match runnable.run() {
                Ran::Woken(runnable) => self.ready.send(runnable).expect("as above"),
                Ran::Returned | Ran::Panicked | Ran::Aborted => self.tasks[index] = None,
                Ran::Parked | Ran::Stale => {}
            }
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        for task in self.tasks.drain(..).flatten() {
            let _ = task.end_home();
        }
    }
}

/// Sleeps with a thread of its own, which wakes the task from afar.
async fn sleep(time: Duration) {
    let rung = Arc::new(AtomicBool::new(false));
    let mut started = false;
    poll_fn(|cx| {
        if rung.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !mem::replace(&mut started, true) {
            let (rung, waker) = (rung.clone(), cx.waker().clone());
            thread::spawn(move || {
                thread::sleep(time);
                rung.store(true, Ordering::Release);
                waker.wake();
            });
        }
        Poll::Pending
    })
    .await;
}

fn fail() -> u32 {
    panic!("this one panics, and only this one")
}

fn main() {
    let mut executor = Executor::new();
    let countdown = executor.spawn(async {
        for n in (1..=3).rev() {
            println!("{n}");
            sleep(Duration::from_millis(100)).await;
        }
        "off we go"
    });
    let broken = executor.spawn(async { fail() });
    executor
        .spawn(async move { println!("{}", countdown.await.unwrap()) })
        .detach();
    let watcher = executor.spawn(async move { println!("{}", broken.await.unwrap_err()) });
    executor.run();
    assert!(watcher.is_ended());
}
