//! The end: everything in flight stops before anything is freed.
//!
//! What waits is dropped, what flies is cancelled, and completions are taken until nothing flies. Then the
//! ring is closed, and only then its memory freed. What does not stop in time keeps its memory and its
//! descriptors for ever: they are leaked on purpose and named in the report.

use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::{Duration, Instant};

use bibelot_reactor::Token;
use bibelot_sys::PoolReport;

use crate::Uring;
use crate::slots::{Extra, Slots, Stage};

/// How an io_uring reactor ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UringEnd {
    /// Operations that did not stop in time; what they owned is leaked.
    pub left: Vec<Token>,
    /// How the worker threads ended.
    pub workers: PoolReport,
}

impl Uring {
    /// Ends the reactor and says what did not stop. Dropping it does the same without the report.
    ///
    /// Waits for what cannot be cancelled, at most for the configuration's
    /// [`drain`](crate::UringConfig::drain), and as long as its
    /// [`workers`](crate::UringConfig::workers) say for what blocks.
    #[must_use = "dropping the reactor does the same"]
    pub fn close(mut self) -> UringEnd {
        self.wind_up()
    }

    pub(crate) fn wind_up(&mut self) -> UringEnd {
        let mut end = UringEnd::default();
        if mem::replace(&mut self.ended, true) {
            return end;
        }
        if !self.process.is_here() {
            // The parent's operations go on; the worker threads were never here.
            mem::forget(self.pool.take());
            return end;
        }
        if let Some(messages) = &mut self.messages {
            messages.close();
        }
        self.cancel_all();
        if let Some(mut pool) = self.pool.take() {
            end.workers = pool.close();
        }
        self.take_last_completions();
        if self.slots.in_flight > 0 {
            let flies = |stage| matches!(stage, Stage::Flying | Stage::Watching);
            let slots = mem::replace(&mut self.slots, Slots::new());
            let left = slots.occupied().filter(|(_, slot)| flies(slot.stage));
            end.left = left.map(|(_, slot)| slot.token).collect();
            leak((slots, self.lender.take_ring()));
        }
        end
    }

    fn cancel_all(&mut self) {
        let occupied: Vec<u32> = self.slots.occupied().map(|(index, _)| index).collect();
        for index in occupied {
            let slot = self.slots.at(index);
            match slot.stage {
                Stage::Queued => drop(self.slots.withdraw(index)),
                Stage::Flying if matches!(slot.extra, Extra::Closing(_)) => {}
                Stage::Flying | Stage::Watching => {
                    slot.cancelled = true;
                    self.push_cancel(index);
                }
                _ => {}
            }
        }
    }

    fn take_last_completions(&mut self) {
        let begin = Instant::now();
        // Quiet sends end without a word once they were submitted.
        if self.turn(false, None).is_err() {
            return;
        }
        self.ready.clear();
        while self.slots.in_flight > 0 {
            let left = self.config.drain.saturating_sub(begin.elapsed());
            if self.turn(left > Duration::ZERO, Some(left)).is_err() || left.is_zero() {
                return;
            }
            self.ready.clear();
        }
    }
}

/// Keeps what is never freed.
fn leak<T>(value: T) {
    /// Only so that a leak checker finds it and sees that it is meant.
    static LAST: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());
    LAST.store(Box::into_raw(Box::new(value)).cast(), Ordering::Relaxed);
}

impl Drop for Uring {
    fn drop(&mut self) {
        self.wind_up();
    }
}
