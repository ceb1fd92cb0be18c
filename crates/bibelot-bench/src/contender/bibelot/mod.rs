//! bibelot itself, on each of its backends.

mod serve;
mod sync;

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
        if let Cell::Message { busy } = cell {
            let run = async { bibelot::spawn(sync::receive(busy, ops)).await };
            return kernel.block_on(run).map_err(io::Error::other);
        }
        let sample = kernel.block_on(async { bibelot::spawn(compute(cell, ops)).await });
        sample.map_err(io::Error::other)
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        let mut kernel = Kernel::builder().backend(self.0).build()?;
        let served = kernel.block_on(async { bibelot::spawn(serve::serve(cell, tell_port)).await });
        served.map_err(io::Error::other)?.map_err(io::Error::other)
    }
}

/// The universal shell of the primitives, on polling.
pub struct BibelotUniversal;

impl Contender for BibelotUniversal {
    fn name(&self) -> &'static str {
        "bibelot-universal"
    }

    fn role(&self) -> Role {
        Role::Ours
    }

    fn has(&self, cell: Cell) -> bool {
        cell.is_sync()
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        let mut kernel = Kernel::builder().backend(Backend::Poll).build()?;
        let run = async { bibelot::spawn(sync::universal::run(cell, ops)).await };
        kernel.block_on(run).map_err(io::Error::other)
    }

    fn serve(&self, _: Cell, _: fn(u16)) -> io::Result<()> {
        super::unsupported()
    }
}

computing! {
    spawn: bibelot::spawn,
    give_way: bibelot::yield_now(),
    settle: bibelot::yield_now(),
    sleep: bibelot::sleep,
    timeout: bibelot::timeout_after,
    sync: sync::local::run,
}
