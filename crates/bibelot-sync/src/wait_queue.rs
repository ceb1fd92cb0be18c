//! The wait queue: who waits, in which order, and what was granted to whom.
//!
//! Waiters lie in an arena of slots; those that are parked form a list through it, oldest first. A
//! waiter is named by its [`Ticket`] and holds a value `W`: what it asks for while it is parked, what
//! it was given once it is granted. Parking, granting and leaving cost the same however many wait, and
//! slots are used again, so nothing is allocated once the arena has grown.
//!
//! This is plain data. It wakes nobody: it hands out the wakers, so that its owner can let go of its
//! lock first and run the code of users after.
//!
//! # Invariants
//!
//! - A slot is free (no value), parked (value and waker, in the list) or granted (value only).
//! - The list runs from the oldest parked waiter to the youngest, and holds each of them once.
//! - A ticket names one waiter only: leaving raises the generation of its slot.

use std::fmt;
use std::mem;
use std::task::Waker;

use crate::wakes::Wakes;

/// No slot.
const NIL: u32 = u32::MAX;

/// Those who wait for one thing, first come first served.
///
/// The foundation for primitives of your own: keep it beside your state under one lock (or in one
/// `RefCell`), and let no waker be cloned, woken or dropped while you hold that.
///
/// # Examples
///
/// ```
/// use std::task::Waker;
/// use bibelot_sync::WaitQueue;
///
/// let mut line = WaitQueue::new();
/// let first = line.park("tea", Waker::noop().clone());
/// let second = line.park("milk", Waker::noop().clone());
///
/// let (order, waker) = line.grant().unwrap();
/// assert_eq!(*order, "tea");
/// waker.wake();
///
/// assert!(line.is_granted(&first));
/// assert!(line.leave(first).waker.is_none());
/// assert!(line.leave(second).waker.is_some());
/// ```
pub struct WaitQueue<W = ()> {
    slots: Vec<Slot<W>>,
    /// The first free slot; free slots are chained through `next`.
    free: u32,
    oldest: u32,
    youngest: u32,
    parked: u32,
}

struct Slot<W> {
    generation: u32,
    older: u32,
    younger: u32,
    waker: Option<Waker>,
    value: Option<W>,
}

/// The name of one waiter in one [`WaitQueue`], held until it leaves.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    slot: u32,
    generation: u32,
}

/// What a waiter leaves behind.
#[derive(Debug)]
pub struct Left<W> {
    /// What it asked for, or what it was given.
    pub value: W,
    /// Its waker, to be dropped outside the lock, if it was still parked; `None` if it was granted.
    pub waker: Option<Waker>,
}

