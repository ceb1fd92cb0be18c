//! The state machine of a read-write lock, as plain data.
//!
//! The value is a counted pointer `P`: a reader has a clone of it, a writer the only one there is.
//!
//! # Invariants
//!
//! - The pointer is here exactly while nobody writes, and a reader lets go of its clone before it stops
//!   being counted; so a writer's pointer is the only one, and a clone is never the last.
//! - The oldest parked waiter cannot be served; those behind it wait for it.

use crate::wait_queue::WaitQueue;
use crate::wakes::Wakes;

pub(crate) struct State<P> {
    /// `None` while a writer has it.
    value: Option<P>,
    /// Those that have a clone, granted waiters included.
    readers: usize,
    pub(super) waiters: WaitQueue<Ask<P>>,
}

/// What a waiter asks for, and what it is given.
pub(crate) enum Ask<P> {
    Read,
    Write,
    Has(P),
}

impl<P> Ask<P> {
    pub(super) fn given(self) -> P {
        match self {
            Self::Has(value) => value,
            Self::Read | Self::Write => unreachable!("who is granted the lock is given its value"),
        }
    }
}

impl<P: Clone> State<P> {
    pub(super) fn new(value: P) -> Self {
        Self {
            value: Some(value),
            readers: 0,
            waiters: WaitQueue::new(),
        }
    }

    pub(super) fn readers(&self) -> usize {
        self.readers
    }

    pub(super) fn is_writing(&self) -> bool {
        self.value.is_none()
    }

    #[inline]
    pub(super) fn try_read(&mut self) -> Option<P> {
        if !self.waiters.is_empty() {
            return None;
        }
        self.take_to_read()
    }

    #[inline]
    pub(super) fn try_write(&mut self) -> Option<P> {
        // While nobody has the lock, nobody is parked.
        self.take_to_write()
    }

    /// Takes back a reader's clone.
    #[inline]
    pub(super) fn end_read(&mut self, value: P, wakes: &mut Wakes) {
        drop(value);
        self.readers -= 1;
        if self.readers == 0 {
            self.serve(wakes);
        }
    }

    /// Takes back the value that a writer had.
    #[inline]
    pub(super) fn end_write(&mut self, value: P, wakes: &mut Wakes) {
        self.value = Some(value);
        self.serve(wakes);
    }

    /// Makes a writer a reader, and lets in those that wait to read with it.
    pub(super) fn downgrade(&mut self, value: P, wakes: &mut Wakes) -> P {
        let clone = value.clone();
        self.value = Some(value);
        self.readers = 1;
        self.serve(wakes);
        clone
    }

    /// Makes the only reader a writer; else its clone comes back.
    pub(super) fn try_upgrade(&mut self, clone: P) -> Result<P, P> {
        if self.readers != 1 {
            return Err(clone);
        }
        drop(clone);
        self.readers = 0;
        Ok(self
            .value
            .take()
            .expect("nobody writes while somebody reads"))
    }

    #[inline]
    pub(super) fn serve(&mut self, wakes: &mut Wakes) {
        if !self.waiters.is_empty() {
            self.serve_line(wakes);
        }
    }

    #[inline(never)]
    fn serve_line(&mut self, wakes: &mut Wakes) {
        while let Some(ask) = self.waiters.front() {
            let value = match ask {
                Ask::Read => self.take_to_read(),
                Ask::Write => self.take_to_write(),
                Ask::Has(_) => unreachable!("a parked waiter was given nothing"),
            };
            let Some(value) = value else {
                return;
            };
            self.waiters.grant_with(wakes, |ask| *ask = Ask::Has(value));
        }
    }

    #[inline]
    fn take_to_read(&mut self) -> Option<P> {
        let clone = self.value.clone()?;
        self.readers += 1;
        Some(clone)
    }

    #[inline]
    fn take_to_write(&mut self) -> Option<P> {
        if self.readers > 0 {
            return None;
        }
        self.value.take()
    }
}
