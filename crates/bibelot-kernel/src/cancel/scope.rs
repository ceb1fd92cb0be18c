//! The scope: what the scopes' futures have in common.
//!
//! A scope owns its frame and its timer. It lends the frame to the path, polls the body, asks whether a
//! request went unheard, and sets the timer if the body is pending.

use std::rc::Rc;
use std::task::{Context, Poll};

use bibelot_timer::{Instant, Key as TimerKey};

use super::cancelled::Cancelled;
use super::cause::ScopeId;
use super::frame::{Frame, Kind};
use super::taken;
use crate::core::Core;
use crate::home::KernelId;
use crate::timers::disarm_from_anywhere;

/// One scope around a body.
#[derive(Debug)]
pub(crate) struct Scope {
    pub frame: Frame,
    timer: Option<(KernelId, TimerKey)>,
}

impl Scope {
    #[inline]
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            frame: Frame::new(kind, Instant::FAR),
            timer: None,
        }
    }

    #[inline]
    pub(crate) fn id(&self) -> ScopeId {
        self.frame.scope()
    }

    /// Whether it has not been polled yet.
    #[inline]
    pub(crate) fn is_new(&self) -> bool {
        self.frame.id == 0
    }

    /// Moves a limit's deadline between two polls.
    pub(crate) fn move_to(&mut self, deadline: Instant) {
        if deadline < self.frame.deadline {
            // A timer that fires too early is set anew; one that would fire too late goes.
            self.disarm();
        }
        self.frame.deadline = deadline;
    }

    /// Polls the body inside the scope. `Err` is a request that nothing inside hears: it has been told
    /// here, and the body is to be dropped.
    #[inline]
    pub(crate) fn poll<R>(
        &mut self,
        core: &Rc<Core>,
        context: &mut Context<'_>,
        body: impl FnOnce(&mut Context<'_>) -> Poll<R>,
    ) -> Result<Poll<R>, Cancelled> {
        let had_fired = self.frame.fired != 0;
        let deadline = self.frame.deadline;
        let outer = core.path.unheard.begin();
        self.prepare(core);
        let mut told = None;
        let mut is_served = false;
        let polled = core.path.within(&mut self.frame, || {
            let polled = body(context);
            if polled.is_pending() {
                told = core.unheard().map(|request| core.tell(request));
                is_served = gives_way(core, context) || core.path.is_covered();
            }
            polled
        });
        if self.frame.deadline < deadline {
            self.disarm();
        }
        let waits = polled.is_pending() && told.is_none();
        core.path.unheard.end(&outer, waits);
        if let Some(told) = told {
            self.disarm();
            return Err(told);
        }
        match polled {
            Poll::Ready(_) => self.disarm_here(core),
            Poll::Pending if is_served && self.timer.is_none() => {}
            Poll::Pending => self.arm(core, context, had_fired),
        }
        Ok(polled)
    }

    /// Makes the frame ready to be entered; who hears that it fired by that is woken.
    #[inline]
    fn prepare(&mut self, core: &Rc<Core>) {
        let was_new = self.is_new();
        let fires = core
            .path
            .prepare(&mut self.frame, core.now(), || core.next_stamp());
        if fires && !was_new {
            core.wake_inside(self.frame.id);
        }
    }

    /// Polls a body that is always driven to its end: what nothing inside hears stays due, and is left to
    /// the scope around.
    pub(crate) fn poll_driven<R>(
        &mut self,
        core: &Rc<Core>,
        context: &mut Context<'_>,
        body: impl FnOnce(&mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        let outer = core.path.unheard.begin();
        let lifts = !self.is_new() && self.frame.lifts(core.now());
        self.prepare(core);
        if lifts {
            // What was parked behind the shield hears now.
            core.wake_inside(self.frame.id);
        }
        let is_branch = self.frame.kind == Kind::Branch;
        let polled = core.path.within(&mut self.frame, || {
            let polled = body(context);
            if polled.is_pending()
                && is_branch
                && let Some(request) = core.unheard()
            {
                core.path.unheard.leave(request.origin);
            }
            polled
        });
        core.path.unheard.end(&outer, polled.is_pending());
        match polled {
            Poll::Ready(_) => self.disarm_here(core),
            Poll::Pending => self.arm(core, context, false),
        }
        polled
    }

    /// Sets the timer for the frame's deadline, whatever stands around.
    pub(crate) fn arm_at(&mut self, core: &Rc<Core>, context: &Context<'_>) {
        self.arm(core, context, false);
    }

    /// Sets the timer if somebody has to be woken when the time comes.
    #[inline(never)]
    fn arm(&mut self, core: &Rc<Core>, context: &Context<'_>, had_fired: bool) {
        let lifts = self.frame.kind == Kind::Shield && self.frame.deadline > core.now();
        let is_wanted = !had_fired && (self.frame.is_armed() || lifts);
        if !is_wanted || self.frame.deadline.is_never() {
            self.disarm_here(core);
            return;
        }
        let key = match self.timer {
            None => None,
            Some((kernel, key)) => {
                assert!(
                    kernel == core.id,
                    "a scope belongs to the kernel it was first polled on"
                );
                Some(key)
            }
        };
        let key = core.arm(key, self.frame.deadline, context.waker());
        self.timer = Some((core.id, key));
    }

    /// Takes the timer out, where it is probably one of this kernel's.
    #[inline]
    fn disarm_here(&mut self, core: &Core) {
        if let Some((kernel, key)) = self.timer.take() {
            if kernel == core.id {
                core.disarm(key);
            } else {
                disarm_from_anywhere(kernel, key);
            }
        }
    }

    /// Takes the timer out.
    #[inline]
    pub(crate) fn disarm(&mut self) {
        if let Some((kernel, key)) = self.timer.take() {
            disarm_from_anywhere(kernel, key);
        }
    }

    /// A request of this scope's that was put back as a note goes with it.
    #[inline]
    pub(crate) fn take_note(&self, core: &Core) {
        if core.current.asked.get() {
            self.take_own_note(core);
        }
    }

    #[inline(never)]
    fn take_own_note(&self, core: &Core) {
        let Some(key) = core.current.key() else {
            return;
        };
        let id = self.id();
        let note = {
            let mut tasks = core.tasks.borrow_mut();
            let Some(entry) = tasks.get_mut(key) else {
                return;
            };
            entry
                .extra_mut()
                .asked
                .note
                .take_if(|note| note.cause.scope() == Some(id))
        };
        drop(note);
    }
}

/// Whether a trap gave way inside the innermost scope, which is why that scope is polled again, by whoever keeps
/// to the contract of futures: until then it needs no timer, since a poll looks at the time.
#[inline]
fn gives_way(core: &Core, context: &Context<'_>) -> bool {
    core.path.is_occupied() && core.current.gave_way() && core.current.is_own(context.waker())
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        self.disarm();
        taken::forget(&self.frame);
    }
}
