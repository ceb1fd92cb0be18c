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
    Trap::new(SleepOp(Stage::Open {
        nanos: Nanos::new(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        until: Until::Span,
    }))
}

/// Waits until `deadline`, and gives the time at which it woke; see [`sleep`].
#[track_caller]
#[doc(alias = "wake_at")]
#[inline]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Trap::new(SleepOp(Stage::Open {
        nanos: Nanos::new(deadline.as_nanos()),
        until: Until::Deadline,
    }))
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

/// In two words; when a timer will fire is known to the timer.
enum Stage {
    /// No timer is set. A longer span than a word holds comes to the end of time, too.
    Open { nanos: Nanos, until: Until },
    /// Waiting, until the timer has gone.
    Armed { kernel: KernelId, timer: Key },
}

/// Nanoseconds as two halves, which find room where a word would not.
#[derive(Clone, Copy)]
struct Nanos([u32; 2]);

impl Nanos {
    #[inline]
    const fn new(nanos: u64) -> Self {
        Self([nanos as u32, (nanos >> 32) as u32])
    }

    #[inline]
    fn get(self) -> u64 {
        let [low, high] = self.0;
        u64::from(low) | u64::from(high) << 32
    }
}

#[derive(Clone, Copy)]
enum Until {
    /// Not polled yet: so long.
    Span,
    /// Not polled yet: until then.
    Deadline,
    /// The time had come already; it waits for one turn.
    Yielded,
}

impl Stage {
    const YIELDED: Self = Self::Open {
        nanos: Nanos::new(0),
        until: Until::Yielded,
    };
}

impl SleepOp {
    #[inline]
    fn disarm(&self) {
        if let Stage::Armed { kernel, timer } = self.0 {
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
        let now = core.now();
        let (deadline, timer) = match self.0 {
            Stage::Open { nanos, until } => match until {
                Until::Span => (now + Duration::from_nanos(nanos.get()), None),
                Until::Deadline => (Instant::from_nanos(nanos.get()), None),
                Until::Yielded => (now, None),
            },
            Stage::Armed { kernel, timer } => {
                if kernel != core.id {
                    Self::refuse();
                }
                (core.timers.deadline(timer).unwrap_or(now), Some(timer))
            }
        };
        if deadline <= now {
            self.disarm();
            self.0 = Stage::YIELDED;
            waker.wake_by_ref();
            return;
        }
        self.0 = Stage::Armed {
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
            Stage::Open { until, .. } => match until {
                Until::Span | Until::Deadline => None,
                Until::Yielded => Some(home::expect("sleep", |core| core.now())),
            },
            Stage::Armed { kernel, timer } => {
                // Timers fire before anything is polled, so one that is there is not due.
                let now = home::expect("sleep", |core| {
                    if kernel != core.id {
                        Self::refuse();
                    }
                    let is_over = core.timers.deadline(timer).is_none();
                    is_over.then(|| core.now())
                })?;
                self.0 = Stage::YIELDED;
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
        self.0 = Stage::YIELDED;
        Leave::Left
    }

    #[inline]
    fn wait(&self) -> Wait {
        match self.0 {
            Stage::Open {
                until: Until::Yielded,
                ..
            } => Wait::Yield,
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
        match self.0 {
            Stage::Open { nanos, until } => match until {
                Until::Span => shown.field("span", &Duration::from_nanos(nanos.get())),
                Until::Deadline => shown.field("until", &Instant::from_nanos(nanos.get())),
                Until::Yielded => shown.field("until", &"now"),
            },
            Stage::Armed { kernel, timer } => {
                match home::with_kernel(kernel, |core| core.timers.deadline(timer)) {
                    Some(Some(deadline)) => shown.field("until", &deadline),
                    Some(None) => shown.field("until", &"now"),
                    None => shown.field("kernel", &kernel),
                }
            }
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
    fn a_sleep_holds_two_words() {
        assert_eq!(size_of::<SleepOp>(), 16);
    }
}
