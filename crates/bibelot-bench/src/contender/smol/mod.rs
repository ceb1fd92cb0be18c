//! smol, on its executor for one thread.

mod serve;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use smol::lock::{Mutex, Semaphore};
use smol::{LocalExecutor, Timer, channel};

use super::joined::{Detach, Joined};
use super::{Contender, Role, async_channel};
use crate::cell::Cell;
use crate::computing::{self, computing};
use crate::syncing::syncing;
use crate::watch::Sample;

thread_local! {
    static EXECUTOR: &'static LocalExecutor<'static> = Box::leak(Box::default());
}

/// smol.
pub struct Smol;

impl Contender for Smol {
    fn name(&self) -> &'static str {
        "smol"
    }

    fn role(&self) -> Role {
        Role::Peer
    }

    fn has(&self, _: Cell) -> bool {
        true
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        Ok(match cell {
            Cell::Message { busy } => run(async move {
                if busy {
                    drop(spawn(computing::give_way_always()));
                }
                async_channel::receive(busy, ops).await
            }),
            _ => run(compute(cell, ops)),
        })
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        run(serve::serve(cell, tell_port))
    }
}

fn run<F: Future + 'static>(future: F) -> F::Output {
    let executor = EXECUTOR.with(|executor| *executor);
    smol::block_on(executor.run(executor.spawn(future)))
}

fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> Joined<smol::Task<T>> {
    Joined::new(EXECUTOR.with(|executor| executor.spawn(future)))
}

impl<T> Detach for smol::Task<T> {
    fn detach(self) {
        Self::detach(self);
    }
}

async fn timeout<F: Future>(span: Duration, future: F) -> Option<F::Output> {
    let value = async { Some(future.await) };
    or(value, async {
        Timer::after(span).await;
        None
    })
    .await
}

computing! {
    spawn: spawn,
    give_way: smol::future::yield_now(),
    settle: smol::future::yield_now(),
    sleep: Timer::after,
    timeout: timeout,
    sync: sync_cell,
}

syncing! {
    spawn: spawn,
    channel: channel::bounded,
    put: put,
    get: get,
    lock: new_lock, lock,
    semaphore: new_semaphore, acquire,
    event: new_event, set, wait,
}

async fn put(sender: &channel::Sender<u64>, item: u64) {
    sender.send(item).await.expect("an open channel");
}

async fn get(receiver: &mut channel::Receiver<u64>) -> u64 {
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
    drop(semaphore.acquire().await);
}

/// It has no event; a semaphore that begins with nothing is one.
fn new_event() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

fn set(event: &Semaphore) {
    event.add_permits(1);
}

async fn wait(event: &Semaphore) {
    event.acquire().await.forget();
}
