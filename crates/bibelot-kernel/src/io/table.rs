//! The table: slots by key, and the tokens by which the reactor names them.
//!
//! A slot's generation is even; a token's lowest generation bit says which side of an object is meant.
//!
//! # Invariants
//!
//! - A slot is freed when nothing in flight names it and nobody holds it.

use std::task::Waker;

use bibelot_reactor::{Completion, Fd, Op, OpKind, Token};
use bibelot_timer::Key as TimerKey;
use slab::Slab;

use super::Direction;
use super::act::{Act, Alarm, Trash};
use super::object::{Ended, Object};
use super::operation::OperationState;
use super::raw_side::RawSide;
use super::read_side::Flow;
use super::shared::Shared;
use crate::config::Config;

/// Names a slot of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub slot: u32,
    pub generation: u32,
}

impl Key {
    pub(crate) fn token(self, side: Direction) -> Token {
        Token::new(
            self.slot,
            self.generation | u32::from(side == Direction::Write),
        )
    }

    fn of(token: Token) -> (Self, Direction) {
        let side = if token.generation() & 1 == 0 {
            Direction::Read
        } else {
            Direction::Write
        };
        (
            Self {
                slot: token.slot(),
                generation: token.generation() & !1,
            },
            side,
        )
    }
}

/// What has a token, or may have.
pub(crate) enum Slot {
    Operation(OperationState),
    Object(Box<Object>),
    Raw(Box<RawSide>),
}

/// What other threads ask of the table.
#[derive(Debug)]
pub(crate) enum Message {
    /// The future of an operation was dropped.
    AbandonOperation(Key),
    /// A handle to an object was dropped.
    ReleaseObject(Key),
    /// A handle to an object was cloned.
    HoldObject(Key),
    /// Nothing more will be written to an object.
    FinishObject(Key),
    /// Whoever waited at one side of an object has left.
    LeaveObject(Key, Direction, u32),
    /// The handle to a socket for raw sends was dropped.
    ReleaseRaw(Key),
    /// The future of a raw send was dropped.
    LeaveRaw(Key, u32),
}

/// All operations and objects of one kernel.
pub(crate) struct Table {
    pub(super) slots: Slab<(u32, Slot)>,
    generation: u32,
    pub shared: Shared,
    acts: Vec<Act>,
}

