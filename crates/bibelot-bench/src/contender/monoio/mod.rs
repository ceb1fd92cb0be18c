//! monoio, on io_uring.

mod give_way;
mod serve;

use std::io;

use local_sync::mpsc::bounded;
use local_sync::semaphore::Semaphore;
use monoio::{IoUringDriver, RuntimeBuilder};

use super::{Contender, Role};
use crate::cell::Cell;
use crate::computing::computing;
use crate::syncing::{items, permits};
use crate::watch::Sample;

/// monoio.
pub struct Monoio;

impl Contender for Monoio {
    fn name(&self) -> &'static str {
        "monoio"
    }

    fn role(&self) -> Role {
        Role::Peer
    }

    fn is_available(&self) -> bool {
        super::has_io_uring()
    }

    fn has(&self, cell: Cell) -> bool {
        !matches!(cell, Cell::Lock | Cell::Event)
    }

    fn leaves_out(&self, cell: Cell) -> Option<&'static str> {
        matches!(cell, Cell::Message { .. }).then_some(
            "it can be woken by other threads only if built so that every waker of every cell looks for its thread",
        )
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        let mut runtime = runtime()?;
        Ok(runtime.block_on(async move {
            let usher = monoio::spawn(give_way::usher());
            let is_lone_yield = matches!(cell, Cell::Yield { tasks: 1 });
            give_way::set_alone(matches!(cell, Cell::Timeout { .. }), is_lone_yield);
            let sample = monoio::spawn(compute(cell, ops)).await;
            drop(usher);
            sample
        }))
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        let mut runtime = runtime()?;
        runtime.block_on(async move { monoio::spawn(serve::serve(cell, tell_port)).await })
    }
}

type Runtime = monoio::time::TimeDriver<IoUringDriver>;

/// The ring has the flags and the size of the loop written by hand.
fn runtime() -> io::Result<monoio::Runtime<Runtime>> {
    let mut ring = io_uring_06::IoUring::builder();
    ring.setup_single_issuer().setup_defer_taskrun();
    RuntimeBuilder::<IoUringDriver>::new()
        .with_entries(4096)
        .uring_builder(ring)
        .enable_timer()
        .build()
}

computing! {
    spawn: monoio::spawn,
    give_way: give_way::give_way(),
    settle: give_way::settle(),
    sleep: monoio::time::sleep,
    timeout: monoio::time::timeout,
    sync: sync_cell,
}

/// It has no primitives; channels and semaphores are of a crate by its authors.
async fn sync_cell(cell: Cell, ops: u64) -> Sample {
    match cell {
        Cell::Queue { capacity } => {
            items!(monoio::spawn, bounded::channel, put, get, capacity, ops)
        }
        Cell::Semaphore => permits!(new_semaphore, acquire, ops),
        _ => unreachable!("it has no such cell"),
    }
}

async fn put(sender: &bounded::Tx<u64>, item: u64) {
    assert!(sender.send(item).await.is_ok(), "an open channel");
}

async fn get(receiver: &mut bounded::Rx<u64>) -> u64 {
    receiver.recv().await.expect("an open channel")
}

fn new_semaphore() -> Semaphore {
    Semaphore::new(2)
}

async fn acquire(semaphore: &Semaphore) {
    drop(semaphore.acquire().await.expect("an open semaphore"));
}
