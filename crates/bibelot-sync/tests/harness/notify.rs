//! Notifications: one releases one, kept if there is none; all releases all.

use super::world::{self, Out, Waiting, waiting};
use bibelot_sync::generic::{Notify, Shell};
use std::collections::BTreeSet;

pub struct Subject<S: Shell>(Notify<S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Told {
    Nothing,
    One,
    All,
}

#[derive(Default)]
pub struct Model {
    stored: bool,
    line: Vec<(u32, Told)>,
}

impl Model {
    fn notify_one(&mut self) {
        let sleeper = self.line.iter_mut().find(|wait| wait.1 == Told::Nothing);
        match sleeper {
            Some(wait) => wait.1 = Told::One,
            None => self.stored = true,
        }
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn new(_: u8) -> (Self, Model) {
        (Self(Notify::new()), Model::default())
    }

    fn begin(&self, _: u8, _: u32) -> Option<Waiting<'_>> {
        waiting(self.0.notified(), |()| (Out::Done, None))
    }

    fn act(&self, act: u8, _: u32) -> Out {
        match act % 4 {
            0 => self.0.notify_all(),
            _ => self.0.notify_one(),
        }
        Out::Done
    }

    fn is_open(&self, _: u8) -> bool {
        format!("{:?}", self.0).contains("stored: true")
    }

    fn check_end(&self, model: &Model) {
        let stored = model.stored;
        let expected = format!("Notify {{ stored: {stored}, waiters: 0 }}");
        assert_eq!(format!("{:?}", self.0), expected);
    }
}

impl world::Model for Model {
    fn begin(&mut self, _: u8, id: u32) -> Option<Option<Out>> {
        if std::mem::take(&mut self.stored) {
            return Some(Some(Out::Done));
        }
        self.line.push((id, Told::Nothing));
        Some(None)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let told = |wait: &(u32, Told)| wait.0 == id && wait.1 != Told::Nothing;
        let at = self.line.iter().position(told)?;
        self.line.remove(at);
        Some(Out::Done)
    }

    fn cut(&mut self, id: u32) -> Out {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        if self.line.remove(at).1 == Told::One {
            self.notify_one();
        }
        Out::No
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, _: u32) -> Out {
        if !act.is_multiple_of(4) {
            self.notify_one();
            return Out::Done;
        }
        for wait in &mut self.line {
            if wait.1 == Told::Nothing {
                wait.1 = Told::All;
            }
        }
        Out::Done
    }

    fn served(&self) -> BTreeSet<u32> {
        let told = self.line.iter().filter(|wait| wait.1 != Told::Nothing);
        told.map(|wait| wait.0).collect()
    }

    fn kind(&self, _: u32) -> u8 {
        0
    }
}
