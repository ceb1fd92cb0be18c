//! tokio, on its runtime of one thread.

mod corked;
mod serve;

use std::io;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, Notify, Semaphore, mpsc};
use tokio::task::unconstrained;

use super::{Contender, Role};
use crate::cell::Cell;
use crate::computing::computing;
use crate::messages;
use crate::syncing::syncing;
use crate::watch::Sample;

/// tokio.
pub struct Tokio;

impl Contender for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn role(&self) -> Role {
        Role::Peer
    }

    fn has(&self, _: Cell) -> bool {
        true
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        let runtime = runtime()?;
        if let Cell::Message { busy } = cell {
            return Ok(runtime.block_on(receive(busy, ops)));
        }
        // Else a task has a budget, and all timers after the first 128 of a poll are not even set.
        let task = match cell {
            Cell::Timer { .. } | Cell::Timeout { .. } | Cell::Timers(_) => {
                runtime.spawn(unconstrained(compute(cell, ops)))
            }
            _ => runtime.spawn(compute(cell, ops)),
        };
        runtime.block_on(task).map_err(io::Error::other)
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        let runtime = runtime()?;
        let task = runtime.spawn(serve::serve(cell, tell_port));
        runtime.block_on(task).map_err(io::Error::other)?
    }
}

/// tokio with replies that are gathered by hand, which other runtimes leave to the program.
pub struct TokioCorked;

impl Contender for TokioCorked {
    fn name(&self) -> &'static str {
        "tokio-corked"
    }

    fn role(&self) -> Role {
        Role::Peer
    }

    fn has(&self, cell: Cell) -> bool {
        matches!(cell, Cell::Lines { .. })
    }

    fn compute(&self, _: Cell, _: u64) -> io::Result<Sample> {
        super::unsupported()
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        let runtime = runtime()?;
        let task = runtime.spawn(corked::serve(cell, tell_port));
        runtime.block_on(task).map_err(io::Error::other)?
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

computing! {
    spawn: tokio::spawn,
    give_way: tokio::task::yield_now(),
    settle: tokio::task::yield_now(),
    sleep: tokio::time::sleep,
    timeout: tokio::time::timeout,
    sync: sync_cell,
}

syncing! {
    spawn: tokio::spawn,
    channel: mpsc::channel,
    put: put,
    get: get,
    lock: new_lock, lock,
    semaphore: new_semaphore, acquire,
    event: new_event, set, wait,
}

async fn put(sender: &mpsc::Sender<u64>, item: u64) {
    sender.send(item).await.expect("an open channel");
}

async fn get(receiver: &mut mpsc::Receiver<u64>) -> u64 {
    receiver.recv().await.expect("an open channel")
}

fn new_lock() -> Mutex<u64> {
    Mutex::new(0)
}

async fn lock(lock: &Mutex<u64>) {
    *lock.lock().await += 1;
}

fn new_semaphore() -> Semaphore {
    Semaphore::new(2)
}

async fn acquire(semaphore: &Semaphore) {
    drop(semaphore.acquire().await.expect("an open semaphore"));
}

fn new_event() -> Arc<Notify> {
    Arc::default()
}

fn set(event: &Notify) {
    event.notify_one();
}

async fn wait(event: &Notify) {
    event.notified().await;
}

/// Takes messages from a thread out of a channel.
async fn receive(busy: bool, ops: u64) -> Sample {
    if busy {
        tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
    }
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let send = move |stamp| sender.send(stamp).expect("an open channel");
    messages::receive(busy, ops, send, async || {
        receiver.recv().await.expect("an open channel")
    })
    .await
}
