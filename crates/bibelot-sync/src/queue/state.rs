//! The state machine of a queue, as plain data.
//!
//! An item that finds a parked getter goes straight into that getter's slot; one that does not is
//! stored. Room that becomes free is granted to the oldest parked putter, whose item stays with its
//! future until that is polled: a put that did not return has put nothing, and can give its item back.
//!
//! A rendezvous has no room: there a parked putter offers its item in its slot, and a getter takes it out.
//!
//! # Invariants
//!
//! - While a getter is parked, no item is stored.
//! - While a putter is parked, stored items and promised room fill the capacity.
//! - `handed` counts the items in slots of getters that have not taken them; until they are taken or
//!   come back, and until reserved room is used or given back, a closed queue does not say that it is
//!   empty for good.

use super::error::{Closed, PutError, TooManyDone, TryGetError, TryPutError};
use super::gauge::Outside;
use super::store::Store;
use crate::wait_queue::WaitQueue;
use crate::wakes::Wakes;

pub(crate) struct State<B: Store> {
    items: B,
    /// 0 for a rendezvous, `usize::MAX` for no limit.
    capacity: usize,
    closed: bool,
    /// Room granted to putters that have not used it yet, and reserved room.
    promised: usize,
    /// That part of it which permits have; a close takes back the rest.
    reserved: usize,
    handed: usize,
    /// Items put and not counted done.
    undone: u64,
    pub(super) getters: WaitQueue<Option<B::Item>>,
    /// Slots hold what is offered to a rendezvous, else nothing.
    pub(super) putters: WaitQueue<Option<B::Item>>,
    pub(super) joiners: WaitQueue,
    /// Those that wait for the queue to be closed.
    pub(super) watchers: WaitQueue,
    /// Those who look at it from outside.
    pub(super) outside: Option<Box<Outside>>,
}

