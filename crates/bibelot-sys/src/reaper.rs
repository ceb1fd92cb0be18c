//! The reaper: takes the status of children that were killed because nobody asks about them any more.
//!
//! Mostly a killed child has ended when it is looked at. For one that takes longer there is a thread,
//! which goes when it has waited for all of them. If no thread can be had, the child is looked at again when
//! the next one is started.
//!
//! # Invariants
//!
//! - A number in the line is that of a child whose status nobody has taken, so it means no one else.
//! - `is_manned` is set if and only if a thread waits, or is about to look at the line again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::io::retry_on_intr;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::raw::block_signals;

static LINE: Mutex<Line> = Mutex::new(Line {
    dead: Vec::new(),
    is_manned: false,
});

struct Line {
    dead: Vec<Pid>,
    is_manned: bool,
}

/// Takes the status of a child that was killed, now or as soon as it has ended. It does not block.
pub(crate) fn bury(pid: Pid) {
    if has_ended(pid) {
        return;
    }
    let mut line = line();
    line.dead.push(pid);
    if line.is_manned {
        return;
    }
    line.is_manned = true;
    drop(line);
    let thread = thread::Builder::new().name("bibelot-reaper".into());
    if thread.spawn(serve).is_err() {
        self::line().is_manned = false;
    }
}

/// Looks again at those for whom there is no thread.
pub(crate) fn sweep() {
    let mut line = line();
    if !line.is_manned {
        line.dead.retain(|pid| !has_ended(*pid));
    }
}

fn serve() {
    block_signals();
    loop {
        let next = {
            let mut line = line();
            let next = line.dead.pop();
            line.is_manned = next.is_some();
            next
        };
        let Some(pid) = next else { return };
        // An error says that its status is taken already.
        let _reaped = retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED));
    }
}

/// Whether a child has ended; if so, its status is taken.
fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    !matches!(
        retry_on_intr(|| waitid(WaitId::Pid(pid), options)),
        Ok(None)
    )
}

fn line() -> MutexGuard<'static, Line> {
    // Nothing under the lock can leave the line half-changed, so a poisoned lock is a good one.
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}