impl Table {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            slots: Slab::new(),
            generation: 0,
            shared: Shared::new(config.io),
            acts: Vec::new(),
        }
    }

    /// An empty list of acts.
    pub(super) fn acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// Takes an empty list back for its memory.
    pub(super) fn recycle(&mut self, acts: Vec<Act>) {
        if acts.capacity() > self.acts.capacity() {
            self.acts = acts;
        }
    }

    pub(super) fn insert(&mut self, slot: Slot) -> Key {
        self.generation = self.generation.wrapping_add(2);
        let index = self.slots.insert((self.generation, slot));
        let slot = u32::try_from(index)
            .ok()
            .filter(|&slot| slot < Token::RESERVED);
        let slot = slot.expect("fewer than 2^32 operations and objects");
        Key {
            slot,
            generation: self.generation,
        }
    }

    fn slot(&mut self, key: Key) -> Option<&mut Slot> {
        match self.slots.get_mut(key.slot as usize) {
            Some((generation, slot)) if *generation == key.generation => Some(slot),
            _ => None,
        }
    }

    fn remove(&mut self, key: Key, acts: &mut Vec<Act>) {
        if self.slot(key).is_some() {
            let (_, slot) = self.slots.remove(key.slot as usize);
            acts.push(Act::Drop(Trash::Slot(Box::new(slot))));
        }
    }

    /// Begins an operation of one call.
    pub(crate) fn begin(&mut self, op: Op, waker: Waker, acts: &mut Vec<Act>) -> Key {
        let state = OperationState::new(op.kind(), waker);
        let key = self.insert(Slot::Operation(state));
        acts.push(Act::Submit(key.token(Direction::Read), op));
        key
    }

    pub(crate) fn operation(&mut self, key: Key) -> Option<&mut OperationState> {
        match self.slot(key) {
            Some(Slot::Operation(state)) => Some(state),
            _ => None,
        }
    }

    /// Takes the end of an operation, and frees its slot.
    pub(crate) fn take_end(&mut self, key: Key, acts: &mut Vec<Act>) -> Option<Completion> {
        let end = self.operation(key)?.end.take()?;
        self.remove(key, acts);
        Some(end)
    }

    /// Nobody waits for the operation any more.
    pub(crate) fn abandon(&mut self, key: Key, acts: &mut Vec<Act>) {
        let Some(state) = self.operation(key) else {
            return;
        };
        if state.end.is_some() {
            self.remove(key, acts);
            return;
        }
        state.is_orphan = true;
        let may_cancel = state.kind != OpKind::Close;
        acts.extend(
            state
                .waker
                .take()
                .map(|waker| Act::Drop(Trash::Waker(waker))),
        );
        if may_cancel {
            acts.push(Act::Cancel(key.token(Direction::Read)));
        }
    }

    /// Takes an object in.
    pub(crate) fn adopt(&mut self, fd: Fd, flow: Flow) -> Key {
        self.insert(Slot::Object(Box::new(Object::new(fd, flow))))
    }

    /// Takes an object out that only one handle has, and that is as it was when it came in: its descriptor
    /// for another kernel.
    pub(crate) fn take_untouched(&mut self, key: Key, acts: &mut Vec<Act>) -> Option<Fd> {
        let object = self.object(key)?;
        if object.handles != 1 || !object.is_untouched() {
            return None;
        }
        let fd = object.fd.take();
        self.remove(key, acts);
        fd
    }

    pub(crate) fn object(&mut self, key: Key) -> Option<&mut Object> {
        match self.slot(key) {
            Some(Slot::Object(object)) => Some(object),
            _ => None,
        }
    }

    /// An object together with what all objects share.
    pub(super) fn object_and_shared(&mut self, key: Key) -> Option<(&mut Object, &mut Shared)> {
        match self.slots.get_mut(key.slot as usize) {
            Some((generation, Slot::Object(object))) if *generation == key.generation => {
                Some((object, &mut self.shared))
            }
            _ => None,
        }
    }

    /// Takes a socket for raw sends in.
    pub(crate) fn adopt_raw(&mut self, fd: Fd) -> Key {
        self.insert(Slot::Raw(Box::new(RawSide::new(fd))))
    }

    pub(super) fn raw(&mut self, key: Key) -> Option<&mut RawSide> {
        match self.slot(key) {
            Some(Slot::Raw(raw)) => Some(raw),
            _ => None,
        }
    }

    /// Changes a socket for raw sends in a way that may be its last.
    pub(super) fn change_raw(
        &mut self,
        key: Key,
        acts: &mut Vec<Act>,
        change: impl FnOnce(&mut RawSide, &mut Shared, &mut Vec<Act>) -> Ended,
    ) {
        let ended = match self.slots.get_mut(key.slot as usize) {
            Some((generation, Slot::Raw(raw))) if *generation == key.generation => {
                change(raw, &mut self.shared, acts)
            }
            _ => return,
        };
        self.after(key, ended, acts);
    }

    pub(super) fn has_dirty(&self) -> bool {
        !self.shared.dirty.is_empty()
    }

    /// Begins to send what gathered.
    pub(super) fn flush_dirty(&mut self, acts: &mut Vec<Act>) {
        let mut dirty = std::mem::take(&mut self.shared.dirty);
        for key in dirty.drain(..) {
            if let Some((object, shared)) = self.object_and_shared(key) {
                object.write.is_dirty = false;
                object.send_gathered(key, shared, acts);
            }
        }
        // Nothing was added meanwhile: only writers add, and none runs here.
        self.shared.dirty = dirty;
    }

    /// Settles one completion.
    pub(crate) fn settle(&mut self, completion: Completion, acts: &mut Vec<Act>) {
        let (key, side) = Key::of(completion.token);
        let found = match self.slots.get_mut(key.slot as usize) {
            Some((generation, slot)) if *generation == key.generation => Some(slot),
            _ => None,
        };
        match found {
            Some(Slot::Operation(state)) => {
                if state.is_orphan {
                    acts.push(Act::Drop(Trash::Completion(Box::new(completion))));
                    self.remove(key, acts);
                } else {
                    acts.extend(state.waker.take().map(Act::Wake));
                    state.end = Some(completion);
                }
            }
            Some(Slot::Object(object)) => {
                let shared = &mut self.shared;
                let ended = match side {
                    Direction::Read => object.settle_read(key, completion, shared, acts),
                    Direction::Write => object.settle_write(key, completion, shared, acts),
                };
                self.after(key, ended, acts);
            }
            Some(Slot::Raw(raw)) => {
                let ended = raw.settle(key, completion, &mut self.shared, acts);
                self.after(key, ended, acts);
            }
            None => acts.push(Act::Drop(Trash::Completion(Box::new(completion)))),
        }
    }

    /// Frees an object that has ended, and lets a starved writer go on.
    pub(super) fn after(&mut self, key: Key, ended: Ended, acts: &mut Vec<Act>) {
        if ended == Ended::Gone {
            self.remove(key, acts);
        }
        self.wake_starved(acts);
        self.resume_paused(acts);
    }

    /// Lets as many flows go on that wanted descriptors as descriptors were closed.
    fn resume_paused(&mut self, acts: &mut Vec<Act>) {
        while self.shared.freed > 0 {
            self.shared.freed -= 1;
            let Some(key) = self.shared.paused.pop_front() else {
                self.shared.freed = 0;
                return;
            };
            let went_on = match self.object(key) {
                Some(object) => object.take_turn(key, acts),
                None => false,
            };
            // What went on by itself, or is gone, needs none.
            self.shared.freed += usize::from(!went_on);
        }
    }

    /// Lets one starved writer go on, if there is room. When it leaves the next one does, so that all go
    /// on as far as there is room, also when only one send ends.
    pub(super) fn wake_starved(&mut self, acts: &mut Vec<Act>) {
        while let Some(key) = self.shared.next_starved() {
            let Some(object) = self.object(key) else {
                continue;
            };
            object.write.is_starved = false;
            if let Some(waker) = object.write.waiter.take_waker() {
                acts.push(Act::Wake(waker));
                return;
            }
        }
    }

    /// A timer that was asked for is set. Gives it back if nobody wants it any more.
    pub(super) fn armed(&mut self, alarm: Alarm, timer: TimerKey) -> Option<TimerKey> {
        let (Alarm::Resume(key) | Alarm::Linger(key)) = alarm;
        match (self.object(key), alarm) {
            (Some(object), Alarm::Resume(_)) if object.read.is_paused() => {
                object.read.resume_timer.replace(timer)
            }
            (Some(object), Alarm::Linger(_)) if object.ending.is_lingering() => {
                object.ending.timer.replace(timer)
            }
            _ => Some(timer),
        }
    }

    /// A timer of an object has fired.
    pub(super) fn alarm(&mut self, alarm: Alarm, acts: &mut Vec<Act>) {
        match alarm {
            Alarm::Resume(key) => {
                if let Some(object) = self.object(key) {
                    object.read.resume_timer = None;
                    object.resume(key, acts);
                }
            }
            Alarm::Linger(key) => {
                let Some((object, shared)) = self.object_and_shared(key) else {
                    return;
                };
                object.ending.timer = None;
                let ended = object.look(key, shared, acts);
                self.after(key, ended, acts);
            }
        }
    }

    /// Whether operations or closing objects are still under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.shared.closing == 0
    }

    /// Begins to close every object and socket that is not being closed yet.
    pub(crate) fn release_all(&mut self, acts: &mut Vec<Act>) {
        let keys: Vec<Key> = self
            .slots
            .iter()
            .filter(|(_, (_, slot))| matches!(slot, Slot::Object(_) | Slot::Raw(_)))
            .map(|(slot, (generation, _))| Key {
                slot: slot as u32,
                generation: *generation,
            })
            .collect();
        for key in keys {
            if let Some((object, shared)) = self.object_and_shared(key) {
                object.handles = 0;
                let ended = object.begin_end(key, shared, acts);
                self.after(key, ended, acts);
            }
            self.change_raw(key, acts, |raw, shared, acts| raw.end(key, shared, acts));
        }
    }

    /// Takes everything out; the caller drops it outside the borrow.
    pub(crate) fn take_all(&mut self) -> Vec<Slot> {
        self.shared.dirty.clear();
        self.slots.drain().map(|(_, slot)| slot).collect()
    }
}