impl<W> WaitQueue<W> {
    /// A queue with nobody in it, which has allocated nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NIL,
            oldest: NIL,
            youngest: NIL,
            parked: 0,
        }
    }

    /// How many are parked; those that were granted and have not left do not count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parked as usize
    }

    /// Whether nobody is parked.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.oldest == NIL
    }

    /// Parks a new waiter behind all others.
    ///
    /// # Panics
    ///
    /// When 4,294,967,295 waiters are here.
    #[inline]
    pub fn park(&mut self, value: W, waker: Waker) -> Ticket {
        let slot = self.claim();
        let older = self.youngest;
        let entry = &mut self.slots[slot as usize];
        entry.older = older;
        entry.younger = NIL;
        // A free slot has neither, so nothing is to be dropped.
        mem::forget(entry.waker.replace(waker));
        mem::forget(entry.value.replace(value));
        let generation = entry.generation;
        match self.slots.get_mut(older as usize) {
            Some(entry) => entry.younger = slot,
            None => self.oldest = slot,
        }
        self.youngest = slot;
        self.parked += 1;
        Ticket { slot, generation }
    }

    /// What the oldest parked waiter asks for.
    #[must_use]
    pub fn front(&self) -> Option<&W> {
        self.slots.get(self.oldest as usize)?.value.as_ref()
    }

    /// Serves the oldest parked waiter: put what it gets into its value, and wake its waker once the
    /// lock is released.
    pub fn grant(&mut self) -> Option<(&mut W, Waker)> {
        let slot = self.oldest;
        if slot == NIL {
            return None;
        }
        self.unlink(slot);
        let entry = &mut self.slots[slot as usize];
        let waker = entry.waker.take().expect("a parked waiter has a waker");
        let value = entry.value.as_mut().expect("a parked waiter has a value");
        Some((value, waker))
    }

    /// Serves the oldest, leaving its waker with those to be woken.
    pub(crate) fn grant_with(&mut self, wakes: &mut Wakes, give: impl FnOnce(&mut W)) {
        if let Some((value, waker)) = self.grant() {
            give(value);
            wakes.push(waker);
        }
    }

    /// Serves everybody, oldest first.
    pub(crate) fn grant_all(&mut self, wakes: &mut Wakes, mut give: impl FnMut(&mut W)) {
        let mut next = self.oldest;
        while let Some(entry) = self.slots.get_mut(next as usize) {
            next = entry.younger;
            give(entry.value.as_mut().expect("a parked waiter has a value"));
            wakes.push(entry.waker.take().expect("a parked waiter has a waker"));
        }
        self.oldest = NIL;
        self.youngest = NIL;
        self.parked = 0;
    }

    /// Serves those that `pick` picks, oldest first, with a look at each.
    pub(crate) fn grant_those(&mut self, wakes: &mut Wakes, mut pick: impl FnMut(&mut W) -> bool) {
        let mut next = self.oldest;
        while let Some(entry) = self.slots.get_mut(next as usize) {
            let slot = mem::replace(&mut next, entry.younger);
            if pick(entry.value.as_mut().expect("a parked waiter has a value")) {
                wakes.push(entry.waker.take().expect("a parked waiter has a waker"));
                self.unlink(slot);
            }
        }
    }

    /// Takes a waiter out if it was served; else says whether waking `waker` reaches it.
    #[inline]
    pub(crate) fn leave_if_granted(&mut self, ticket: &Ticket, waker: &Waker) -> Result<W, bool> {
        let entry = self.entry_mut(ticket);
        if let Some(held) = &entry.waker {
            return Err(held.will_wake(waker));
        }
        let value = entry.value.take().expect("a ticket names a waiter");
        self.free_slot(ticket.slot);
        Ok(value)
    }

    /// Whether this waiter was served.
    ///
    /// # Panics
    ///
    /// When the ticket is not of this queue.
    #[must_use]
    pub fn is_granted(&self, ticket: &Ticket) -> bool {
        self.entry(ticket).waker.is_none()
    }

    /// Whether waking `waker` reaches this waiter, so that its own need not be replaced. `true` for one
    /// that was served.
    ///
    /// # Panics
    ///
    /// When the ticket is not of this queue.
    #[must_use]
    pub fn has_waker(&self, ticket: &Ticket, waker: &Waker) -> bool {
        let held = self.entry(ticket).waker.as_ref();
        held.is_none_or(|held| held.will_wake(waker))
    }

    /// Gives a parked waiter another waker, and returns the one that is not needed: the old one, or
    /// `waker` itself if the waiter was served already. Its place stays.
    ///
    /// # Panics
    ///
    /// When the ticket is not of this queue.
    pub fn replace_waker(&mut self, ticket: &Ticket, waker: Waker) -> Waker {
        match &mut self.entry_mut(ticket).waker {
            Some(held) => mem::replace(held, waker),
            None => waker,
        }
    }

    /// Takes a waiter out, wherever it stands. If it had been granted, its owner hands that on.
    ///
    /// # Panics
    ///
    /// When the ticket is not of this queue.
    pub fn leave(&mut self, ticket: Ticket) -> Left<W> {
        let entry = self.entry_mut(&ticket);
        let waker = entry.waker.take();
        let value = entry.value.take().expect("a ticket names a waiter");
        if waker.is_some() {
            self.unlink(ticket.slot);
        }
        self.free_slot(ticket.slot);
        Left { value, waker }
    }

    #[inline]
    fn free_slot(&mut self, slot: u32) {
        let entry = &mut self.slots[slot as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.younger = self.free;
        self.free = slot;
    }

    /// A slot that nobody uses.
    #[inline]
    fn claim(&mut self) -> u32 {
        let slot = self.free;
        if let Some(entry) = self.slots.get(slot as usize) {
            self.free = entry.younger;
            return slot;
        }
        self.grow()
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> u32 {
        let slot = u32::try_from(self.slots.len()).unwrap_or(NIL);
        assert!(slot != NIL, "no more than {NIL} can wait in one queue");
        self.slots.push(Slot {
            generation: 0,
            older: NIL,
            younger: NIL,
            waker: None,
            value: None,
        });
        slot
    }

    fn unlink(&mut self, slot: u32) {
        let entry = &self.slots[slot as usize];
        let (older, younger) = (entry.older, entry.younger);
        match self.slots.get_mut(older as usize) {
            Some(entry) => entry.younger = younger,
            None => self.oldest = younger,
        }
        match self.slots.get_mut(younger as usize) {
            Some(entry) => entry.older = older,
            None => self.youngest = older,
        }
        self.parked -= 1;
    }

    fn entry(&self, ticket: &Ticket) -> &Slot<W> {
        let entry = self.slots.get(ticket.slot as usize);
        let entry = entry.filter(|entry| entry.generation == ticket.generation);
        entry.expect("the ticket is of this queue")
    }

    fn entry_mut(&mut self, ticket: &Ticket) -> &mut Slot<W> {
        let entry = self.slots.get_mut(ticket.slot as usize);
        let entry = entry.filter(|entry| entry.generation == ticket.generation);
        entry.expect("the ticket is of this queue")
    }
}

impl<W> Default for WaitQueue<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W> fmt::Debug for WaitQueue<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitQueue")
            .field("parked", &self.parked)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
