//! The limit of computing: a ready queue, a wheel and a cell in one thread, and nothing else.
//!
//! No cancellation, no handles that outlive anything, no other threads, nothing to look inside: what is
//! left is what any runtime has to do.

pub mod executor;
mod queue;
mod sync;
mod timeout;

use std::io;

use super::{Contender, Role, unsupported};
use crate::cell::{Cell, Step};
use crate::computing::{self, computing};
use crate::syncing::syncing;
use crate::watch::Sample;

/// The bare executor.
pub struct Bare;

impl Contender for Bare {
    fn name(&self) -> &'static str {
        "bare"
    }

    fn role(&self) -> Role {
        Role::Limit
    }

    fn has(&self, cell: Cell) -> bool {
        computing::has(cell)
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        if cell == Cell::Timers(Step::Fire) {
            return Ok(timeout::fire(ops));
        }
        Ok(executor::run(compute(cell, ops)))
    }

    fn serve(&self, _: Cell, _: fn(u16)) -> io::Result<()> {
        unsupported()
    }
}

computing! {
    spawn: executor::spawn,
    give_way: computing::give_way(),
    settle: computing::give_way(),
    sleep: timeout::sleep,
    timeout: timeout::timeout,
    sync: sync_cell,
}

syncing! {
    spawn: executor::spawn,
    channel: queue::channel,
    put: queue::put,
    get: queue::get,
    lock: sync::new_lock, sync::lock,
    semaphore: sync::new_semaphore, sync::acquire,
    event: sync::new_event, sync::set, sync::wait,
}
