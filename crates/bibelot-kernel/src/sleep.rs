//! Sleeping: waiting for a point in time, and giving way for one turn.

use std::fmt;
use std::task::Waker;
use std::time::Duration;

use bibelot_timer::{Instant, Key};

use crate::core::Core;
use crate::home::{self, KernelId};
use crate::record::Wait;
use crate::timers::disarm_from_anywhere;
use crate::trap::{Here, Leave, Op, Park, Trap};

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
#[inline]
#[track_caller]
pub fn sleep(span: Duration) -> Sleep {
    Trap::new(SleepOp(Stage::Open(Until::Span(span))))
}

/// Waits until `deadline`, and gives the time at which it woke; see [`sleep`].
#[track_caller]
#[doc(alias = "wake_at")]
#[inline]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Trap::new(SleepOp(Stage::Open(Until::Deadline(deadline))))
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
#[inline]
pub fn yield_now() -> YieldNow {
    Trap::new(YieldOp { has_yielded: false })
}

/// Waits for a point in time.
pub struct SleepOp(Stage);

enum Stage {
    /// No timer is set.
    Open(Until),
    /// Waiting.
    Armed {
        deadline: Instant,
        kernel: KernelId,
        timer: Key,
    },
}

#[derive(Clone, Copy)]
enum Until {
    /// Not polled yet.
    Span(Duration),
    /// Not polled yet.
    Deadline(Instant),
    /// The time had come already; it waits for one turn.
    Yielded,
}

impl SleepOp {
    #[inline]
    fn disarm(&self) {
        if let Stage::Armed { kernel, timer, .. } = self.0 {
            disarm_from_anywhere(kernel, timer);
        }
    }

    /// Its deadline is a time of the kernel that it was first polled on.
    #[cold]
    fn refuse() -> ! {
        panic!("a sleep belongs to the kernel it was first polled on")
    }

    /// Sets the timer at the first poll, or sees to it that it wakes this waker.
    fn arm(&mut self, core: &Core, waker: &Waker) {
        let (deadline, timer) = match self.0 {
            Stage::Open(Until::Span(span)) => (core.now() + span, None),
            Stage::Open(Until::Deadline(deadline)) => (deadline, None),
            Stage::Open(Until::Yielded) => (core.now(), None),
            Stage::Armed {
                deadline,
                kernel,
                timer,
            } => {
                if kernel != core.id {
                    Self::refuse();
                }
                (deadline, Some(timer))
            }
        };
        if deadline <= core.now() {
            self.disarm();
            self.0 = Stage::Open(Until::Yielded);
            waker.wake_by_ref();
            return;
        }
        self.0 = Stage::Armed {
            deadline,
            kernel: core.id,
            timer: core.arm(timer, deadline, waker),
        };
    }
}

impl Op for SleepOp {
    type Out = Instant;

    #[inline]
    fn take(&mut self) -> Option<Instant> {
        match self.0 {
            Stage::Open(Until::Span(_) | Until::Deadline(_)) => None,
            Stage::Open(Until::Yielded) => Some(home::expect("sleep", |core| core.now())),
            Stage::Armed {
                deadline, kernel, ..
            } => {
                let now = home::expect("sleep", |core| {
                    if kernel != core.id {
                        Self::refuse();
                    }
                    core.now()
                });
                if now < deadline {
                    return None;
                }
                self.disarm();
                self.0 = Stage::Open(Until::Yielded);
                Some(now)
            }
        }
    }

    fn park(&mut self, waker: &Waker) -> Park<Instant> {
        home::expect("sleep", |core| self.arm(core, waker));
        Park::Waits
    }

    #[inline]
    fn park_here(&mut self, here: Here<'_>, waker: &Waker) -> Park<Instant> {
        self.arm(here.0, waker);
        Park::Waits
    }

    fn leave(&mut self) -> Leave<Instant> {
        self.disarm();
        self.0 = Stage::Open(Until::Yielded);
        Leave::Left
    }

    #[inline]
    fn wait(&self) -> Wait {
        match self.0 {
            Stage::Open(Until::Yielded) => Wait::Yield,
            _ => Wait::Sleep,
        }
    }
}

impl Drop for SleepOp {
    #[inline]
    fn drop(&mut self) {
        self.disarm();
    }
}

impl fmt::Debug for SleepOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sleep");
        match &self.0 {
            Stage::Open(Until::Span(span)) => shown.field("span", span),
            Stage::Open(Until::Deadline(deadline)) | Stage::Armed { deadline, .. } => {
                shown.field("until", deadline)
            }
            Stage::Open(Until::Yielded) => shown.field("until", &"now"),
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

    #[inline]
    fn take(&mut self) -> Option<()> {
        self.has_yielded.then_some(())
    }

    #[inline]
    fn park(&mut self, waker: &Waker) -> Park<()> {
        self.has_yielded = true;
        waker.wake_by_ref();
        Park::Waits
    }

    fn leave(&mut self) -> Leave<()> {
        Leave::Left
    }

    #[inline]
    fn wait(&self) -> Wait {
        Wait::Yield
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_holds_three_words() {
        assert_eq!(size_of::<SleepOp>(), 24);
    }
}
