//! The look: watching for completions without a system call, where waits have proved short.
//!
//! What is queued is submitted first. Then the completion queue, the flags that say that the operating
//! system holds completions back, and the word that other threads write when they wake are read again and
//! again, until one of them has something or the time for it is over.
//!
//! # Invariants
//!
//! - A look announces no sleep, so a wake that it sees has not kicked.

use std::io;
use std::time::Duration;

use bibelot_reactor::{Came, Completion, Outcome};

use crate::Uring;

impl Uring {
    /// Begins a wait. Whether there is no need to sleep, or the operating system has no room.
    pub(crate) fn look_first(&mut self, timeout: Option<Duration>) -> io::Result<Looked> {
        if self.lookout.is_eager() && self.ring.has_queued() {
            if self.enter_now()? {
                return Ok(Looked::Crowded);
            }
            if self.ring.has_completions() {
                return Ok(Looked::Found);
            }
        }
        match self.lookout.begins(timeout) && self.look() {
            true => Ok(Looked::Found),
            false => Ok(Looked::Nothing),
        }
    }

    /// Ends a wait that has brought what is `ready`, after a look if a little of its time is left.
    pub(crate) fn end_wait(&mut self, was_woken: bool) -> io::Result<()> {
        let has_rest = self.lookout.ended(came(&self.ready, was_woken));
        if !has_rest || !self.look() {
            return Ok(());
        }
        let was_woken = self.kick.woke();
        let entered = match self.ring.wants_enter() {
            true => self.enter_at_once(),
            false => Ok(()),
        };
        let settled = self.settle_all();
        self.lookout.ended(came(&self.ready, was_woken));
        entered.and(settled)
    }

    fn look(&mut self) -> bool {
        let (ring, kick) = (&mut self.ring, &self.kick);
        let is_there = || kick.is_told() || ring.has_completions() || ring.wants_enter();
        self.lookout.look(is_there)
    }
}

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    Nothing,
    Found,
    /// The operating system has no room at the moment.
    Crowded,
}

/// What a wait has brought. That a send is over is nothing anybody waits for.
fn came(ready: &[Completion], was_woken: bool) -> Came {
    let mut came = Came::Nothing;
    for end in ready {
        if !matches!(end.result, Ok(Outcome::Count(_))) {
            came = came.and(end.token.slot());
        }
    }
    match came {
        Came::Nothing if was_woken => Came::WAKE,
        came => came,
    }
}
