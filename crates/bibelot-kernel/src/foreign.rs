//! The foreign list: a task's traps that were polled with a waker that is not the task's own.
//!
//! A combinator that gives each of its arms a waker polls only those that were woken. So a request wakes
//! the traps that are listed here, each through its own waker, and the scopes around a trap say which
//! requests are meant for it. Tasks without such combinators have nothing on the list.

use std::task::Waker;

use bibelot_timer::Instant;

use crate::cancel::Kind;
use crate::current::Parked;
use crate::tasks::Entry;

/// A trap polled with a waker of its own, and the scopes around it.
pub(crate) struct Foreign {
    waker: Option<Waker>,
    /// What it waits for; `None` of a shield.
    pub parked: Option<Parked>,
    pub scopes: Vec<Around>,
}

/// A scope around a trap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around {
    pub id: u64,
    pub kind: Kind,
    pub deadline: Instant,
}

impl Foreign {
    fn is_inside(&self, scope: u64) -> bool {
        self.scopes.iter().any(|around| around.id == scope)
    }
}

impl Entry {
    /// Lists a trap polled with a waker of its own. Returns its place and a waker to drop.
    pub(crate) fn add_foreign(
        &mut self,
        place: Option<u32>,
        waker: Waker,
        parked: Option<Parked>,
        scopes: impl Iterator<Item = Around>,
    ) -> (u32, Option<Waker>) {
        let foreign = &mut self.extra_mut().foreign;
        if let Some(place) = place
            && let Some(listed) = foreign.get_mut(place as usize)
        {
            listed.parked = parked;
            listed.scopes.clear();
            listed.scopes.extend(scopes);
            return (place, listed.waker.replace(waker));
        }
        let listed = Foreign {
            waker: Some(waker),
            parked,
            scopes: scopes.collect(),
        };
        (foreign.insert(listed) as u32, None)
    }

    pub(crate) fn remove_foreign(&mut self, place: u32) -> Option<Waker> {
        let foreign = &mut self.existing_extra_mut()?.foreign;
        foreign.try_remove(place as usize)?.waker
    }

    /// Takes the wakers of the listed traps inside `scope`, or of all: each is woken once until its trap
    /// is polled again.
    pub(crate) fn take_foreign(&mut self, scope: Option<u64>, wakers: &mut Vec<Waker>) {
        let Some(extra) = self.existing_extra_mut() else {
            return;
        };
        for (_, listed) in &mut extra.foreign {
            if scope.is_none_or(|scope| listed.is_inside(scope)) {
                wakers.extend(listed.waker.take());
            }
        }
    }

    /// Whether a listed trap is inside `scope`.
    pub(crate) fn has_foreign(&self, scope: u64) -> bool {
        self.extra().is_some_and(|extra| {
            let mut listed = extra.foreign.iter();
            listed.any(|(_, listed)| listed.is_inside(scope))
        })
    }
}
