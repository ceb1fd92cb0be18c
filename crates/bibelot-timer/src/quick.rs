//! The quick clock: the monotonic one, asked again only when the processor's counter has moved on.
//!
//! A kernel that turns a few million times a second would spend a third of each turn on reading a
//! clock that has hardly moved. The counter of the processor is read in a fraction of the time. It is
//! asked one thing only, whether a short while has passed since the last true reading, so neither its rate
//! nor its being the same on all processors matters: a counter that jumps leads to a true reading.

#![allow(unsafe_code, reason = "reads the processor's counter")]

use std::cell::Cell;

use crate::{Clock, Instant, Monotonic};

/// A reading is good for so many ticks: 1.5 us at 2.7 GHz, and 4 at 1.
const GOOD_FOR: u64 = 4096;

/// The monotonic clock of the operating system, a few microseconds late at most.
///
/// Readings that follow one another within a few microseconds (4096 ticks of the processor's counter) may be
/// the same. It never goes back, and it is never ahead of [`Monotonic`]. Where the processor has no such
/// counter, or reading it costs as much as reading the clock (in some virtual machines), each reading is
/// a true one.
///
/// # Examples
///
/// ```
/// use bibelot_timer::{Clock, Quick};
///
/// let clock = Quick::new();
/// let before = clock.now();
/// assert!(clock.now() >= before);
/// ```
#[derive(Clone, Debug)]
pub struct Quick {
    clock: Monotonic,
    /// The true reading, and what the counter said then.
    read: Cell<Instant>,
    ticks: Cell<u64>,
    counts: bool,
}

impl Quick {
    /// A clock that shows [`Instant::ZERO`] now.
    #[must_use]
    pub fn new() -> Self {
        let clock = Monotonic::new();
        Self {
            counts: pays(&clock),
            read: Cell::new(Instant::ZERO),
            // So far away that the first reading is a true one.
            ticks: Cell::new(ticks().wrapping_sub(GOOD_FOR)),
            clock,
        }
    }

    #[cold]
    #[inline(never)]
    fn read(&self, ticks: u64) -> Instant {
        self.ticks.set(ticks);
        let now = self.clock.now();
        self.read.set(now);
        now
    }
}

impl Default for Quick {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Quick {
    #[inline]
    fn now(&self) -> Instant {
        if !self.counts {
            return self.clock.now();
        }
        // Before the clock is read: what passes in between makes the reading older, never younger.
        let ticks = ticks();
        if ticks.wrapping_sub(self.ticks.get()) < GOOD_FOR {
            self.read.get()
        } else {
            self.read(ticks)
        }
    }
}

/// Whether the counter is read in half the time in which the clock is, by its own measure.
fn pays(clock: &Monotonic) -> bool {
    let least = |what: &dyn Fn()| {
        let spans = (0..16).map(|_| {
            let before = ticks();
            what();
            ticks().wrapping_sub(before)
        });
        spans.min().unwrap_or(0)
    };
    let counter = least(&|| {});
    let both = least(&|| {
        core::hint::black_box(clock.now());
    });
    both > counter.saturating_mul(2)
}

/// The processor's counter; 0 where there is none that user code may read.
#[inline(always)]
fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every processor of this architecture has the instruction. An operating system that forbids it to
        // a process forbids it to its clock's reading, too.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_with_the_monotonic_clock_and_never_ahead_of_it() {
        let clock = Quick::new();
        let mut last = Instant::ZERO;
        for _ in 0..10_000 {
            let quick = clock.now();
            let exact = clock.clock.now();
            assert!(last <= quick && quick <= exact, "{last} {quick} {exact}");
            last = quick;
        }
    }

    #[test]
    fn it_goes_on_without_a_rest() {
        let clock = Quick::new();
        let begin = clock.now();
        let mut looks = 0_u64;
        while clock.now() == begin {
            looks += 1;
            assert!(looks < 1_000_000_000, "it stands still");
        }
    }

    #[test]
    fn a_counter_that_jumps_leads_to_a_true_reading() {
        let clock = Quick::new();
        for jump in [GOOD_FOR, 1 << 40, u64::MAX / 2] {
            let before = clock.now();
            clock.ticks.set(clock.ticks.get().wrapping_sub(jump));
            let exact = clock.clock.now();
            assert!(clock.now() >= exact.max(before));
            // And one that was set back.
            clock.ticks.set(ticks().wrapping_add(jump));
            let exact = clock.clock.now();
            assert!(clock.now() >= exact);
        }
    }

    #[test]
    fn without_a_counter_each_reading_is_a_true_one() {
        let clock = Quick {
            counts: false,
            ..Quick::new()
        };
        let exact = clock.clock.now();
        assert!(clock.now() >= exact);
    }
}
