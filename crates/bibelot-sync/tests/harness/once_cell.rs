//! Once-cells: one initialiser at a time, and one that fails or is cut passes its turn on.

use super::world::{self, Out, Waiting, waiting};
use bibelot_sync::generic::{OnceCell, Shell};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll};

pub struct Subject<S: Shell>(OnceCell<u32, S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// An initialiser: of odd kinds it is not ready when it is first polled.
struct Making {
    pends: bool,
    end: Result<u32, u32>,
}

fn pends(kind: u8) -> bool {
    kind % 2 == 1
}

fn fails(kind: u8) -> bool {
    kind % 4 >= 2
}

impl Future for Making {
    type Output = Result<u32, u32>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if std::mem::take(&mut self.pends) {
            return Poll::Pending;
        }
        Poll::Ready(self.end)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Asleep,
    HasTurn,
    Making,
    Told,
}

#[derive(Default)]
pub struct Model {
    value: Option<u32>,
    line: Vec<(u32, u8, Stage)>,
}

impl Model {
    fn at(&self, id: u32) -> usize {
        self.line.iter().position(|wait| wait.0 == id).unwrap()
    }

    fn is_being_made(&self) -> bool {
        let has_turn = |wait: &(u32, u8, Stage)| matches!(wait.2, Stage::HasTurn | Stage::Making);
        self.line.iter().any(has_turn)
    }

    fn asleep(&mut self) -> impl Iterator<Item = &mut Stage> {
        let stages = self.line.iter_mut().map(|wait| &mut wait.2);
        stages.filter(|stage| **stage == Stage::Asleep)
    }

    fn settle(&mut self) {
        if self.value.is_some() {
            self.asleep().for_each(|stage| *stage = Stage::Told);
        } else if !self.is_being_made()
            && let Some(stage) = self.asleep().next()
        {
            *stage = Stage::HasTurn;
        }
    }

    fn end(&mut self, at: usize) -> Option<Out> {
        let (id, kind, _) = self.line.remove(at);
        let out = if fails(kind) {
            Out::Back(id)
        } else {
            self.value = Some(id);
            Out::Item(id)
        };
        self.settle();
        Some(out)
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn new(_: u8) -> (Self, Model) {
        (Self(OnceCell::new()), Model::default())
    }

    fn begin(&self, kind: u8, id: u32) -> Option<Waiting<'_>> {
        let end = if fails(kind) { Err(id) } else { Ok(id) };
        let pends = pends(kind);
        let wait = self.0.get_or_try_init(move || Making { pends, end });
        waiting(wait, |end| match end {
            Ok(value) => (Out::Item(*value), None),
            Err(id) => (Out::Back(id), None),
        })
    }

    fn act(&self, act: u8, id: u32) -> Out {
        if act > 30 {
            return self.0.get().map_or(Out::No, |value| Out::Item(*value));
        }
        match self.0.set(id) {
            Ok(()) => Out::Done,
            Err(error) => Out::Back(error.into_value()),
        }
    }

    fn is_open(&self, _: u8) -> bool {
        !format!("{:?}", self.0).contains("being made")
    }

    fn check_end(&self, model: &Model) {
        assert_eq!(self.0.get(), model.value.as_ref());
    }
}

impl world::Model for Model {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        if let Some(value) = self.value {
            return Some(Some(Out::Item(value)));
        }
        let stage = match self.is_being_made() {
            true => Stage::Asleep,
            false => Stage::HasTurn,
        };
        self.line.push((id, kind, stage));
        Some(self.poll(id))
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.at(id);
        match self.line[at].2 {
            Stage::Asleep => None,
            Stage::HasTurn if pends(self.line[at].1) => {
                self.line[at].2 = Stage::Making;
                None
            }
            Stage::HasTurn | Stage::Making => self.end(at),
            Stage::Told => {
                self.line.remove(at);
                self.value.map(Out::Item)
            }
        }
    }

    fn cut(&mut self, id: u32) -> Out {
        self.line.retain(|wait| wait.0 != id);
        self.settle();
        Out::No
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, id: u32) -> Out {
        if act > 30 {
            return self.value.map_or(Out::No, Out::Item);
        }
        if self.value.is_some() || self.is_being_made() {
            return Out::Back(id);
        }
        self.value = Some(id);
        Out::Done
    }

    fn served(&self) -> BTreeSet<u32> {
        let told = |wait: &&(u32, u8, Stage)| matches!(wait.2, Stage::HasTurn | Stage::Told);
        self.line.iter().filter(told).map(|wait| wait.0).collect()
    }

    fn kind(&self, id: u32) -> u8 {
        self.line[self.at(id)].1
    }
}
