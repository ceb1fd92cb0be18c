//! Lines: a call is heard by those that are in line, and one that was for one is not lost with it.

use super::world::{self, Out, Waiting, waiting};
use bibelot_sync::generic::{Shell, WaitLine};
use std::collections::BTreeSet;

pub struct Subject<S: Shell>(WaitLine<S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Heard {
    Nothing,
    Turn,
    All,
}

#[derive(Default)]
pub struct Model {
    line: Vec<(u32, Heard)>,
}

impl Model {
    fn call(&mut self, count: usize, heard: Heard) -> u32 {
        let asleep = |wait: &&mut (u32, Heard)| wait.1 == Heard::Nothing;
        let first = self.line.iter_mut().filter(asleep).take(count);
        first.map(|wait| wait.1 = heard).count() as u32
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn new(_: u8) -> (Self, Model) {
        (Self(WaitLine::new()), Model::default())
    }

    fn begin(&self, _: u8, _: u32) -> Option<Waiting<'_>> {
        waiting(self.0.wait(), |()| (Out::Done, None))
    }

    fn act(&self, act: u8, _: u32) -> Out {
        let called = match act % 4 {
            3 => self.0.wake_all(),
            count => self.0.wake(count.into()),
        };
        Out::Item(called as u32)
    }

    fn is_open(&self, _: u8) -> bool {
        false
    }

    fn check_end(&self, _: &Model) {
        assert!(self.0.is_empty());
        assert_eq!(format!("{:?}", self.0), "WaitLine { waiters: 0 }");
    }
}

impl world::Model for Model {
    fn begin(&mut self, _: u8, id: u32) -> Option<Option<Out>> {
        self.line.push((id, Heard::Nothing));
        Some(None)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let heard = |wait: &(u32, Heard)| wait.0 == id && wait.1 != Heard::Nothing;
        let at = self.line.iter().position(heard)?;
        self.line.remove(at);
        Some(Out::Done)
    }

    fn cut(&mut self, id: u32) -> Out {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        if self.line.remove(at).1 == Heard::Turn {
            self.call(1, Heard::Turn);
        }
        Out::No
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, _: u32) -> Out {
        Out::Item(match act % 4 {
            3 => self.call(usize::MAX, Heard::All),
            count => self.call(count.into(), Heard::Turn),
        })
    }

    fn served(&self) -> BTreeSet<u32> {
        let heard = self.line.iter().filter(|wait| wait.1 != Heard::Nothing);
        heard.map(|wait| wait.0).collect()
    }

    fn kind(&self, _: u32) -> u8 {
        0
    }
}
