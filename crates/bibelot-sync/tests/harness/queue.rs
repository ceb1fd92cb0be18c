//! Queues in all orders: no item lost, none made, order kept, closed only when nothing can come.

use super::order::Order;
use super::world::{self, Ended, Out, Wait, Waiting, guarded, waiting};
use bibelot_sync::generic::{self, Put, PutPermit, Queue, Shell, Store};
use bibelot_sync::{PutError, TryGetError, TryPutError};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::task::{Context, Poll};

pub type Fifo<S> = Subject<generic::Fifo<u32>, S>;
pub type Lifo<S> = Subject<generic::Lifo<u32>, S>;
pub type Priority<S> = Subject<generic::Priority<u32, u32>, S>;

pub struct Subject<B: Store, S: Shell>(Queue<B, S>);

impl<B: Store, S: Shell> Clone for Subject<B, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

const GET: u8 = 0;
const PUT: u8 = 1;
const JOIN: u8 = 2;
/// Takes an item in a guard that counts it done.
const WORK: u8 = 3;
/// Takes room, which is given back or, of even ids, used.
const RESERVE: u8 = 4;
/// Waits for a length.
const LEN: u8 = 5;

fn kind_of(kind: u8) -> u8 {
    match kind % 8 {
        6 | 7 => PUT,
        kind => kind,
    }
}

/// The lengths that a wait for one waits for.
fn lengths(id: u32) -> RangeInclusive<usize> {
    match id % 4 {
        0 => 0..=0,
        1 => 2..=usize::MAX,
        2 => 1..=1,
        _ => 3..=4,
    }
}

pub struct Model<B> {
    items: Vec<u32>,
    capacity: usize,
    closed: bool,
    undone: u64,
    /// Waits, their kind, and what they were served.
    line: Vec<(u32, u8, Option<Out>)>,
    /// Guards of items and permits, by kind.
    held: BTreeMap<u32, u8>,
    order: PhantomData<fn() -> B>,
}

fn takes(kind: u8) -> bool {
    matches!(kind, GET | WORK)
}

fn wants_room(kind: u8) -> bool {
    matches!(kind, PUT | RESERVE)
}

fn joins(kind: u8) -> bool {
    kind == JOIN
}

impl<B> Clone for Model<B> {
    fn clone(&self) -> Self {
        Self {
            items: self.items.clone(),
            line: self.line.clone(),
            held: self.held.clone(),
            ..*self
        }
    }
}

impl<B> Debug for Model<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (items, line, held) = (&self.items, &self.line, &self.held);
        write!(
            f,
            "{items:?} {line:?} {held:?} {} {}",
            self.closed, self.undone
        )
    }
}

impl<B: Order> Model<B> {
    fn count(&self, of: fn(u8) -> bool, is: fn(&Out) -> bool) -> usize {
        let served = |wait: &&(u32, u8, Option<Out>)| of(wait.1) && wait.2.as_ref().is_some_and(is);
        self.line.iter().filter(served).count()
    }

    fn reserved(&self) -> usize {
        self.held.values().filter(|kind| **kind == RESERVE).count()
    }

    fn has_room(&self) -> bool {
        let granted = self.count(wants_room, |out| *out == Out::Done);
        self.items.len() + granted + self.reserved() < self.capacity
    }

    fn is_drained(&self) -> bool {
        let handed = self.count(takes, |out| matches!(out, Out::Item(_)));
        self.closed && self.items.is_empty() && handed == 0 && self.reserved() == 0
    }

    fn serve(&mut self, of: fn(u8) -> bool, out: Out) -> bool {
        let asleep = |wait: &&mut (u32, u8, Option<Out>)| of(wait.1) && wait.2.is_none();
        let sleeper = self.line.iter_mut().find(asleep);
        sleeper.map(|wait| wait.2 = Some(out)).is_some()
    }

    fn sleeps(&self, of: fn(u8) -> bool) -> bool {
        let asleep = |wait: &(u32, u8, Option<Out>)| of(wait.1) && wait.2.is_none();
        self.line.iter().any(asleep)
    }

    fn settle(&mut self) {
        while self.sleeps(takes) && !self.items.is_empty() {
            let item = B::take(&mut self.items);
            self.serve(takes, Out::Item(item));
        }
        while self.is_drained() && self.serve(takes, Out::Closed) {}
        while self.closed && self.serve(wants_room, Out::Closed) {}
        if self.closed {
            // What was promised and not yet taken is void.
            let promised = |wait: &&mut (u32, u8, Option<Out>)| wants_room(wait.1);
            let promised = self.line.iter_mut().filter(promised);
            promised.for_each(|wait| wait.2 = Some(Out::Closed));
        }
        while self.has_room() && self.serve(wants_room, Out::Done) {}
        while self.undone == 0 && self.serve(joins, Out::Done) {}
        for at in 0..self.line.len() {
            let (id, kind, served) = self.line[at];
            if kind == LEN && served.is_none() {
                self.line[at].2 = self.measure(id);
            }
        }
    }

