//! Taking: how results leave a group, each once.
//!
//! A member's result is claimed by whoever waits to join it, taken by whoever asks for the next that
//! ends, counted by the owner's wait, and at last given out by the outcome or reported.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

use bibelot_kernel::{Crash, CrashKind, TaskId, TaskName};

use super::error::MemberError;
use super::outcome::Finished;
use super::state::{Entry, Now, Shared};
use super::wait::Wait;
use super::waiters::Woken;
use crate::contain::contain;

/// What a joiner finds.
pub(super) enum Look<T, E> {
    Runs,
    Ended(Result<T, MemberError<E>>),
    Taken,
}

impl<T: 'static, E: 'static> Shared<T, E> {
    /// Counts the members that have ended, in order, until what the group waits for has come; whether it
    /// has.
    pub(super) fn count(&self, wait: Wait<T>) -> bool {
        loop {
            let mut state = self.lock();
            if state.is_over || matches!(wait, Wait::None) {
                return true;
            }
            let Some(id) = state.ended.pop_front() else {
                return state.running == 0;
            };
            let Some(entry) = state.members.get_mut(&id) else {
                continue;
            };
            // Predicates are code of users, so the result is taken out while they look at it.
            let Now::Ended(result) = mem::replace(&mut entry.now, Now::Ends) else {
                continue;
            };
            drop(state);
            let (counts, is_over) = wait.weigh(&result);
            let mut state = self.lock();
            state.is_over |= is_over;
            if counts {
                state.completed.get_or_insert(id);
            }
            if let Some(entry) = state.members.get_mut(&id) {
                entry.now = Now::Ended(result);
            }
        }
    }

    /// Takes the next member that has ended, out of the group; `Err` says whether any still runs.
    pub(super) fn take_next(&self) -> Result<Finished<T, E>, bool> {
        let mut state = self.lock();
        while let Some(id) = state.ended.pop_front() {
            if let Some(Entry {
                name,
                now: Now::Ended(result),
                ..
            }) = state.members.remove(&id)
            {
                return Ok(Finished { id, name, result });
            }
        }
        Err(state.running > 0)
    }

    /// Takes one member's result.
    pub(super) fn take_member(&self, id: TaskId) -> Look<T, E> {
        let mut state = self.lock();
        match state.members.get(&id) {
            None => return Look::Taken,
            Some(entry) if !matches!(entry.now, Now::Ended(_)) => return Look::Runs,
            Some(_) => {}
        }
        match state.members.remove(&id) {
            Some(Entry {
                now: Now::Ended(result),
                ..
            }) => Look::Ended(result),
            _ => Look::Taken,
        }
    }

    /// Has `waker` woken when this member has ended, whose result it then will have.
    pub(super) fn claim(&self, id: TaskId, ticket: &mut Option<u64>, waker: &Waker) {
        let waker = waker.clone();
        let is_first = ticket.is_none();
        let old = {
            let mut state = self.lock();
            let Some(entry) = state.members.get_mut(&id) else {
                return;
            };
            entry.claims += usize::from(is_first);
            entry.joiners.add(ticket, waker)
        };
        drop(old);
    }

    /// Gives the claim back; a member that has ended and is claimed no more counts again.
    pub(super) fn unclaim(&self, id: TaskId, ticket: &mut Option<u64>) {
        let Some(ticket) = ticket.take() else { return };
        let (old, waiters) = {
            let mut state = self.lock();
            let state = &mut *state;
            let Some(entry) = state.members.get_mut(&id) else {
                return;
            };
            let old = entry.joiners.leave(ticket);
            entry.claims -= 1;
            if entry.claims > 0 || !matches!(entry.now, Now::Ended(_)) {
                (old, Woken::none())
            } else {
                state.ended.push_back(id);
                (old, state.waiters.take())
            }
        };
        drop(old);
        waiters.wake();
    }

    /// The task of a member that runs.
    pub(super) fn is_running(&self, id: TaskId) -> bool {
        self.lock()
            .members
            .get(&id)
            .is_some_and(|entry| entry.task().is_some())
    }

    /// The members that nobody has taken, without daemons, in the order of spawning.
    pub(super) fn names(&self) -> Vec<TaskName> {
        let state = self.lock();
        let members = state.members.values();
        let members = members.filter(|entry| !matches!(entry.now, Now::Daemon));
        members.map(|entry| entry.who).collect()
    }

    /// Takes all results, in the order of spawning, and which member counted first.
    pub(super) fn take_all(&self) -> (Vec<Finished<T, E>>, Option<TaskId>) {
        let mut state = self.lock();
        let state = &mut *state;
        let mut kept = BTreeMap::new();
        let mut taken = Vec::new();
        for (id, entry) in mem::take(&mut state.members) {
            match entry {
                Entry {
                    name,
                    now: Now::Ended(result),
                    claims: 0,
                    ..
                } => {
                    taken.push(Finished { id, name, result });
                }
                entry => {
                    kept.insert(id, entry);
                }
            }
        }
        state.members = kept;
        state.ended.clear();
        (taken, state.completed)
    }

    /// Tells the crash hook of the failures that nobody was given.
    pub(super) fn report_untaken(&self) {
        for member in self.take_all().0 {
            contain("the drop of what a member came to", || {
                self.report(&member);
                drop(member);
            });
        }
    }

    fn report(&self, member: &Finished<T, E>) {
        let (kind, message) = match &member.result {
            Err(MemberError::Failed(error)) => (CrashKind::Failed, (self.asks.describe)(error)),
            Err(MemberError::Panicked(panic)) => (CrashKind::Panicked, panic.to_string()),
            _ => return,
        };
        let crash = Crash::new(kind, &message);
        crash.of(member.id, member.name.as_deref()).report();
    }
}
