//! bibelot-sync without a kernel: on the bare executor, so that what is measured is the primitives.

use std::io;

use bibelot_sync::generic::{Event, Fifo, Local, Lock, Queue, Semaphore, Shell, Universal};

use super::bare::executor;
use super::{Contender, Role, unsupported};
use crate::cell::Cell;
use crate::syncing::syncing;
use crate::watch::Sample;

/// bibelot-sync in one of its shells.
pub enum SyncAlone {
    /// For the tasks of one thread.
    Local,
    /// For anybody.
    Universal,
}

impl Contender for SyncAlone {
    fn name(&self) -> &'static str {
        match self {
            Self::Local => "sync-local",
            Self::Universal => "sync-universal",
        }
    }

    fn role(&self) -> Role {
        Role::Part
    }

    fn has(&self, cell: Cell) -> bool {
        cell.is_sync()
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        Ok(match self {
            Self::Local => executor::run(local::run(cell, ops)),
            Self::Universal => executor::run(universal::run(cell, ops)),
        })
    }

    fn serve(&self, _: Cell, _: fn(u16)) -> io::Result<()> {
        unsupported()
    }
}

mod local {
    use super::*;

    pub async fn run(cell: Cell, ops: u64) -> Sample {
        sync_cell(cell, ops).await
    }

    syncing! {
        spawn: executor::spawn,
        channel: channel::<Local>,
        put: put,
        get: get,
        lock: new_lock::<Local>, lock,
        semaphore: new_semaphore::<Local>, acquire,
        event: Event::<Local>::new, set, wait,
    }
}

mod universal {
    use super::*;

    pub async fn run(cell: Cell, ops: u64) -> Sample {
        sync_cell(cell, ops).await
    }

    syncing! {
        spawn: executor::spawn,
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
    *lock.lock().await += 1;
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
    event.wait().await;
    event.clear();
}
