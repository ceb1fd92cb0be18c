//! Rendezvous: a put ends when a getter takes its item, and who was there first meets first.

use super::world::{self, Ended, Out, Wait, Waiting, waiting};
use bibelot_sync::generic::{Fifo, Put, Queue, Shell};
use bibelot_sync::{PutError, TryGetError, TryPutError};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll};

pub struct Subject<S: Shell>(Queue<Fifo<u32>, S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Items given back by getters that were dropped.
    items: Vec<u32>,
    closed: bool,
    /// Waits, whether to put, and what they were served.
    line: Vec<(u32, bool, Option<Out>)>,
}

impl Model {
    fn asleep(&mut self, puts: bool) -> Option<&mut (u32, bool, Option<Out>)> {
        let mut line = self.line.iter_mut();
        line.find(|wait| wait.1 == puts && wait.2.is_none())
    }

    fn is_drained(&self) -> bool {
        let handed = |wait: &(u32, bool, Option<Out>)| matches!(wait.2, Some(Out::Item(_)));
        self.closed && self.items.is_empty() && !self.line.iter().any(handed)
    }

    fn settle(&mut self) {
        while !self.items.is_empty() && self.asleep(false).is_some() {
            let item = self.items.remove(0);
            self.asleep(false).unwrap().2 = Some(Out::Item(item));
        }
        while self.closed
            && let Some(wait) = self.asleep(true)
        {
            wait.2 = Some(Out::Back(wait.0));
        }
        while self.is_drained()
            && let Some(wait) = self.asleep(false)
        {
            wait.2 = Some(Out::Closed);
        }
    }

    fn try_put(&mut self, id: u32) -> Out {
        match self.asleep(false) {
            Some(wait) if !wait.1 => {
                wait.2 = Some(Out::Item(id));
                Out::Done
            }
            _ => Out::Back(id),
        }
    }

    fn try_get(&mut self) -> Out {
        if !self.items.is_empty() {
            return Out::Item(self.items.remove(0));
        }
        if self.is_drained() {
            return Out::Closed;
        }
        match self.asleep(true) {
            Some(wait) => {
                wait.2 = Some(Out::Done);
                Out::Item(wait.0)
            }
            None => Out::No,
        }
    }
}

/// A put, which gives its item back when it is cut and nobody has taken it.
struct Putting<'a, S: Shell>(Put<'a, Fifo<u32>, S>);

impl<'a, S: Shell> Wait<'a> for Putting<'a, S> {
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

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn new(_: u8) -> (Self, Model) {
        (Self(Queue::rendezvous()), Model::default())
    }

    fn begin(&self, kind: u8, id: u32) -> Option<Waiting<'_>> {
        match kind % 2 {
            0 => Some(Box::new(Putting(self.0.put(id)))),
            _ => waiting(self.0.get(), |end| {
                (end.map_or(Out::Closed, Out::Item), None)
            }),
        }
    }

    fn act(&self, act: u8, id: u32) -> Out {
        match act % 16 {
            0..6 => match self.0.try_put(id) {
                Ok(()) => Out::Done,
                Err(TryPutError::Full(item) | TryPutError::Closed(item)) => Out::Back(item),
                Err(_) => unreachable!(),
            },
            6..8 => match self.0.force_put(id) {
                Ok(None) => Out::Done,
                Ok(Some(item)) | Err(PutError(item)) => Out::Back(item),
            },
            8..14 => match self.0.try_get() {
                Ok(item) => Out::Item(item),
                Err(TryGetError::Closed) => Out::Closed,
                Err(_) => Out::No,
            },
            14 => Out::Item(self.0.drain().sum()),
            _ if act < 100 => Out::No,
            _ => {
                self.0.close();
                Out::Done
            }
        }
    }

    fn is_open(&self, kind: u8) -> bool {
        match kind % 2 {
            0 => self.0.is_closed() || !self.0.is_full(),
            _ => !self.0.is_empty(),
        }
    }

    fn check_end(&self, model: &Model) {
        let left: Vec<_> = self.0.drain().collect();
        assert_eq!(left, model.items);
    }
}

impl world::Model for Model {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        let puts = kind.is_multiple_of(2);
        let out = match puts {
            true if self.closed => Out::Back(id),
            true => match self.try_put(id) {
                Out::Back(_) => Out::No,
                out => out,
            },
            false => self.try_get(),
        };
        if out == Out::No {
            self.line.push((id, puts, None));
            return Some(None);
        }
        Some(Some(out))
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        self.line[at].2?;
        let out = self.line.remove(at).2;
        self.settle();
        out
    }

    fn cut(&mut self, id: u32) -> Out {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        let (_, puts, served) = self.line.remove(at);
        if let Some(Out::Item(item)) = served {
            self.items.insert(0, item);
        }
        self.settle();
        match puts && served != Some(Out::Done) {
            true => Out::Back(id),
            false => Out::No,
        }
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, id: u32) -> Out {
        match act % 16 {
            0..8 if self.closed => Out::Back(id),
            0..8 => self.try_put(id),
            8..14 => self.try_get(),
            14 => {
                let sum = self.items.drain(..).sum();
                self.settle();
                Out::Item(sum)
            }
            _ if act < 100 => Out::No,
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
        let wait = self.line.iter().find(|wait| wait.0 == id).unwrap();
        u8::from(!wait.1)
    }
}
