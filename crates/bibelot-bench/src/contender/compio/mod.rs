//! compio, on io_uring.

mod serve;

use std::future::Future;
use std::io;

use compio::driver::ProactorBuilder;
use compio::runtime::{JoinHandle, Runtime};

use super::joined::{Detach, Joined};
use super::{Contender, Role, async_channel, unsupported};
use crate::cell::Cell;
use crate::computing::{self, computing};
use crate::watch::Sample;

/// compio.
pub struct Compio;

impl Contender for Compio {
    fn name(&self) -> &'static str {
        "compio"
    }

    fn role(&self) -> Role {
        Role::Peer
    }

    fn is_available(&self) -> bool {
        super::has_io_uring() && runtime().is_ok()
    }

    fn has(&self, cell: Cell) -> bool {
        !cell.is_sync()
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        let sample = runtime()?.block_on(async move {
            spawn(async move {
                let Cell::Message { busy } = cell else {
                    return compute(cell, ops).await;
                };
                if busy {
                    drop(spawn(computing::give_way_always()));
                }
                async_channel::receive(busy, ops).await
            })
            .await
        });
        sample.map_or_else(|_| unsupported(), Ok)
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        let runtime = runtime()?;
        let served = runtime.block_on(async { spawn(serve::serve(cell, tell_port)).await });
        served.unwrap_or_else(|_| unsupported())
    }
}

/// The ring has the flags of the loop written by hand, which compio leaves to its users.
///
/// A turn of it runs only what was ready when it began, and then asks the operating system with a timeout of nothing.
/// Where nothing completes, this sleeps until a timer ends it at once, which takes 8 us: that is what a spawn and a
/// join one after the other come to, in two turns.
fn runtime() -> io::Result<Runtime> {
    let mut driver = ProactorBuilder::new();
    driver
        .capacity(4096)
        .single_issuer(true)
        .defer_taskrun(true)
        .taskrun_flag(true);
    Runtime::builder().with_proactor(driver).build()
}

fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> Joined<JoinHandle<T>> {
    Joined::new(compio::runtime::spawn(future))
}

impl<T> Detach for JoinHandle<T> {
    fn detach(self) {
        Self::detach(self);
    }
}

computing! {
    spawn: spawn,
    give_way: computing::give_way(),
    settle: computing::give_way(),
    sleep: compio::time::sleep,
    timeout: compio::time::timeout,
    sync: sync_cell,
}

/// It has no primitives of its own.
async fn sync_cell(_: Cell, _: u64) -> Sample {
    unreachable!("it has no such cell")
}
