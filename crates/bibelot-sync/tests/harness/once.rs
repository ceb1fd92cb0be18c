//! Results: set once, read by all.

use super::world::{self, Out, Waiting, waiting};
use bibelot_sync::AlreadySet;
use bibelot_sync::generic::{OnceResult, Shell};
use std::collections::BTreeSet;

pub struct Subject<S: Shell>(OnceResult<u32, u32, S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Default)]
pub struct Model {
    value: Option<u32>,
    line: Vec<u32>,
}

fn read(result: &Result<u32, u32>) -> Out {
    let (Ok(value) | Err(value)) = *result;
    Out::Item(value)
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn new(_: u8) -> (Self, Model) {
        (Self(OnceResult::new()), Model::default())
    }

    fn begin(&self, _: u8, _: u32) -> Option<Waiting<'_>> {
        waiting(self.0.get(), |result| (read(result), None))
    }

    fn act(&self, act: u8, id: u32) -> Out {
        if !act.is_multiple_of(8) {
            return self.0.try_get().map_or(Out::No, read);
        }
        let result = if act.is_multiple_of(16) {
            Ok(id)
        } else {
            Err(id)
        };
        match self.0.set(result) {
            Ok(()) => Out::Done,
            Err(AlreadySet(Ok(back) | Err(back))) => Out::Back(back),
        }
    }

    fn is_open(&self, _: u8) -> bool {
        self.0.is_set()
    }

    fn check_end(&self, model: &Model) {
        assert_eq!(self.0.try_get().map(read), model.value.map(Out::Item));
    }
}

impl world::Model for Model {
    fn begin(&mut self, _: u8, id: u32) -> Option<Option<Out>> {
        if self.value.is_none() {
            self.line.push(id);
        }
        Some(self.value.map(Out::Item))
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let value = self.value?;
        self.line.retain(|wait| *wait != id);
        Some(Out::Item(value))
    }

    fn cut(&mut self, id: u32) -> Out {
        self.line.retain(|wait| *wait != id);
        Out::No
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, id: u32) -> Out {
        match (act % 8, self.value) {
            (0, None) => {
                self.value = Some(id);
                Out::Done
            }
            (0, Some(_)) => Out::Back(id),
            (_, value) => value.map_or(Out::No, Out::Item),
        }
    }

    fn served(&self) -> BTreeSet<u32> {
        let line = self.line.iter().copied();
        line.filter(|_| self.value.is_some()).collect()
    }

    fn kind(&self, _: u32) -> u8 {
        0
    }
}