    fn measure(&self, id: u32) -> Option<Out> {
        let (len, wanted) = (self.items.len(), lengths(id));
        if wanted.contains(&len) {
            return Some(Out::Item(len as u32));
        }
        let handed = self.count(takes, |out| matches!(out, Out::Item(_)));
        let reach = len + handed + self.reserved();
        (self.closed && reach < *wanted.start()).then_some(Out::Closed)
    }

    fn hold(&mut self, id: u32, kind: u8) -> Out {
        self.held.insert(id, kind);
        Out::Done
    }

    fn task_done(&mut self) -> Out {
        if self.undone == 0 {
            return Out::No;
        }
        self.undone -= 1;
        self.settle();
        Out::Done
    }

    fn force_put(&mut self, item: u32) -> Out {
        if self.closed {
            return Out::Back(item);
        }
        if self.has_room() || self.items.is_empty() {
            self.put(item);
            return Out::Done;
        }
        self.items.push(item);
        Out::Item(B::make_way(&mut self.items))
    }

    fn drain(&mut self) -> Out {
        let mut digest = 0;
        while !self.items.is_empty() {
            digest = digested(digest, B::take(&mut self.items));
        }
        self.settle();
        Out::Item(digest)
    }

    fn put(&mut self, item: u32) {
        self.items.push(item);
        self.undone += 1;
        self.settle();
    }

    fn try_put(&mut self, item: u32) -> Out {
        if self.closed || !self.has_room() {
            return Out::Back(item);
        }
        self.put(item);
        Out::Done
    }

    fn try_get(&mut self) -> Out {
        if self.items.is_empty() {
            return if self.is_drained() {
                Out::Closed
            } else {
                Out::No
            };
        }
        let item = B::take(&mut self.items);
        self.settle();
        Out::Item(item)
    }
}

/// One number for items in their order.
fn digested(digest: u32, item: u32) -> u32 {
    digest.wrapping_mul(31).wrapping_add(item)
}

/// A permit that puts its item when it is let go.
struct PutAtEnd<'a, B: Order, S: Shell>(Option<PutPermit<'a, B, S>>, u32);

impl<B: Order, S: Shell> Drop for PutAtEnd<'_, B, S> {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take().filter(|_| self.1.is_multiple_of(2)) {
            permit.put(B::item(self.1));
        }
    }
}

/// A put, which gives its item back when it is cut.
struct Putting<'a, B: Order, S: Shell>(Put<'a, B, S>);

impl<'a, B: Order, S: Shell> Wait<'a> for Putting<'a, B, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended<'a>> {
        Pin::new(&mut self.0).poll(cx).map(|end| match end {
            Ok(()) => (Out::Done, None),
            Err(PutError(item)) => (Out::Back(B::id(item)), None),
        })
    }

    fn cut(self: Box<Self>) -> Out {
        let item = self.0.into_item();
        item.map_or(Out::No, |item| Out::Back(B::id(item)))
    }
}

