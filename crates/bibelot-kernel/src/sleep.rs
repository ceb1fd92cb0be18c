//! Sleeping: waiting for a point in time, and giving way for one turn.

use std::fmt;
use std::task::Waker;
use std::time::Duration;

use bibelot_timer::{Instant, Key};

use crate::core::{Timer, disarm_from_anywhere};
use crate::home::{self, KernelId};
use crate::record::Wait;
use crate::trap::{Leave, Op, Park, Trap};

/// The future of [`sleep`] and [`sleep_until`].
pub type Sleep = Trap<SleepOp>;

/// The future of [`yield_now`].
pub type YieldNow = Trap<YieldOp>;

/// The time of the kernel's current turn.
///
/// Curio: `clock()`.
///
/// # Panics
///
/// Without a kernel on this thread.
#[must_use]
#[track_caller]
pub fn clock() -> Instant {
    home::expect("clock", |core| core.now())
}

/// Waits for `span` from the first poll on, and gives the time at which it woke.
///
/// Never early. A span of zero gives way for one turn, and is a cancel point like any other.
///
/// Curio: `sleep(seconds)`.
///
/// # Errors
///
/// [`Cancelled`](crate::Cancelled) when it was asked to stop before its time.
///
/// # Panics
///
/// When polled without a kernel on this thread, or under another kernel than at first.
///
/// # Cancellation
///
/// Leaves at once and leaves nothing behind; dropped, too.
#[track_caller]
pub fn sleep(span: Duration) -> Sleep {
    Trap::new(SleepOp {
        until: Until::Span(span),
        timer: None,
    })
}

/// Waits until `deadline`, and gives the time at which it woke; see [`sleep`].
#[track_caller]
#[doc(alias = "wake_at")]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Trap::new(SleepOp {
        until: Until::Deadline(deadline),
        timer: None,
    })
}

/// Lets everything that is ready now run first.
///
/// It always gives way, so it is always a cancel point.
///
/// # Errors
///
/// [`Cancelled`](crate::Cancelled) when it was asked to stop.
///
/// # Cancellation
///
/// Leaves nothing behind.
#[track_caller]
#[doc(alias = "schedule")]
#[doc(alias = "checkpoint")]
pub fn yield_now() -> YieldNow {
    Trap::new(YieldOp { has_yielded: false })
}

/// Waits for a point in time.
pub struct SleepOp {
    until: Until,
    timer: Option<(KernelId, Key)>,
}

enum Until {
    /// Not polled yet.
    Span(Duration),
    /// Not polled yet.
    Deadline(Instant),
    /// Waiting.
    Armed(Instant),
    /// The time had come already; it waits for one turn.
    Yielded,
}

impl SleepOp {
    /// Its deadline is a time of the kernel that it was first polled on.
    fn check_kernel(&self, here: KernelId) {
        assert!(
            self.timer.is_none_or(|(kernel, _)| kernel == here),
            "a sleep belongs to the kernel it was first polled on"
        );
    }

    fn disarm(&mut self) {
        if let Some((kernel, key)) = self.timer.take() {
            disarm_from_anywhere(kernel, key);
        }
    }
}

impl Op for SleepOp {
    type Out = Instant;

    fn take(&mut self) -> Option<Instant> {
        match self.until {
            Until::Span(_) | Until::Deadline(_) => None,
            Until::Yielded => Some(home::expect("sleep", |core| core.now())),
            Until::Armed(deadline) => {
                let now = home::expect("sleep", |core| {
                    self.check_kernel(core.id);
                    core.now()
                });
                if now < deadline {
                    return None;
                }
                self.disarm();
                Some(now)
            }
        }
    }

    fn park(&mut self, waker: &Waker) -> Park<Instant> {
        home::expect("sleep", |core| {
            let deadline = match self.until {
                Until::Span(span) => core.now() + span,
                Until::Deadline(deadline) | Until::Armed(deadline) => deadline,
                Until::Yielded => core.now(),
            };
            if deadline <= core.now() {
                self.until = Until::Yielded;
                waker.wake_by_ref();
                return Park::Waits;
            }
            self.until = Until::Armed(deadline);
            if let Some((_, key)) = self.timer {
                self.check_kernel(core.id);
                let is_kept = matches!(
                    core.timers.borrow().get(key),
                    Some(Timer::Wake(kept)) if kept.will_wake(waker)
                );
                if is_kept {
                    return Park::Waits;
                }
                core.disarm(key);
            }
            let timer = Timer::Wake(waker.clone());
            self.timer = Some((core.id, core.timers.borrow_mut().insert(deadline, timer)));
            Park::Waits
        })
    }

    fn leave(&mut self) -> Leave<Instant> {
        self.disarm();
        Leave::Left
    }

    fn wait(&self) -> Wait {
        match self.until {
            Until::Yielded => Wait::Yield,
            _ => Wait::Sleep,
        }
    }
}

impl Drop for SleepOp {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl fmt::Debug for SleepOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sleep");
        match &self.until {
            Until::Span(span) => shown.field("span", span),
            Until::Deadline(deadline) | Until::Armed(deadline) => shown.field("until", deadline),
            Until::Yielded => shown.field("until", &"now"),
        };
        shown.finish()
    }
}

/// Gives way for one turn.
#[derive(Debug)]
pub struct YieldOp {
    has_yielded: bool,
}

impl Op for YieldOp {
    type Out = ();

    fn take(&mut self) -> Option<()> {
        self.has_yielded.then_some(())
    }

    fn park(&mut self, waker: &Waker) -> Park<()> {
        self.has_yielded = true;
        waker.wake_by_ref();
        Park::Waits
    }

    fn leave(&mut self) -> Leave<()> {
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Yield
    }
}
