//! Queues and stacks: no item lost, none made, order kept, closed only when nothing can come.

use super::world::{self, Ended, Out, Wait, Waiting, waiting};
use bibelot_sync::generic::{self, Put, Queue, Shell, Store};
use bibelot_sync::{PutError, TryGetError, TryPutError};
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

pub type Fifo<S> = Subject<generic::Fifo<u32>, S>;
pub type Lifo<S> = Subject<generic::Lifo<u32>, S>;

pub struct Subject<B: Store, S: Shell>(Queue<B, S>);

impl<B: Store, S: Shell> Clone for Subject<B, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The order of the model's items.
pub trait Order: 'static {
    fn take(items: &mut Vec<u32>) -> u32;
    fn give_back(items: &mut Vec<u32>, item: u32);
}

impl Order for generic::Fifo<u32> {
    fn take(items: &mut Vec<u32>) -> u32 {
        items.remove(0)
    }

    fn give_back(items: &mut Vec<u32>, item: u32) {
        items.insert(0, item);
    }
}

impl Order for generic::Lifo<u32> {
    fn take(items: &mut Vec<u32>) -> u32 {
        items.pop().unwrap()
    }

    fn give_back(items: &mut Vec<u32>, item: u32) {
        items.push(item);
    }
}

const GET: u8 = 0;
const PUT: u8 = 1;
const JOIN: u8 = 2;

pub struct Model<B> {
    items: Vec<u32>,
    capacity: usize,
    closed: bool,
    undone: u64,
    /// Waits, their kind, and what they were served.
    line: Vec<(u32, u8, Option<Out>)>,
    order: PhantomData<B>,
}

impl<B: Order> Model<B> {
    fn count(&self, kind: u8, is: fn(&Out) -> bool) -> usize {
        let served =
            |wait: &&(u32, u8, Option<Out>)| wait.1 == kind && wait.2.as_ref().is_some_and(is);
        self.line.iter().filter(served).count()
    }

    fn has_room(&self) -> bool {
        let granted = self.count(PUT, |out| *out == Out::Done);
        self.items.len() + granted < self.capacity
    }

    fn is_drained(&self) -> bool {
        let handed = self.count(GET, |out| matches!(out, Out::Item(_)));
        self.closed && self.items.is_empty() && handed == 0
    }

    fn serve(&mut self, kind: u8, out: Out) -> bool {
        let asleep = |wait: &&mut (u32, u8, Option<Out>)| wait.1 == kind && wait.2.is_none();
        let sleeper = self.line.iter_mut().find(asleep);
        sleeper.map(|wait| wait.2 = Some(out)).is_some()
    }

    fn sleeps(&self, kind: u8) -> bool {
        self.line
            .iter()
            .any(|wait| wait.1 == kind && wait.2.is_none())
    }

    fn settle(&mut self) {
        while self.sleeps(GET) && !self.items.is_empty() {
            let item = B::take(&mut self.items);
            self.serve(GET, Out::Item(item));
        }
        while self.is_drained() && self.serve(GET, Out::Closed) {}
        while self.closed && self.serve(PUT, Out::Closed) {}
        while self.has_room() && self.serve(PUT, Out::Done) {}
        while self.undone == 0 && self.serve(JOIN, Out::Done) {}
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

/// A put, which gives its item back when it is cut.
struct Putting<'a, B: Store, S: Shell>(Put<'a, B, S>);

impl<'a, B: Store<Item = u32>, S: Shell> Wait<'a> for Putting<'a, B, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended<'a>> {
        Pin::new(&mut self.0).poll(cx).map(|end| match end {
            Ok(()) => (Out::Done, None),
            Err(PutError(item)) => (Out::Back(item), None),
        })
    }

    fn cut(self: Box<Self>) -> Out {
        self.0.into_item().map_or(Out::No, Out::Back)
    }
}

impl<B, S> world::Subject for Subject<B, S>
where
    B: Store<Item = u32> + Order,
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
            order: PhantomData,
        };
        (Self(queue), model)
    }

    fn begin(&self, kind: u8, id: u32) -> Option<Waiting<'_>> {
        match kind % 3 {
            GET => waiting(self.0.get(), |end| {
                (end.map_or(Out::Closed, Out::Item), None)
            }),
            PUT => Some(Box::new(Putting(self.0.put(id)))),
            _ => waiting(self.0.join(), |()| (Out::Done, None)),
        }
    }

    fn act(&self, act: u8, id: u32) -> Out {
        match act % 16 {
            0..6 => match self.0.try_put(id) {
                Ok(()) => Out::Done,
                Err(TryPutError::Full(item) | TryPutError::Closed(item)) => Out::Back(item),
                Err(_) => unreachable!(),
            },
            6..11 => match self.0.try_get() {
                Ok(item) => Out::Item(item),
                Err(TryGetError::Closed) => Out::Closed,
                Err(_) => Out::No,
            },
            11..15 => self.0.task_done().map_or(Out::No, |()| Out::Done),
            _ => {
                self.0.close();
                Out::Done
            }
        }
    }

    fn is_open(&self, kind: u8) -> bool {
        match kind {
            GET => !self.0.is_empty(),
            PUT => self.0.is_closed() || !self.0.is_full(),
            _ => self.0.undone() == 0,
        }
    }

    fn check_end(&self, model: &Model<B>) {
        assert_eq!(self.0.undone(), model.undone);
        assert_eq!(self.0.len(), model.items.len());
        let mut items = model.items.clone();
        while let Ok(item) = self.0.try_get() {
            assert_eq!(item, B::take(&mut items), "what lay in the queue");
        }
        assert!(items.is_empty());
    }
}

impl<B: Order> world::Model for Model<B> {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        let kind = kind % 3;
        let out = match kind {
            GET => Some(self.try_get()).filter(|out| *out != Out::No),
            PUT if self.closed || self.has_room() => Some(self.try_put(id)),
            JOIN if self.undone == 0 => Some(Out::Done),
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
        if kind == PUT && self.closed {
            return Some(Out::Back(id));
        }
        if kind == PUT {
            self.put(id);
        }
        self.settle();
        Some(served)
    }

    fn cut(&mut self, id: u32) -> Out {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        let (_, kind, served) = self.line.remove(at);
        if let Some(Out::Item(item)) = served {
            B::give_back(&mut self.items, item);
        }
        self.settle();
        if kind == PUT { Out::Back(id) } else { Out::No }
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, id: u32) -> Out {
        match act % 16 {
            0..6 => self.try_put(id),
            6..11 => self.try_get(),
            11..15 if self.undone == 0 => Out::No,
            11..15 => {
                self.undone -= 1;
                self.settle();
                Out::Done
            }
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
