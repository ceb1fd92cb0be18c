//! The slots: everything in flight, and what the operating system may touch of it.
//!
//! An operation stays in its slot from `submit` to its end. Slots may move when the table grows, but the
//! operating system never sees them: what it reads and writes, a buffer's bytes, an address, a path,
//! lies on the heap behind them and stays where it is.
//!
//! # Invariants
//!
//! - While a slot is `Flying` or `Watching`, exactly one entry of its present generation is queued or in
//!   the operating system, and the slot keeps all that the entry names.
//! - A slot's generation changes when its operation ends, so a late cancel finds nobody.
//! - A token is in `names` exactly as long as its end is still to come.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use bibelot_reactor::{Op, Token};
use socket2::SockAddr;

use crate::lanes::LaneId;
use crate::names::Names;
use crate::tag::Tag;

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;

/// How far an operation has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nobody is here.
    Vacant,
    /// It waits for its turn on its socket.
    Queued,
    /// It was cancelled while it waited; its place in the line is all that is left.
    Withdrawn,
    /// The operating system has it, or finds it queued.
    Flying,
    /// Its descriptor is watched; it is attempted when that is ready.
    Watching,
    /// A worker thread has it.
    Pooled,
    /// It asked for a buffer when there was none, and is looked at once more before this turn is over.
    Parched,
}

/// What an entry names besides descriptor and buffer.
#[derive(Debug, Default)]
#[expect(
    dead_code,
    reason = "address and path are held for the operating system to read"
)]
pub(crate) enum Extra {
    #[default]
    Nothing,
    Address(Box<SockAddr>),
    Path(CString),
    /// The descriptor that is being closed: the operation itself is gone.
    Closing(OwnedFd),
}

#[derive(Debug)]
pub(crate) struct Slot {
    generation: u32,
    pub(crate) token: Token,
    pub(crate) stage: Stage,
    pub(crate) cancelled: bool,
    /// Nobody waits for its success, and its entry says nothing of it.
    pub(crate) quiet: bool,
    pub(crate) lane: Option<LaneId>,
    /// The next in line on the same socket, or the next vacant slot.
    pub(crate) next: u32,
    /// `None` while it is elsewhere: with a worker, withdrawn, or closing.
    pub(crate) op: Option<Op>,
    pub(crate) extra: Extra,
}

#[derive(Debug)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    names: Names,
    vacant: u32,
    /// How many are `Flying` or `Watching`, as the reactor counts them.
    pub(crate) in_flight: usize,
}

impl Slots {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            names: Names::default(),
            vacant: NONE,
            in_flight: 0,
        }
    }

    /// Puts an operation into a slot, where it waits.
    ///
    /// # Panics
    ///
    /// If the token is in use.
    pub(crate) fn insert(&mut self, token: Token, op: Op) -> u32 {
        let index = match self.vacant {
            NONE => self.grow(),
            vacant => vacant,
        };
        assert!(self.names.insert(token, index), "{token:?} is in use");
        let slot = &mut self.slots[index as usize];
        self.vacant = slot.next;
        slot.token = token;
        slot.stage = Stage::Queued;
        slot.cancelled = false;
        slot.quiet = false;
        slot.lane = LaneId::of(&op);
        slot.next = NONE;
        slot.op = Some(op);
        index
    }

    fn grow(&mut self) -> u32 {
        let index = u32::try_from(self.slots.len()).unwrap_or(NONE);
        assert!(index < Tag::SLOTS_MAX, "{index} operations are in flight");
        self.slots.push(Slot {
            generation: 0,
            token: Token::new(0, 0),
            stage: Stage::Vacant,
            cancelled: false,
            quiet: false,
            lane: None,
            next: NONE,
            op: None,
            extra: Extra::Nothing,
        });
        index
    }

    pub(crate) fn at(&mut self, index: u32) -> &mut Slot {
        &mut self.slots[index as usize]
    }

    /// The slot of an operation that has not ended.
    pub(crate) fn find(&self, token: Token) -> Option<u32> {
        self.names.find(token)
    }

    /// The slot that a tag names, if its operation has not ended.
    pub(crate) fn tagged(&self, tag: Tag) -> Option<u32> {
        let slot = self.slots.get(tag.slot() as usize)?;
        (slot.generation == tag.generation() && slot.stage != Stage::Vacant).then_some(tag.slot())
    }

    pub(crate) fn tag(&self, index: u32) -> Tag {
        Tag::new(index, self.slots[index as usize].generation)
    }

    /// Sets how far an operation has got.
    pub(crate) fn set_stage(&mut self, index: u32, stage: Stage) {
        let slot = &mut self.slots[index as usize];
        let flies = |stage| matches!(stage, Stage::Flying | Stage::Watching);
        self.in_flight -= usize::from(flies(slot.stage));
        self.in_flight += usize::from(flies(stage));
        slot.stage = stage;
    }

    /// The operation's end is given out now: its token may be used again. Its place in line stays.
    pub(crate) fn withdraw(&mut self, index: u32) -> Option<Op> {
        self.set_stage(index, Stage::Withdrawn);
        let slot = &mut self.slots[index as usize];
        self.names.remove(slot.token);
        slot.op.take()
    }

    /// Empties a slot whose operation has ended, and hands out what is left of that.
    pub(crate) fn release(&mut self, index: u32) -> (Token, Option<Op>) {
        if self.slots[index as usize].stage != Stage::Withdrawn {
            self.names.remove(self.slots[index as usize].token);
        }
        self.set_stage(index, Stage::Vacant);
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.extra = Extra::Nothing;
        slot.next = self.vacant;
        self.vacant = index;
        (slot.token, slot.op.take())
    }

    /// All slots that somebody is in.
    pub(crate) fn occupied(&self) -> impl Iterator<Item = (u32, &Slot)> {
        (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.stage != Stage::Vacant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_used_again_under_a_new_tag() {
        let mut slots = Slots::new();
        let token = Token::new(5, 1);
        let index = slots.insert(token, Op::Nop);
        let tag = slots.tag(index);
        assert_eq!(slots.tagged(tag), Some(index));
        assert_eq!(slots.release(index).0, token);
        assert_eq!(slots.tagged(tag), None);
        assert_eq!(slots.find(token), None);
        assert_eq!(slots.insert(token, Op::Nop), index);
        assert_ne!(slots.tag(index), tag);
    }

    #[test]
    fn a_withdrawn_operation_leaves_its_token_at_once_and_its_place_later() {
        let mut slots = Slots::new();
        let token = Token::new(5, 1);
        let index = slots.insert(token, Op::Nop);
        assert!(slots.withdraw(index).is_some());
        let other = slots.insert(token, Op::Nop);
        assert_ne!(other, index);
        slots.release(index);
        assert_eq!(slots.find(token), Some(other));
    }

    #[test]
    #[should_panic(expected = "Token(5.1) is in use")]
    fn a_token_in_use_is_refused() {
        let mut slots = Slots::new();
        slots.insert(Token::new(5, 1), Op::Nop);
        slots.insert(Token::new(5, 1), Op::Nop);
    }
}
