//! glommio, on io_uring, with an executor that it did not pin.

mod serve;

use std::future::Future;
use std::io;
use std::time::Duration;

use glommio::channels::local_channel::{LocalReceiver, LocalSender, new_bounded};
use glommio::sync::Semaphore;
use glommio::timer::Timer;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, Task};

use super::joined::{Detach, Joined};
use super::{Contender, Role, async_channel};
use crate::cell::Cell;
use crate::computing::{self, computing};
use crate::syncing::{items, permits};
use crate::watch::Sample;

/// A task counts its wakers in 16 bits, and panics with the next.
const MOST_WAKERS: usize = 32_000;

/// glommio.
pub struct Glommio;

impl Contender for Glommio {
    fn name(&self) -> &'static str {
        "glommio"
    }

    fn role(&self) -> Role {
        Role::Peer
    }

    /// It wants more locked memory than some machines grant.
    fn is_available(&self) -> bool {
        super::has_io_uring() && executor().is_ok()
    }

    fn has(&self, cell: Cell) -> bool {
        !matches!(cell, Cell::Lock | Cell::Event)
    }

    fn leaves_out(&self, cell: Cell) -> Option<&'static str> {
        let timers = match cell {
            Cell::Timer { others } | Cell::Timeout { others } => others,
            Cell::Timers(_) => usize::MAX,
            _ => 0,
        };
        (timers > MOST_WAKERS)
            .then_some("a task of it can have 32,767 wakers, so one cannot hold so many timers")
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        Ok(executor()?.run(async move {
            let Cell::Message { busy } = cell else {
                return spawn(compute(cell, ops)).await;
            };
            if busy {
                drop(spawn(computing::give_way_always()));
            }
            spawn(async_channel::receive(busy, ops)).await
        }))
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        executor()?.run(async move { spawn(serve::serve(cell, tell_port)).await })
    }
}

fn executor() -> io::Result<LocalExecutor> {
    let made = LocalExecutorBuilder::new(Placement::Unbound).make();
    made.map_err(|error| io::Error::other(error.to_string()))
}

fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> Joined<Task<T>> {
    Joined::new(glommio::spawn_local(future))
}

impl<T: 'static> Detach for Task<T> {
    fn detach(self) {
        drop(Self::detach(self));
    }
}

async fn timeout<F: Future>(span: Duration, future: F) -> Option<F::Output> {
    let value = async { Ok::<_, glommio::GlommioError<()>>(future.await) };
    glommio::timer::timeout(span, value).await.ok()
}

computing! {
    spawn: spawn,
    give_way: computing::give_way(),
    settle: computing::give_way(),
    sleep: Timer::new,
    timeout: timeout,
    sync: sync_cell,
}

/// It has channels and a semaphore for the tasks of one executor.
async fn sync_cell(cell: Cell, ops: u64) -> Sample {
    match cell {
        Cell::Queue { capacity } => items!(spawn, new_bounded, put, get, capacity, ops),
        Cell::Semaphore => permits!(new_semaphore, acquire, ops),
        _ => unreachable!("it has no such cell"),
    }
}

async fn put(sender: &LocalSender<u64>, item: u64) {
    assert!(sender.send(item).await.is_ok(), "an open channel");
}

async fn get(receiver: &mut LocalReceiver<u64>) -> u64 {
    receiver.recv().await.expect("an open channel")
}

fn new_semaphore() -> Semaphore {
    Semaphore::new(2)
}

async fn acquire(semaphore: &Semaphore) {
    let permit = semaphore.acquire_permit(1).await;
    drop(permit.expect("an open semaphore"));
}