impl<B: Store> State<B> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            items: B::default(),
            capacity,
            closed: false,
            promised: 0,
            reserved: 0,
            handed: 0,
            undone: 0,
            getters: WaitQueue::new(),
            putters: WaitQueue::new(),
            joiners: WaitQueue::new(),
            watchers: WaitQueue::new(),
            outside: None,
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

    pub(super) fn is_rendezvous(&self) -> bool {
        self.capacity == 0
    }

    pub(super) fn undone(&self) -> u64 {
        self.undone
    }

    /// Whether somebody who comes now has to wait for room.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        // Both are bounded by memory, so the sum does not overflow; and while somebody is parked, they
        // fill the capacity.
        self.items.count() + self.promised >= self.capacity
            && (self.capacity != 0 || self.getters.is_empty())
    }

    /// Whether there is room for an item, and nobody to hear of it.
    #[inline]
    pub(super) fn stores_at_once(&self) -> bool {
        !self.closed && !self.is_full() && self.getters.is_empty() && self.outside.is_none()
    }

    /// Stores an item, after [that](Self::stores_at_once) was found.
    #[inline]
    pub(super) fn store(&mut self, item: B::Item) {
        self.undone += 1;
        self.items.push(item);
    }

    /// Takes an item, if there is one and nobody to hear of it.
    #[inline]
    pub(super) fn take_at_once(&mut self) -> Option<B::Item> {
        if self.putters.is_empty() && self.outside.is_none() {
            return self.items.pop();
        }
        None
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

    /// Puts an item in any case; what had to make way counts as done.
    pub(super) fn force_put(
        &mut self,
        item: B::Item,
        wakes: &mut Wakes,
    ) -> Result<Option<B::Item>, PutError<B::Item>> {
        match self.try_put(item, wakes) {
            Ok(()) => Ok(None),
            Err(TryPutError::Closed(item)) => Err(PutError(item)),
            Err(TryPutError::Full(item)) if self.is_rendezvous() => Ok(Some(item)),
            Err(TryPutError::Full(item)) => {
                if self.items.count() == 0 {
                    // All room is promised. A getter takes it, or the queue has too much for a while.
                    self.undone += 1;
                    self.supply(item, wakes);
                    return Ok(None);
                }
                self.items.push(item);
                Ok(self.items.shed())
            }
        }
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
        self.promised -= 1;
        self.undone += 1;
        self.supply(item, wakes);
        // The item may have gone straight to a getter.
        self.grant_room(wakes);
        Ok(())
    }

    /// Takes back the room of a putter that will not use it.
    pub(super) fn refuse_room(&mut self, wakes: &mut Wakes) {
        if !self.closed {
            self.promised -= 1;
            self.grant_room(wakes);
        }
    }

    /// Takes room for a permit if there is some.
    pub(super) fn try_reserve(&mut self) -> Result<(), TryPutError<()>> {
        if self.closed {
            return Err(TryPutError::Closed(()));
        }
        if self.is_full() {
            return Err(TryPutError::Full(()));
        }
        self.promised += 1;
        self.reserved += 1;
        Ok(())
    }

    /// Turns granted room into that of a permit.
    pub(super) fn reserve_granted(&mut self) -> Result<(), PutError<()>> {
        if self.closed {
            return Err(PutError(()));
        }
        self.reserved += 1;
        Ok(())
    }

    /// Puts the item of a permit, also into a closed queue.
    pub(super) fn put_reserved(&mut self, item: B::Item, wakes: &mut Wakes) {
        self.promised -= 1;
        self.reserved -= 1;
        self.undone += 1;
        self.supply(item, wakes);
        self.grant_room(wakes);
    }

    /// Takes back the room of a permit that was not used.
    pub(super) fn unreserve(&mut self, wakes: &mut Wakes) {
        self.promised -= 1;
        self.reserved -= 1;
        self.grant_room(wakes);
        self.release_if_drained(wakes);
    }

    #[inline]
    pub(super) fn try_get(&mut self, wakes: &mut Wakes) -> Result<B::Item, TryGetError> {
        match self.items.pop() {
            Some(item) => {
                self.grant_room(wakes);
                self.tell(wakes);
                Ok(item)
            }
            None => self.take_offer(wakes),
        }
    }

    /// Takes the item that the oldest putter of a rendezvous offers; elsewhere there is none.
    #[inline(never)]
    fn take_offer(&mut self, wakes: &mut Wakes) -> Result<B::Item, TryGetError> {
        if self.is_drained() {
            return Err(TryGetError::Closed);
        }
        if !self.is_rendezvous() {
            return Err(TryGetError::Empty);
        }
        let (slot, waker) = self.putters.grant().ok_or(TryGetError::Empty)?;
        wakes.push(waker);
        self.undone += 1;
        Ok(slot
            .take()
            .expect("a putter of a rendezvous offers its item"))
    }

    /// Takes out all items that are stored.
    pub(super) fn drain(&mut self, wakes: &mut Wakes) -> B {
        let items = std::mem::take(&mut self.items);
        self.grant_room(wakes);
        self.tell(wakes);
        self.release_if_drained(wakes);
        items
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
            self.tell(wakes);
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
        self.promised = self.reserved;
        self.putters.grant_all(wakes, |_| ());
        self.watchers.grant_all(wakes, |()| ());
        self.release_if_drained(wakes);
    }

    /// Gives an item to the oldest parked getter, or stores it.
    #[inline]
    fn supply(&mut self, item: B::Item, wakes: &mut Wakes) {
        if self.getters.is_empty() {
            self.items.push(item);
            self.tell(wakes);
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
            self.promised += 1;
            self.putters.grant_with(wakes, |_| ());
        }
    }

    fn is_drained(&self) -> bool {
        self.closed && self.handed == 0 && self.reserved == 0 && self.items.count() == 0
    }

    fn release_if_drained(&mut self, wakes: &mut Wakes) {
        if self.is_drained() {
            self.getters.grant_all(wakes, |_| ());
        }
        if self.closed {
            self.tell(wakes);
        }
    }

    /// How many items can lie in it from now on, as far as that is known.
    pub(super) fn reach(&self) -> usize {
        match self.closed {
            true => self.items.count() + self.handed + self.reserved,
            false => usize::MAX,
        }
    }

    /// Whether a getter would not wait; in a rendezvous, where that depends on who offers, it says nothing.
    pub(super) fn is_readable(&self) -> bool {
        self.items.count() > 0 || self.is_drained()
    }

    #[inline]
    fn tell(&mut self, wakes: &mut Wakes) {
        if self.outside.is_some() {
            self.tell_outside(wakes);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_outside(&mut self, wakes: &mut Wakes) {
        let (is_readable, len, reach) = (self.is_readable(), self.len(), self.reach());
        if let Some(outside) = &mut self.outside {
            outside.look(is_readable, len, reach, wakes);
        }
    }
}
