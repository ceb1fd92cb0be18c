//! The watch's blocking twins, for threads.

use std::time::Duration;

use super::{Latest, SendersGone, WatchReceiver};
use crate::blocking::{block_on, block_on_timeout};
use crate::shell::Universal;

impl<T> WatchReceiver<T, Universal> {
    /// [`changed`](Self::changed), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`SendersGone`], when there is no change and none will come.
    pub fn changed_blocking(&mut self) -> Result<(), SendersGone> {
        block_on(self.changed())
    }

    /// [`changed`](Self::changed), blocking the thread for no longer than `limit`; `false` if the time was
    /// up first.
    ///
    /// # Errors
    ///
    /// [`SendersGone`], when there is no change and none will come.
    pub fn changed_timeout(&mut self, limit: Duration) -> Result<bool, SendersGone> {
        match block_on_timeout(&mut self.changed(), limit) {
            Some(end) => end.map(|()| true),
            None => Ok(false),
        }
    }

    /// [`wait_for`](Self::wait_for), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`SendersGone`], when the value is not as wanted and will not be.
    pub fn wait_for_blocking<F>(&mut self, wanted: F) -> Result<Latest<T, Universal>, SendersGone>
    where
        F: FnMut(&T) -> bool,
    {
        block_on(self.wait_for(wanted))
    }
}
