//! The cells of synchronisation in both shells: one text, since the primitives are generic over the shell.

use bibelot::sync::{Event, Fifo, Local, Lock, Queue, Semaphore, Shell, Universal};

use crate::syncing::syncing;

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
