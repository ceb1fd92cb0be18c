//! The state machine of a queue, as plain data.
//!
//! An item that finds a parked getter goes straight into that getter's slot; one that does not is
//! stored. Room that becomes free is granted to the oldest parked putter, whose item stays with its
//! future until that is polled: a put that did not return has put nothing, and can give its item back.
//!
//! # Invariants
//!
//! - While a getter is parked, no item is stored.
//! - While a putter is parked, stored items and granted room fill the capacity.
//! - `handed` counts the items in slots of getters that have not taken them; until they are taken or
//!   come back, a closed queue does not say that it is empty for good.

use super::error::{Closed, PutError, TooManyDone, TryGetError, TryPutError};
use super::store::Store;
use crate::wait_queue::WaitQueue;
use crate::wakes::Wakes;

pub(super) struct State<B: Store> {
    items: B,
    capacity: usize,
    closed: bool,
    /// Room promised to putters that have not used it yet.
    granted: usize,
    handed: usize,
    /// Items put and not counted done.
    undone: u64,
    pub(super) getters: WaitQueue<Option<B::Item>>,
    pub(super) putters: WaitQueue,
    pub(super) joiners: WaitQueue,
}

impl<B: Store> State<B> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            items: B::default(),
            capacity,
            closed: false,
            granted: 0,
            handed: 0,
            undone: 0,
            getters: WaitQueue::new(),
            putters: WaitQueue::new(),
            joiners: WaitQueue::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.count()
    }

    /// `None` if there is no limit.
    pub(super) fn capacity(&self) -> Option<usize> {
        (self.capacity != usize::MAX).then_some(self.capacity)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn undone(&self) -> u64 {
        self.undone
    }

    /// Whether somebody who comes now has to wait for room.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        // Both are bounded by memory, so the sum does not overflow; and while somebody is parked,
        // they fill the capacity.
        self.items.count() + self.granted >= self.capacity
    }

    #[inline]
    pub(super) fn try_put(
        &mut self,
        item: B::Item,
        wakes: &mut Wakes,
    ) -> Result<(), TryPutError<B::Item>> {
        if self.closed {
            return Err(TryPutError::Closed(item));
        }
        if self.is_full() {
            return Err(TryPutError::Full(item));
        }
        self.undone += 1;
        self.supply(item, wakes);
        Ok(())
    }

    /// Puts the item of a putter to whom room was granted.
    pub(super) fn put_granted(
        &mut self,
        item: B::Item,
        wakes: &mut Wakes,
    ) -> Result<(), PutError<B::Item>> {
        if self.closed {
            return Err(PutError(item));
        }
        self.granted -= 1;
        self.undone += 1;
        self.supply(item, wakes);
        // The item may have gone straight to a getter.
        self.grant_room(wakes);
        Ok(())
    }

    /// Takes back the room of a putter that will not use it.
    pub(super) fn refuse_room(&mut self, wakes: &mut Wakes) {
        if !self.closed {
            self.granted -= 1;
            self.grant_room(wakes);
        }
    }

    #[inline]
    pub(super) fn try_get(&mut self, wakes: &mut Wakes) -> Result<B::Item, TryGetError> {
        match self.items.pop() {
            Some(item) => {
                self.grant_room(wakes);
                Ok(item)
            }
            None if self.is_drained() => Err(TryGetError::Closed),
            None => Err(TryGetError::Empty),
        }
    }

    /// Ends the wait of a getter with what lies in its slot.
    pub(super) fn get_granted(
        &mut self,
        slot: Option<B::Item>,
        wakes: &mut Wakes,
    ) -> Result<B::Item, Closed> {
        let Some(item) = slot else {
            return Err(Closed);
        };
        self.handed -= 1;
        self.release_if_drained(wakes);
        Ok(item)
    }

    /// Takes back what lies in the slot of a getter that was dropped: it goes to the oldest that waits,
    /// or back to where it came from.
    pub(super) fn give_back(&mut self, slot: Option<B::Item>, wakes: &mut Wakes) {
        let Some(item) = slot else {
            return;
        };
        self.handed -= 1;
        if self.getters.is_empty() {
            self.items.unpop(item);
        } else {
            self.hand_over(item, wakes);
        }
    }

    pub(super) fn task_done(&mut self, wakes: &mut Wakes) -> Result<(), TooManyDone> {
        self.undone = self.undone.checked_sub(1).ok_or(TooManyDone)?;
        if self.undone == 0 {
            self.joiners.grant_all(wakes, |()| ());
        }
        Ok(())
    }

    pub(super) fn close(&mut self, wakes: &mut Wakes) {
        if self.closed {
            return;
        }
        self.closed = true;
        self.granted = 0;
        self.putters.grant_all(wakes, |()| ());
        self.release_if_drained(wakes);
    }

    /// Gives an item to the oldest parked getter, or stores it.
    #[inline]
    fn supply(&mut self, item: B::Item, wakes: &mut Wakes) {
        if self.getters.is_empty() {
            self.items.push(item);
        } else {
            self.hand_over(item, wakes);
        }
    }

    /// Puts an item into the slot of the oldest parked getter, of which there is one.
    #[inline(never)]
    fn hand_over(&mut self, item: B::Item, wakes: &mut Wakes) {
        self.handed += 1;
        self.getters.grant_with(wakes, |slot| *slot = Some(item));
    }

    #[inline]
    fn grant_room(&mut self, wakes: &mut Wakes) {
        if !self.putters.is_empty() {
            self.grant_to_putters(wakes);
        }
    }

    #[inline(never)]
    fn grant_to_putters(&mut self, wakes: &mut Wakes) {
        while !self.putters.is_empty() && !self.is_full() {
            self.granted += 1;
            self.putters.grant_with(wakes, |()| ());
        }
    }

    fn is_drained(&self) -> bool {
        self.closed && self.handed == 0 && self.items.count() == 0
    }

    fn release_if_drained(&mut self, wakes: &mut Wakes) {
        if self.is_drained() {
            self.getters.grant_all(wakes, |_| ());
        }
    }
}
