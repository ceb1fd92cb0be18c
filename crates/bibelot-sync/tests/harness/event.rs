//! Events: set wakes all, also when cleared at once.

use super::world::{self, Out, Waiting, waiting};
use bibelot_sync::generic::{Event, Shell};
use std::collections::BTreeSet;

pub struct Subject<S: Shell>(Event<S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    set: bool,
    /// Waits, and whether they were released.
    line: Vec<(u32, bool)>,
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn new(_: u8) -> (Self, Model) {
        (Self(Event::new()), Model::default())
    }

    fn begin(&self, _: u8, _: u32) -> Option<Waiting<'_>> {
        waiting(self.0.wait(), |()| (Out::Done, None))
    }

    fn act(&self, act: u8, _: u32) -> Out {
        match act % 2 {
            0 => self.0.set(),
            _ => self.0.clear(),
        }
        Out::Done
    }

    fn is_open(&self, _: u8) -> bool {
        self.0.is_set()
    }

    fn check_end(&self, model: &Model) {
        assert_eq!(self.0.is_set(), model.set);
        assert!(format!("{:?}", self.0).ends_with("waiters: 0 }"));
    }
}

impl world::Model for Model {
    fn begin(&mut self, _: u8, id: u32) -> Option<Option<Out>> {
        if self.set {
            return Some(Some(Out::Done));
        }
        self.line.push((id, false));
        Some(None)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|wait| *wait == (id, true))?;
        self.line.remove(at);
        Some(Out::Done)
    }

    fn cut(&mut self, id: u32) -> Out {
        self.line.retain(|wait| wait.0 != id);
        Out::No
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, _: u32) -> Out {
        self.set = act.is_multiple_of(2);
        if self.set {
            self.line.iter_mut().for_each(|wait| wait.1 = true);
        }
        Out::Done
    }

    fn served(&self) -> BTreeSet<u32> {
        let released = self.line.iter().filter(|wait| wait.1);
        released.map(|wait| wait.0).collect()
    }

    fn kind(&self, _: u32) -> u8 {
        0
    }
}
