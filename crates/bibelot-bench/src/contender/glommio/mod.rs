//! glommio, on io_uring, with an executor that it did not pin.

mod serve;

use std::future::Future;
use std::io;
use std::time::Duration;

use glommio::timer::Timer;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, Task};

use super::joined::{Detach, Joined};
use super::{Contender, Role, async_channel};
use crate::cell::Cell;
use crate::computing::{self, computing};
use crate::watch::Sample;

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
        match cell {
            // A task of it can have 32,767 wakers, and panics with the next: one cannot hold so many timers.
            Cell::Timer { others } | Cell::Timeout { others } => others < 32_000,
            Cell::Timers(_) => false,
            _ => !cell.is_sync(),
        }
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
    sleep: Timer::new,
    timeout: timeout,
    sync: sync_cell,
}

/// Its channels and semaphores are not the things that are measured here.
async fn sync_cell(_: Cell, _: u64) -> Sample {
    unreachable!("it has no such cell")
}