impl<B, S> world::Subject for Subject<B, S>
where
    B: Order,
    S: Shell,
{
    type Model = Model<B>;

    fn new(setting: u8) -> (Self, Model<B>) {
        let (queue, capacity) = match setting {
            0 => (Queue::unbounded(), usize::MAX),
            capacity => (Queue::bounded(capacity.into()), capacity.into()),
        };
        let model = Model {
            items: Vec::new(),
            capacity,
            closed: false,
            undone: 0,
            line: Vec::new(),
            held: BTreeMap::new(),
            order: PhantomData,
        };
        (Self(queue), model)
    }

    fn begin(&self, kind: u8, id: u32) -> Option<Waiting<'_>> {
        match kind_of(kind) {
            GET => waiting(self.0.get(), |end| {
                let out = end.map_or(Out::Closed, |item| Out::Item(B::id(item)));
                (out, None)
            }),
            PUT => Some(Box::new(Putting(self.0.put(B::item(id))))),
            WORK => waiting(self.0.get_guard(), |end| match end {
                Ok(guard) => {
                    let (_, guard) = guarded(guard);
                    (Out::Done, guard)
                }
                Err(_) => (Out::Closed, None),
            }),
            RESERVE => waiting(self.0.reserve(), move |end| match end {
                Ok(permit) => guarded(PutAtEnd(Some(permit), id)),
                Err(_) => (Out::Closed, None),
            }),
            LEN => waiting(self.0.until_len(lengths(id)), |end| {
                (end.map_or(Out::Closed, |len| Out::Item(len as u32)), None)
            }),
            _ => waiting(self.0.join(), |()| (Out::Done, None)),
        }
    }

    fn act(&self, act: u8, id: u32) -> Out {
        match act % 16 {
            0..4 => match self.0.try_put(B::item(id)) {
                Ok(()) => Out::Done,
                Err(TryPutError::Full(item) | TryPutError::Closed(item)) => Out::Back(B::id(item)),
                Err(_) => unreachable!(),
            },
            4..6 => match self.0.force_put(B::item(id)) {
                Ok(None) => Out::Done,
                Ok(Some(shed)) => Out::Item(B::id(shed)),
                Err(PutError(item)) => Out::Back(B::id(item)),
            },
            6..10 => match self.0.try_get() {
                Ok(item) => Out::Item(B::id(item)),
                Err(TryGetError::Closed) => Out::Closed,
                Err(_) => Out::No,
            },
            10 => Out::Item(self.0.drain().map(B::id).fold(0, digested)),
            11..15 => self.0.task_done().map_or(Out::No, |()| Out::Done),
            _ => {
                self.0.close();
                Out::Done
            }
        }
    }

    fn is_open(&self, kind: u8) -> bool {
        match kind {
            GET | WORK => !self.0.is_empty(),
            PUT | RESERVE => self.0.is_closed() || !self.0.is_full(),
            // That depends on the wait, whose lengths the model compares.
            LEN => false,
            _ => self.0.undone() == 0,
        }
    }

    fn check_end(&self, model: &Model<B>) {
        assert_eq!(self.0.undone(), model.undone);
        assert_eq!(self.0.len(), model.items.len());
        let mut items = model.items.clone();
        while let Ok(item) = self.0.try_get() {
            assert_eq!(B::id(item), B::take(&mut items), "what lay in the queue");
        }
        assert!(items.is_empty());
    }
}

impl<B: Order> world::Model for Model<B> {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        let kind = kind_of(kind);
        let out = match kind {
            GET => Some(self.try_get()).filter(|out| *out != Out::No),
            WORK => match self.try_get() {
                Out::No => None,
                Out::Item(_) => Some(self.hold(id, WORK)),
                out => Some(out),
            },
            PUT if self.closed || self.has_room() => Some(self.try_put(id)),
            RESERVE if self.closed => Some(Out::Closed),
            RESERVE if self.has_room() => Some(self.hold(id, RESERVE)),
            JOIN if self.undone == 0 => Some(Out::Done),
            LEN => self.measure(id),
            _ => None,
        };
        if out.is_none() {
            self.line.push((id, kind, None));
        }
        Some(out)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        let served = self.line[at].2?;
        let (_, kind, _) = self.line.remove(at);
        let out = match (kind, served) {
            (PUT, Out::Closed) => Out::Back(id),
            (PUT, _) => {
                self.put(id);
                Out::Done
            }
            (RESERVE, Out::Done) | (WORK, Out::Item(_)) => self.hold(id, kind),
            _ => served,
        };
        self.settle();
        Some(out)
    }

    fn cut(&mut self, id: u32) -> Out {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        let (_, kind, served) = self.line.remove(at);
        if let Some(Out::Item(item)) = served
            && takes(kind)
        {
            B::give_back(&mut self.items, item);
        }
        self.settle();
        if kind == PUT { Out::Back(id) } else { Out::No }
    }

    fn let_go(&mut self, id: u32) {
        match self.held.remove(&id).unwrap() {
            RESERVE if id.is_multiple_of(2) => self.put(id),
            RESERVE => self.settle(),
            _ => {
                self.task_done();
            }
        }
    }

    fn act(&mut self, act: u8, id: u32) -> Out {
        match act % 16 {
            0..4 => self.try_put(id),
            4..6 => self.force_put(id),
            6..10 => self.try_get(),
            10 => self.drain(),
            11..15 => self.task_done(),
            _ => {
                self.closed = true;
                self.settle();
                Out::Done
            }
        }
    }

    fn served(&self) -> BTreeSet<u32> {
        let served = self.line.iter().filter(|wait| wait.2.is_some());
        served.map(|wait| wait.0).collect()
    }

    fn kind(&self, id: u32) -> u8 {
        self.line.iter().find(|wait| wait.0 == id).unwrap().1
    }
}
