//! The condition's blocking twins, for threads.

use std::time::Duration;

use super::Condition;
use crate::blocking::{block_on, block_on_timeout};
use crate::lock::LockGuard;
use crate::shell::Universal;

impl Condition<Universal> {
    /// [`wait`](Self::wait), blocking the thread.
    pub fn wait_blocking<'a, T>(
        &'a self,
        guard: LockGuard<'a, T, Universal>,
    ) -> LockGuard<'a, T, Universal> {
        block_on(self.wait(guard))
    }

    /// [`wait_while`](Self::wait_while), blocking the thread.
    pub fn wait_while_blocking<'a, T, F>(
        &'a self,
        guard: LockGuard<'a, T, Universal>,
        unmet: F,
    ) -> LockGuard<'a, T, Universal>
    where
        F: FnMut(&mut T) -> bool,
    {
        block_on(self.wait_while(guard, unmet))
    }

    /// [`wait`](Self::wait), blocking the thread for no longer than `limit` and however long it takes to
    /// get the lock again. `false` if it was not notified in that time.
    pub fn wait_timeout<'a, T>(
        &'a self,
        guard: LockGuard<'a, T, Universal>,
        limit: Duration,
    ) -> (LockGuard<'a, T, Universal>, bool) {
        let mut wait = self.wait(guard);
        match block_on_timeout(&mut wait, limit) {
            Some(guard) => (guard, true),
            None => {
                let notified = !wait.give_up();
                (block_on(wait), notified)
            }
        }
    }

    /// [`wait_while`](Self::wait_while), blocking the thread for no longer than `limit` and however long it
    /// takes to get the lock again. `false` if `unmet` is still true then.
    pub fn wait_while_timeout<'a, T, F>(
        &'a self,
        guard: LockGuard<'a, T, Universal>,
        limit: Duration,
        mut unmet: F,
    ) -> (LockGuard<'a, T, Universal>, bool)
    where
        F: FnMut(&mut T) -> bool,
    {
        let mut wait = self.wait_while(guard, &mut unmet);
        if let Some(guard) = block_on_timeout(&mut wait, limit) {
            return (guard, true);
        }
        wait.give_up();
        let mut guard = block_on(wait);
        let met = !unmet(&mut guard);
        (guard, met)
    }
}
