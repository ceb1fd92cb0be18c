//! The interval: ticks at a fixed pace, which neither drifts nor is lost when a tick is cut.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bibelot_kernel::{Cancelled, Sleep, clock, sleep_until};
use bibelot_timer::Instant;

/// What an [`Interval`] does when ticks were missed, because nobody asked in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MissedTick {
    /// Ticks at once for each that was missed, until it has caught up.
    #[default]
    Burst,
    /// Goes on from now, a whole period after the late tick.
    Delay,
    /// Leaves out what was missed, and goes on in step with the first tick.
    Skip,
}

/// Ticks once a period.
#[derive(Clone, Debug)]
pub struct Interval {
    period: Duration,
    next: Instant,
    missed: MissedTick,
}

/// Ticks at once, and then once every `period`, measured from here.
///
/// # Panics
///
/// When `period` is zero, and without a kernel on this thread.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::interval;
///
/// # bibelot::run(async {
/// let mut ticks = interval(Duration::from_millis(2));
/// let first = ticks.tick().await?;
/// let second = ticks.tick().await?;
/// assert_eq!(second - first, Duration::from_millis(2));
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[must_use]
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval needs a period above zero");
    Interval {
        period,
        next: clock(),
        missed: MissedTick::default(),
    }
}

impl Interval {
    /// What it does when ticks were missed; [`MissedTick::Burst`] without this.
    #[must_use]
    pub fn missed(mut self, missed: MissedTick) -> Self {
        self.missed = missed;
        self
    }

    /// The time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// When the next tick is due.
    #[must_use]
    pub fn next_tick(&self) -> Instant {
        self.next
    }

    /// Waits for the next tick; gives the time at which it was due.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when it was asked to stop.
    ///
    /// # Panics
    ///
    /// When polled without a kernel on this thread.
    ///
    /// # Cancellation
    ///
    /// The tick is still to come; dropped, too.
    #[track_caller]
    pub fn tick(&mut self) -> Tick<'_> {
        Tick {
            sleep: sleep_until(self.next),
            interval: self,
        }
    }

    /// The tick that was due has come at `now`.
    fn advance(&mut self, now: Instant) -> Instant {
        let due = self.next;
        self.next = due + self.period;
        if self.next < now {
            match self.missed {
                MissedTick::Burst => {}
                MissedTick::Delay => self.next = now + self.period,
                MissedTick::Skip => {
                    let period_ns = u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX);
                    let late_ns = now.as_nanos() - due.as_nanos();
                    let into_period_ns = late_ns % period_ns;
                    self.next = now + Duration::from_nanos(period_ns - into_period_ns);
                }
            }
        }
        due
    }
}

/// The future of [`Interval::tick`].
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct Tick<'a> {
    sleep: Sleep,
    interval: &'a mut Interval,
}

impl Future for Tick<'_> {
    type Output = Result<Instant, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let woke = ready!(Pin::new(&mut self.sleep).poll(context))?;
        Poll::Ready(Ok(self.interval.advance(woke)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(span: u64) -> Duration {
        Duration::from_millis(span)
    }

    fn at(span: u64) -> Instant {
        Instant::ZERO + ms(span)
    }

    /// Where the ticks after a late one are, in milliseconds.
    fn after_late(missed: MissedTick, came_ms: u64) -> [u64; 3] {
        let mut interval = Interval {
            period: ms(10),
            next: at(0),
            missed,
        };
        interval.advance(at(came_ms));
        [(); 3].map(|()| {
            let next = interval.next;
            interval.advance(next.max(at(came_ms)));
            next.as_nanos() / 1_000_000
        })
    }

    #[test]
    fn missed_ticks_burst_are_put_off_or_left_out() {
        assert_eq!(after_late(MissedTick::Burst, 35), [10, 20, 30]);
        assert_eq!(after_late(MissedTick::Delay, 35), [45, 55, 65]);
        assert_eq!(after_late(MissedTick::Skip, 35), [40, 50, 60]);
        for missed in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
            assert_eq!(after_late(missed, 0), [10, 20, 30]);
        }
    }
}
