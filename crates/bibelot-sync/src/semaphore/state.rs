//! The state machine of a semaphore, as plain data.
//!
//! # Invariants
//!
//! - Free permits, those in the hands of holders and of granted waiters, and those forgotten add up to
//!   the bound.
//! - The oldest parked waiter wants more than is free; those behind it wait for it, so that who asks
//!   for many is not overtaken for ever by those who ask for few.

use super::error::{OverRelease, TooManyPermits, TryAcquireError};
use crate::wait_queue::WaitQueue;
use crate::wakes::Wakes;

pub(crate) struct State {
    pub(super) free: usize,
    pub(super) bound: usize,
    pub(super) forgotten: usize,
    pub(super) closed: bool,
    pub(super) waiters: WaitQueue<Ask>,
}

/// What a waiter asks for, and its answer.
pub(crate) enum Ask {
    Wants(usize),
    Has(usize),
    Refused,
}

impl State {
    pub(super) fn new(permits: usize) -> Self {
        Self {
            free: permits,
            bound: permits,
            forgotten: 0,
            closed: false,
            waiters: WaitQueue::new(),
        }
    }

    #[inline]
    pub(super) fn try_acquire(&mut self, count: usize) -> Result<(), TryAcquireError> {
        if self.closed {
            return Err(TryAcquireError::Closed);
        }
        if count > self.free || !self.waiters.is_empty() {
            return Err(TryAcquireError::NoPermits);
        }
        self.free -= count;
        Ok(())
    }

    /// Frees permits if nobody waits for them.
    #[inline(always)]
    pub(super) fn free_at_once(&mut self, count: usize) -> Option<()> {
        self.waiters.is_empty().then(|| self.free += count)
    }

    /// Frees permits and serves those who wait for them.
    pub(super) fn give_back(&mut self, count: usize, wakes: &mut Wakes) {
        self.free += count;
        if !self.waiters.is_empty() {
            self.serve(wakes);
        }
    }

    #[inline(never)]
    pub(super) fn serve(&mut self, wakes: &mut Wakes) {
        while let Some(&Ask::Wants(count)) = self.waiters.front()
            && count <= self.free
        {
            self.free -= count;
            self.waiters.grant_with(wakes, |ask| *ask = Ask::Has(count));
        }
    }

    pub(super) fn add_permits(
        &mut self,
        more: usize,
        wakes: &mut Wakes,
    ) -> Result<(), TooManyPermits> {
        let bound = self.bound;
        let raised = bound.checked_add(more);
        self.bound = raised.ok_or(TooManyPermits { bound, more })?;
        self.give_back(more, wakes);
        Ok(())
    }

    /// Frees permits that were forgotten.
    pub(super) fn release(&mut self, count: usize, wakes: &mut Wakes) -> Result<(), OverRelease> {
        let forgotten = self.forgotten;
        let left = forgotten.checked_sub(count);
        self.forgotten = left.ok_or(OverRelease { count, forgotten })?;
        self.give_back(count, wakes);
        Ok(())
    }

    pub(super) fn close(&mut self, wakes: &mut Wakes) {
        self.closed = true;
        self.waiters.grant_all(wakes, |ask| *ask = Ask::Refused);
    }
}
