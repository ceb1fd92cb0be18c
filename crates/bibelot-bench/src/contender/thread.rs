//! The limit of being woken: a plain thread that parks until another unparks it, or sleeps.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::{Contender, Role, unsupported};
use crate::cell::Cell;
use crate::computing::NAP;
use crate::histogram::Histogram;
use crate::messages;
use crate::watch::Sample;

/// A thread without any runtime.
pub struct Thread;

impl Contender for Thread {
    fn name(&self) -> &'static str {
        "thread"
    }

    fn role(&self) -> Role {
        Role::Limit
    }

    fn has(&self, cell: Cell) -> bool {
        matches!(cell, Cell::Lateness | Cell::Message { busy: false })
    }

    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample> {
        match cell {
            Cell::Lateness => Ok(naps(ops)),
            Cell::Message { busy: false } => Ok(parks(ops)),
            _ => unsupported(),
        }
    }

    fn serve(&self, _: Cell, _: fn(u16)) -> io::Result<()> {
        unsupported()
    }
}

fn naps(ops: u64) -> Sample {
    let mut late = Histogram::new();
    for _ in 0..ops {
        let began = Instant::now();
        thread::sleep(NAP);
        late.add(began.elapsed().saturating_sub(NAP));
    }
    Sample::median(&late)
}

fn parks(ops: u64) -> Sample {
    let place = Arc::new(Mutex::new(None));
    let (there, this) = (place.clone(), thread::current());
    let send = move |stamp: Instant| {
        *there.lock().expect("nobody panics in here") = Some(stamp);
        this.unpark();
    };
    let sender = thread::spawn(move || messages::send_all(false, ops, send));
    let mut latencies = Histogram::new();
    // A message that comes while the one before is looked at takes its place.
    while !sender.is_finished() {
        let stamp = place.lock().expect("nobody panics in here").take();
        match stamp {
            Some(stamp) => latencies.add(stamp.elapsed()),
            None => thread::park_timeout(messages::PATIENCE),
        }
    }
    Sample::median(&latencies)
}
