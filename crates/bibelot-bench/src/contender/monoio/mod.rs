//! monoio, on io_uring.

mod serve;

use std::io;

use local_sync::mpsc::bounded;
use monoio::{IoUringDriver, RuntimeBuilder};

use super::{Contender, Role};
use crate::cell::Cell;
use crate::computing::{self, computing};
use crate::syncing::items;
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
        // It wakes nobody from other threads unless everybody pays for that. In the ring of wakers it hangs, which
        // was not looked into.
        !matches!(cell, Cell::Message { .. } | Cell::Ring { .. })
            && (!cell.is_sync() || matches!(cell, Cell::Queue { .. }))
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        let mut runtime = runtime()?;
        Ok(runtime.block_on(async move { monoio::spawn(compute(cell, ops)).await }))
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        let mut runtime = runtime()?;
        runtime.block_on(async move { monoio::spawn(serve::serve(cell, tell_port)).await })
    }
}

type Runtime = monoio::time::TimeDriver<IoUringDriver>;

fn runtime() -> io::Result<monoio::Runtime<Runtime>> {
    RuntimeBuilder::<IoUringDriver>::new()
        .enable_timer()
        .build()
}

computing! {
    spawn: monoio::spawn,
    give_way: computing::give_way(),
    sleep: monoio::time::sleep,
    timeout: monoio::time::timeout,
    sync: sync_cell,
}

/// Of what it has not it takes part in nothing.
async fn sync_cell(cell: Cell, ops: u64) -> Sample {
    let Cell::Queue { capacity } = cell else {
        unreachable!("it has no such cell");
    };
    items!(monoio::spawn, bounded::channel, put, get, capacity, ops)
}

async fn put(sender: &bounded::Tx<u64>, item: u64) {
    assert!(sender.send(item).await.is_ok(), "an open channel");
}

async fn get(receiver: &mut bounded::Rx<u64>) -> u64 {
    receiver.recv().await.expect("an open channel")
}
