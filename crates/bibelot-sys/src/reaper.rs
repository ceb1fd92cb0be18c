//! The reaper: takes the status of children that were killed because nobody asks about them any more.
//!
//! Mostly a killed child has ended when it is looked at. For one that takes longer there is a thread,
//! which looks at all of them, ever less often, and goes when there is none left. If no thread can be had, the child is looked at again when
//! the next one is started.
//!
//! # Invariants
//!
//! - A number in the line is that of a child whose status nobody has taken, so it means no one else.
//! - `is_manned` is set if and only if a thread waits, or is about to look at the line again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::raw::block_signals;

static LINE: Mutex<Line> = Mutex::new(Line {
    dead: Vec::new(),
    is_manned: false,
});

/// How long between two looks: at first, and later.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

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
    let mut pause = PAUSE_MIN;
    // One that hangs in the operating system keeps no other waiting, so none is waited for alone.
    while is_anyone_left() {
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Looks at the whole line; without anyone in it, the thread goes.
fn is_anyone_left() -> bool {
    let mut line = line();
    line.dead.retain(|pid| !has_ended(*pid));
    line.is_manned = !line.dead.is_empty();
    line.is_manned
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
