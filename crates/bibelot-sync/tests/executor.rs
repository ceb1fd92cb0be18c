//! The universal primitives under a foreign executor whose tasks move between threads.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;

use bibelot_sync::{Condition, Event, Lock, Queue, Semaphore};

type Body = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task that goes to whichever thread takes it next.
struct Task {
    body: Mutex<Option<Body>>,
    ready: Sender<Arc<Task>>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let ready = self.ready.clone();
        // Nobody takes tasks any more once all have ended.
        let _ = ready.send(self);
    }
}

/// Runs all bodies to their end on three threads.
fn run(bodies: Vec<Body>) {
    let left = AtomicU64::new(bodies.len() as u64);
    let (ready, tasks) = channel();
    for body in bodies {
        let (body, ready) = (Mutex::new(Some(body)), ready.clone());
        Arc::new(Task { body, ready }).wake();
    }
    let tasks = Mutex::new(tasks);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| work(&tasks, &left));
        }
    });
}

fn work(tasks: &Mutex<Receiver<Arc<Task>>>, left: &AtomicU64) {
    while left.load(Ordering::SeqCst) > 0 {
        let task = tasks.lock().unwrap().try_recv();
        let Ok(task) = task else {
            thread::yield_now();
            continue;
        };
        let waker = Waker::from(task.clone());
        let mut body = task.body.lock().unwrap();
        let Some(running) = body.as_mut() else {
            continue;
        };
        if running
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
        {
            *body = None;
            left.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn producers_and_consumers_pass_each_item_once() {
    let (queue, sum) = (Queue::bounded(2), Lock::new(0_u64));
    let (all_put, putters) = (Event::new(), Arc::new(AtomicU64::new(4)));
    let mut bodies: Vec<Body> = Vec::new();
    for base in 0..4 {
        let (queue, all_put, putters) = (queue.clone(), all_put.clone(), putters.clone());
        bodies.push(Box::pin(async move {
            for item in 0..500 {
                queue.put(base * 500 + item).await.unwrap();
            }
            if putters.fetch_sub(1, Ordering::SeqCst) == 1 {
                all_put.set();
            }
        }));
    }
    for _ in 0..3 {
        let (queue, sum) = (queue.clone(), sum.clone());
        bodies.push(Box::pin(async move {
            while let Ok(item) = queue.get().await {
                *sum.lock().await += item;
                queue.task_done().unwrap();
            }
        }));
    }
    bodies.push(Box::pin(async move {
        all_put.wait().await;
        queue.join().await;
        queue.close();
    }));
    run(bodies);
    assert_eq!(*sum.lock_blocking(), (0..2000).sum::<u64>());
}

#[test]
fn tasks_take_turns_by_a_condition_and_share_permits() {
    let (turn, changed, permits) = (Lock::new(0_u64), Condition::new(), Semaphore::new(3));
    let mut bodies: Vec<Body> = Vec::new();
    for own in 0..6 {
        let (turn, changed, permits) = (turn.clone(), changed.clone(), permits.clone());
        bodies.push(Box::pin(async move {
            for round in 0..100 {
                drop(permits.acquire_many(1 + own as usize % 3).await.unwrap());
                let guard = turn.lock().await;
                let mut guard = changed
                    .wait_while(guard, |turn| *turn != round * 6 + own)
                    .await;
                *guard += 1;
                changed.notify_all();
            }
        }));
    }
    run(bodies);
    assert_eq!(*turn.lock_blocking(), 600);
    assert_eq!(permits.available_permits(), 3);
}
