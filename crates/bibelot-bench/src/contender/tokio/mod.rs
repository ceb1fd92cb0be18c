//! tokio, on its runtime of one thread.

use std::io;
use std::net::TcpListener;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::{Contender, Role, unsupported};
use crate::cell::Cell;
use crate::computing::{self, computing};
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

    fn has(&self, cell: Cell) -> bool {
        computing::has(cell)
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        let runtime = runtime()?;
        let task = runtime.spawn(compute(cell, ops));
        runtime.block_on(task).map_err(io::Error::other)
    }

    fn serve(&self, _: Cell, _: TcpListener) -> io::Result<()> {
        unsupported()
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

computing! {
    spawn: tokio::spawn,
    give_way: tokio::task::yield_now(),
    sleep: tokio::time::sleep,
    timeout: tokio::time::timeout,
    channel: mpsc::channel,
    put: put,
    get: get,
}

async fn put(sender: &mpsc::Sender<u64>, item: u64) {
    sender.send(item).await.expect("an open channel");
}

async fn get(receiver: &mut mpsc::Receiver<u64>) -> u64 {
    receiver.recv().await.expect("an open channel")
}
