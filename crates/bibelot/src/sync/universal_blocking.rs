//! The blocking twins of the universal primitives' waits, for plain threads.
//!
//! Nobody asks a thread to stop, so these fail only with what the primitive says; those with a limit say
//! when the time was up.

use std::ops::RangeBounds;
use std::time::Duration;

use bibelot_sync::{self as plain, AcquireError, BarrierClosed, Closed, SenderGone, SendersGone};

use super::error::PutError;
use super::{
    Barrier, BroadcastReceiver, Condition, Event, ItemGuard, Latest, Lock, LockGuard, Notify,
    OnceCell, OnceResult, OneshotReceiver, Passed, Permit, Queue, ReadGuard, Receiver,
    ReentrantGuard, ReentrantLock, RwLock, Semaphore, Sender, Store, TryBroadcastError,
    TryGetError, TryPutError, TryRecvError, Universal, WaitLine, WatchReceiver, WriteGuard,
};

impl Event<Universal> {
    /// [`wait`](Self::wait), blocking the thread.
    pub fn wait_blocking(&self) {
        self.0.wait_blocking();
    }

    /// [`wait`](Self::wait), blocking the thread for no longer than `limit`; `false` if the time was up
    /// first.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.0.wait_timeout(limit)
    }
}

impl Notify<Universal> {
    /// [`notified`](Self::notified), blocking the thread.
    pub fn notified_blocking(&self) {
        self.0.notified_blocking();
    }

    /// [`notified`](Self::notified), blocking the thread for no longer than `limit`; `false` if the time
    /// was up first.
    pub fn notified_timeout(&self, limit: Duration) -> bool {
        self.0.notified_timeout(limit)
    }
}

impl WaitLine<Universal> {
    /// Waits in line, blocking the thread.
    pub fn wait_blocking(&self) {
        self.0.wait_blocking();
    }

    /// Waits in line, blocking the thread for no longer than `limit`; `false` if the time was up first.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.0.wait_timeout(limit)
    }
}

impl<T> Lock<T, Universal> {
    /// [`lock`](Self::lock), blocking the thread.
    pub fn lock_blocking(&self) -> LockGuard<'_, T, Universal> {
        self.0.lock_blocking()
    }

    /// [`lock`](Self::lock), blocking the thread for no longer than `limit`; `None` if the time was up
    /// first.
    pub fn lock_timeout(&self, limit: Duration) -> Option<LockGuard<'_, T, Universal>> {
        self.0.lock_timeout(limit)
    }
}

impl<T> RwLock<T, Universal> {
    /// [`read`](Self::read), blocking the thread.
    pub fn read_blocking(&self) -> ReadGuard<'_, T, Universal> {
        self.0.read_blocking()
    }

    /// [`write`](Self::write), blocking the thread.
    pub fn write_blocking(&self) -> WriteGuard<'_, T, Universal> {
        self.0.write_blocking()
    }
}

impl<T> ReentrantLock<T, Universal> {
    /// [`lock`](Self::lock), blocking the thread, which is the owner unless a task runs on it.
    pub fn lock_blocking(&self) -> ReentrantGuard<'_, T, Universal> {
        self.0.lock_blocking(super::owner::asking())
    }
}

impl Semaphore<Universal> {
    /// [`acquire`](Self::acquire), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`AcquireError`](bibelot_sync::AcquireError), when the semaphore is closed first.
    pub fn acquire_blocking(&self) -> Result<Permit<'_, Universal>, AcquireError> {
        self.0.acquire_blocking()
    }

    /// [`acquire_many`](Self::acquire_many), blocking the thread.
    ///
    /// # Errors
    ///
    /// As [`acquire_blocking`](Self::acquire_blocking).
    pub fn acquire_many_blocking(
        &self,
        count: usize,
    ) -> Result<Permit<'_, Universal>, AcquireError> {
        self.0.acquire_many_blocking(count)
    }
}

impl Barrier<Universal> {
    /// [`wait`](Self::wait), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`BarrierClosed`], when the barrier is closed first.
    pub fn wait_blocking(&self) -> Result<Passed, BarrierClosed> {
        self.0.wait_blocking()
    }
}

impl Condition<Universal> {
    /// [`wait`](Self::wait), blocking the thread.
    pub fn wait_blocking<'a, T>(
        &'a self,
        guard: LockGuard<'a, T, Universal>,
    ) -> LockGuard<'a, T, Universal> {
        self.0.wait_blocking(guard)
    }

    /// [`wait_while`](Self::wait_while), blocking the thread.
    pub fn wait_while_blocking<'a, T>(
        &'a self,
        guard: LockGuard<'a, T, Universal>,
        unmet: impl FnMut(&mut T) -> bool,
    ) -> LockGuard<'a, T, Universal> {
        self.0.wait_while_blocking(guard, unmet)
    }

    /// [`wait_while`](Self::wait_while), blocking the thread for no longer than `limit` and however long it
    /// takes to get the lock again. `false` if `unmet` is still true then.
    pub fn wait_while_timeout<'a, T>(
        &'a self,
        guard: LockGuard<'a, T, Universal>,
        limit: Duration,
        unmet: impl FnMut(&mut T) -> bool,
    ) -> (LockGuard<'a, T, Universal>, bool) {
        self.0.wait_while_timeout(guard, limit, unmet)
    }
}

