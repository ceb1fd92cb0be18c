//! Asking and putting back by hand.

use bibelot_timer::Instant;

use super::cancelled::Cancelled;
use super::cause::Cause;
use super::frame::{Frame, Kind};
use super::request::{Wish, tell_taken};
use crate::core::{Core, wake_all};
use crate::home;

/// Takes the request that is due here, without waiting.
///
/// `Ok(Some)` is a request that a shield hides, which stays as it is. Without a kernel nothing is due.
///
/// Curio: `check_cancellation()`.
///
/// # Errors
///
/// The request that is due, which is thereby delivered.
pub fn check_cancellation() -> Result<Option<Cancelled>, Cancelled> {
    let found = home::with(|core| {
        if let Some(request) = core.due(None) {
            return Err(core.tell(request));
        }
        Ok(core
            .due_behind_shields()
            .map(|request| Cancelled::new(request.cause)))
    });
    found.unwrap_or(Ok(None))
}

/// Takes the strongest request that was made here, also one that a shield hides, if `accepts` its
/// cause. It is delivered by this, and no limit is switched off.
///
/// Curio: `check_cancellation(exc_type)`.
pub fn take_pending(accepts: impl FnOnce(&Cause) -> bool) -> Option<Cancelled> {
    home::with(|core| {
        let request = core.due_behind_shields()?;
        if !accepts(&request.cause) {
            return None;
        }
        core.path
            .change(|path| tell_taken(path, request.origin, core.last_stamp()));
        Some(Cancelled::new(request.cause))
    })?
}

/// Puts a request back, to be delivered at the next blocking point where no shield hides it; `None`
/// takes back what was put. Gives what it replaces, if that was not delivered.
///
/// Curio: `set_cancellation(exc)`.
///
/// # Panics
///
/// Outside a task.
#[track_caller]
#[doc(alias = "set_cancellation")]
pub fn set_pending(request: Option<Cancelled>) -> Option<Cancelled> {
    home::expect("set_pending", |core| {
        let key = core
            .current
            .key()
            .expect("set_pending is called from inside a task");
        let told = core.path.look(|path| {
            path.iter()
                .rev()
                .find(|frame| frame.is_branch())
                .map_or(0, |frame| frame.told_note)
        });
        let wish = request.map(|request| Wish {
            stamp: core.next_stamp(),
            cause: request.cause().clone(),
        });
        let is_asked = wish.is_some();
        let mut wakers = Vec::new();
        let replaced = {
            let mut tasks = core.tasks.borrow_mut();
            let entry = tasks.get_mut(key)?;
            let asked = &mut entry.extra_mut().asked;
            let replaced = std::mem::replace(&mut asked.note, wish);
            core.current.asked.set(is_asked || asked.is_any());
            if is_asked {
                entry.take_foreign(None, &mut wakers);
            }
            replaced
        };
        if is_asked {
            core.records.heed(key.slot);
            // What is parked beside this code has met the request, too.
            wake_all(wakers);
            core.wake_task(key);
        }
        replaced
            .filter(|note| note.stamp > told)
            .map(|note| Cancelled::new(note.cause))
    })
}

/// The earliest deadline of the limits around this code that can still cut it: for passing on.
///
/// Limits behind a shield do not count. Without a kernel there is none.
#[must_use]
#[doc(alias = "current_effective_deadline")]
pub fn current_deadline() -> Option<Instant> {
    let earliest = home::with(|core: &std::rc::Rc<Core>| {
        core.path.look(|path| {
            let from = path
                .iter()
                .rposition(|frame| frame.masks(core.now()))
                .map_or(0, |i| i + 1);
            let limits = path[from..].iter().filter(|frame| counts(frame));
            limits.map(|frame| frame.deadline).min()
        })
    });
    earliest.flatten().filter(|deadline| !deadline.is_never())
}

fn counts(frame: &Frame) -> bool {
    frame.kind == Kind::Limit && !frame.silenced
}
