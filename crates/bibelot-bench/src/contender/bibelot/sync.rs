//! The cells of synchronisation in both shells: one text, since the primitives are generic over the shell.

use std::time::Instant;

use bibelot::sync::{Event, Fifo, Local, Lock, Queue, Semaphore, Shell, Universal};

use crate::messages;
use crate::syncing::syncing;
use crate::watch::Sample;

/// In the shell for the tasks of one kernel.
pub mod local {
    use super::*;

    pub async fn run(cell: crate::cell::Cell, ops: u64) -> crate::watch::Sample {
        sync_cell(cell, ops).await
    }

    syncing! {
        spawn: bibelot::spawn,
        channel: channel::<Local>,
        put: put,
        get: get,
        lock: new_lock::<Local>, lock,
        semaphore: new_semaphore::<Local>, acquire,
        event: Event::<Local>::new, set, wait,
    }
}

/// In the shell for anybody.
pub mod universal {
    use super::*;

    pub async fn run(cell: crate::cell::Cell, ops: u64) -> crate::watch::Sample {
        sync_cell(cell, ops).await
    }

    syncing! {
        spawn: bibelot::spawn,
        channel: channel::<Universal>,
        put: put,
        get: get,
        lock: new_lock::<Universal>, lock,
        semaphore: new_semaphore::<Universal>, acquire,
        event: Event::<Universal>::new, set, wait,
    }
}

/// Takes messages from a thread out of a universal queue.
pub async fn receive(busy: bool, ops: u64) -> Sample {
    if busy {
        drop(bibelot::spawn(async {
            while bibelot::yield_now().await.is_ok() {}
        }));
    }
    let queue = Queue::<Fifo<Instant>, Universal>::unbounded();
    let sender = queue.clone();
    let send = move |stamp| sender.try_put(stamp).expect("there is always room");
    messages::receive(busy, ops, send, async || {
        queue.get().await.expect("an open queue")
    })
    .await
}

type Numbers<S> = Queue<Fifo<u64>, S>;

fn channel<S: Shell>(capacity: usize) -> (Numbers<S>, Numbers<S>) {
    let queue = Queue::bounded(capacity);
    (queue.clone(), queue)
}

async fn put<S: Shell>(queue: &Numbers<S>, item: u64) {
    queue.put(item).await.expect("an open queue");
}

async fn get<S: Shell>(queue: &mut Numbers<S>) -> u64 {
    queue.get().await.expect("an open queue")
}

fn new_lock<S: Shell>() -> Lock<u64, S> {
    Lock::new(0)
}

async fn lock<S: Shell>(lock: &Lock<u64, S>) {
    *lock.lock().await.expect("nobody asks us to stop") += 1;
}

fn new_semaphore<S: Shell>() -> Semaphore<S> {
    Semaphore::new(2)
}

async fn acquire<S: Shell>(semaphore: &Semaphore<S>) {
    drop(semaphore.acquire().await.expect("an open semaphore"));
}

fn set<S: Shell>(event: &Event<S>) {
    event.set();
}

async fn wait<S: Shell>(event: &Event<S>) {
    event.wait().await.expect("nobody asks us to stop");
    event.clear();
}
