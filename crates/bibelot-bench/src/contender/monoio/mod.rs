//! monoio, on io_uring.

use std::io;
use std::net::TcpListener;

use local_sync::mpsc::bounded;
use monoio::{FusionDriver, RuntimeBuilder};

use super::{Contender, Role, unsupported};
use crate::cell::Cell;
use crate::computing::{self, computing};
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

    fn has(&self, cell: Cell) -> bool {
        computing::has(cell)
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        let mut runtime = RuntimeBuilder::<FusionDriver>::new()
            .enable_timer()
            .build()?;
        Ok(runtime.block_on(async move { monoio::spawn(compute(cell, ops)).await }))
    }

    fn serve(&self, _: Cell, _: TcpListener) -> io::Result<()> {
        unsupported()
    }
}

computing! {
    spawn: monoio::spawn,
    give_way: computing::give_way(),
    sleep: monoio::time::sleep,
    timeout: monoio::time::timeout,
    channel: bounded::channel,
    put: put,
    get: get,
}

async fn put(sender: &bounded::Tx<u64>, item: u64) {
    assert!(sender.send(item).await.is_ok(), "an open channel");
}

async fn get(receiver: &mut bounded::Rx<u64>) -> u64 {
    receiver.recv().await.expect("an open channel")
}
