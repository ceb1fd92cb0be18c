//! The watch's blocking twins, for threads.

use super::{Latest, SendersGone, WatchReceiver};
use crate::blocking::block_on;
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
