//! Locks: one holder, the oldest is next.

use super::world::{self, Call, Out, Waiting, guarded, waiting};
use bibelot_sync::generic::{Lock, Shell};
use std::collections::BTreeSet;

pub struct Subject<S: Shell>(Lock<u32, S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    locked: bool,
    line: Vec<(u32, bool)>,
}

impl Model {
    fn settle(&mut self) {
        let sleeper = self.line.iter_mut().find(|wait| !wait.1);
        if let (false, Some(wait)) = (self.locked, sleeper) {
            wait.1 = true;
            self.locked = true;
        }
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn is_one_step(what: Call) -> bool {
        // It would be taken and let go.
        !matches!(what, Call::Act(_))
    }

    fn new(_: u8) -> (Self, Model) {
        (Self(Lock::new(7)), Model::default())
    }

    fn begin(&self, _: u8, _: u32) -> Option<Waiting<'_>> {
        waiting(self.0.lock(), |guard| {
            assert_eq!(*guard, 7);
            guarded(guard)
        })
    }

    fn act(&self, _: u8, _: u32) -> Out {
        self.0.try_lock().map_or(Out::No, |_| Out::Done)
    }

    fn is_open(&self, _: u8) -> bool {
        !self.0.is_locked()
    }

    fn check_end(&self, _: &Model) {
        let expected = "Lock { locked: false, waiters: 0 }";
        assert_eq!(format!("{:?}", self.0), expected);
    }
}

impl world::Model for Model {
    fn begin(&mut self, _: u8, id: u32) -> Option<Option<Out>> {
        if !self.locked {
            self.locked = true;
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
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        if self.line.remove(at).1 {
            self.locked = false;
        }
        self.settle();
        Out::No
    }

    fn let_go(&mut self, _: u32) {
        self.locked = false;
        self.settle();
    }

    fn act(&mut self, _: u8, _: u32) -> Out {
        if self.locked { Out::No } else { Out::Done }
    }

    fn served(&self) -> BTreeSet<u32> {
        let granted = self.line.iter().filter(|wait| wait.1);
        granted.map(|wait| wait.0).collect()
    }

    fn kind(&self, _: u32) -> u8 {
        0
    }
}
