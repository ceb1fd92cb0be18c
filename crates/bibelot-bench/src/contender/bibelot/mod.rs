//! bibelot itself, on each of its backends.

mod serve;

use std::io;

use bibelot::{Backend, Kernel};

use super::{Contender, Role};
use crate::cell::Cell;
use crate::computing::computing;
use crate::watch::Sample;

/// bibelot on one backend.
pub struct Bibelot(pub Backend);

impl Contender for Bibelot {
    fn name(&self) -> &'static str {
        match self.0 {
            Backend::Poll => "bibelot-poll",
            _ => "bibelot-uring",
        }
    }

    fn role(&self) -> Role {
        Role::Ours
    }

    fn is_available(&self) -> bool {
        self.0 != Backend::Uring || super::has_io_uring()
    }

    fn has(&self, _: Cell) -> bool {
        true
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        let mut kernel = Kernel::builder().backend(self.0).build()?;
        let sample = kernel.block_on(async { bibelot::spawn(compute(cell, ops)).await });
        sample.map_err(io::Error::other)
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        let mut kernel = Kernel::builder().backend(self.0).build()?;
        let served = kernel.block_on(async { bibelot::spawn(serve::serve(cell, tell_port)).await });
        served.map_err(io::Error::other)?.map_err(io::Error::other)
    }
}

computing! {
    spawn: bibelot::spawn,
    give_way: bibelot::yield_now(),
    sleep: bibelot::sleep,
    timeout: bibelot::timeout_after,
    channel: channel,
    put: put,
    get: get,
}

type Queue = bibelot::Queue<u64>;

fn channel(capacity: usize) -> (Queue, Queue) {
    let queue = Queue::bounded(capacity);
    (queue.clone(), queue)
}

async fn put(queue: &Queue, item: u64) {
    queue.put(item).await.expect("an open queue");
}

async fn get(queue: &mut Queue) -> u64 {
    queue.get().await.expect("an open queue")
}