impl<T, E> OnceResult<T, E, Universal> {
    /// [`get`](Self::get), blocking the thread.
    pub fn get_blocking(&self) -> &Result<T, E> {
        self.0.get_blocking()
    }

    /// [`get`](Self::get), blocking the thread for no longer than `limit`; `None` if the time was up first.
    pub fn get_timeout(&self, limit: Duration) -> Option<&Result<T, E>> {
        self.0.get_timeout(limit)
    }
}

impl<T> OnceCell<T, Universal> {
    /// [`get_or_init`](Self::get_or_init), blocking the thread.
    pub fn get_or_init_blocking(&self, init: impl FnOnce() -> T) -> &T {
        self.0.get_or_init_blocking(init)
    }
}

impl<B: Store> Queue<B, Universal> {
    /// [`put`](Self::put), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the queue is closed before it took it.
    pub fn put_blocking(&self, item: B::Item) -> Result<(), PutError<B::Item>> {
        self.0.put_blocking(item).map_err(PutError::from)
    }

    /// [`put`](Self::put), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item, which is `Full` if the time was up first.
    pub fn put_timeout(&self, item: B::Item, limit: Duration) -> Result<(), TryPutError<B::Item>> {
        self.0.put_timeout(item, limit)
    }

    /// [`get`](Self::get), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the queue is closed and all its items were taken.
    pub fn get_blocking(&self) -> Result<B::Item, Closed> {
        self.0.get_blocking()
    }

    /// [`get`](Self::get), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryGetError`], which is `Empty` if the time was up first.
    pub fn get_timeout(&self, limit: Duration) -> Result<B::Item, TryGetError> {
        self.0.get_timeout(limit)
    }

    /// [`get_guard`](Self::get_guard), blocking the thread.
    ///
    /// # Errors
    ///
    /// As [`get_blocking`](Self::get_blocking).
    pub fn get_guard_blocking(&self) -> Result<ItemGuard<'_, B, Universal>, Closed> {
        self.0.get_guard_blocking()
    }

    /// [`until_len`](Self::until_len), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the queue is closed and will not have so many items any more.
    ///
    /// # Panics
    ///
    /// When the range is empty.
    pub fn until_len_blocking(&self, range: impl RangeBounds<usize>) -> Result<usize, Closed> {
        self.0.until_len_blocking(range)
    }

    /// [`join`](Self::join), blocking the thread.
    pub fn join_blocking(&self) {
        self.0.join_blocking();
    }

    /// [`join`](Self::join), blocking the thread for no longer than `limit`; `false` if the time was up
    /// first.
    pub fn join_timeout(&self, limit: Duration) -> bool {
        self.0.join_timeout(limit)
    }
}

impl<T> Sender<T, Universal> {
    /// [`send`](Self::send), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`PutError`] with the item, when the channel is closed first.
    pub fn send_blocking(&self, item: T) -> Result<(), PutError<T>> {
        self.0.send_blocking(item).map_err(PutError::from)
    }

    /// [`send`](Self::send), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] with the item, which is `Full` if the time was up first.
    pub fn send_timeout(&self, item: T, limit: Duration) -> Result<(), TryPutError<T>> {
        self.0.send_timeout(item, limit)
    }
}

impl<T> Receiver<T, Universal> {
    /// [`recv`](Self::recv), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`Closed`], when the channel is closed and all its items were received.
    pub fn recv_blocking(&self) -> Result<T, Closed> {
        self.0.recv_blocking()
    }

    /// [`recv`](Self::recv), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryGetError`], which is `Empty` if the time was up first.
    pub fn recv_timeout(&self, limit: Duration) -> Result<T, TryGetError> {
        self.0.recv_timeout(limit)
    }
}

impl<T> OneshotReceiver<T, Universal> {
    /// Receives the value, blocking the thread.
    ///
    /// # Errors
    ///
    /// [`SenderGone`], when there will be none.
    pub fn recv_blocking(self) -> Result<T, SenderGone> {
        self.0.recv_blocking()
    }

    /// Receives the value, blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], which is `Empty` if the time was up first.
    pub fn recv_timeout(&mut self, limit: Duration) -> Result<T, TryRecvError> {
        self.0.recv_timeout(limit)
    }
}

impl<T> WatchReceiver<T, Universal> {
    /// [`changed`](Self::changed), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`SendersGone`], when there is no change and none will come.
    pub fn changed_blocking(&mut self) -> Result<(), SendersGone> {
        self.0.changed_blocking()
    }

    /// [`wait_for`](Self::wait_for), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`SendersGone`], when the value is not as wanted and will not be.
    pub fn wait_for_blocking(
        &mut self,
        wanted: impl FnMut(&T) -> bool,
    ) -> Result<Latest<T, Universal>, SendersGone> {
        self.0.wait_for_blocking(wanted)
    }
}

impl<T: Clone> BroadcastReceiver<T, Universal> {
    /// [`recv`](Self::recv), blocking the thread.
    ///
    /// # Errors
    ///
    /// [`BroadcastError`](bibelot_sync::BroadcastError).
    pub fn recv_blocking(&mut self) -> Result<T, plain::BroadcastError> {
        self.0.recv_blocking()
    }

    /// [`recv`](Self::recv), blocking the thread for no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TryBroadcastError`], which is `Empty` if the time was up first.
    pub fn recv_timeout(&mut self, limit: Duration) -> Result<T, TryBroadcastError> {
        self.0.recv_timeout(limit)
    }
}
