//! async-channel, which is nobody's: on the bare executor, so that what is measured is the channel.

use std::io;

use async_channel::{Receiver, Sender, bounded, unbounded};

use super::bare::executor;
use super::{Contender, Role, unsupported};
use crate::cell::Cell;
use crate::messages;
use crate::syncing::items;
use crate::watch::Sample;

/// async-channel.
pub struct AsyncChannel;

impl Contender for AsyncChannel {
    fn name(&self) -> &'static str {
        "async-channel"
    }

    fn role(&self) -> Role {
        Role::Peer
    }

    fn has(&self, cell: Cell) -> bool {
        matches!(cell, Cell::Queue { .. })
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        let Cell::Queue { capacity } = cell else {
            return unsupported();
        };
        Ok(executor::run(async move {
            items!(executor::spawn, bounded, put, get, capacity, ops)
        }))
    }

    fn serve(&self, _: Cell, _: fn(u16)) -> io::Result<()> {
        unsupported()
    }
}

async fn put(sender: &Sender<u64>, item: u64) {
    sender.send(item).await.expect("an open channel");
}

async fn get(receiver: &mut Receiver<u64>) -> u64 {
    receiver.recv().await.expect("an open channel")
}

/// Takes messages from a thread, for runtimes that have no channel of their own.
pub async fn receive(busy: bool, ops: u64) -> Sample {
    let (sender, receiver) = unbounded();
    let send = move |stamp| sender.try_send(stamp).expect("there is always room");
    let get = async || receiver.recv().await.expect("an open channel");
    messages::receive(busy, ops, send, get).await
}
