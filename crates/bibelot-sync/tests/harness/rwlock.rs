//! Read-write locks: many readers or one writer, in one line, so that neither kind starves.

use super::world::{self, Call, Out, Waiting, guarded, waiting};
use bibelot_sync::generic::{RwLock, Shell};
use std::collections::{BTreeMap, BTreeSet};

pub struct Subject<S: Shell>(RwLock<u32, S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

fn writes(kind: u8) -> bool {
    kind.is_multiple_of(3)
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Who has it, or was granted it; whether to write.
    having: BTreeMap<u32, bool>,
    /// Waits: whether to write, and whether they were served.
    line: Vec<(u32, bool, bool)>,
}

impl Model {
    fn fits(&self, write: bool) -> bool {
        match write {
            true => self.having.is_empty(),
            false => !self.having.values().any(|write| *write),
        }
    }

    fn settle(&mut self) {
        while let Some(at) = self.line.iter().position(|wait| !wait.2) {
            let (id, write, _) = self.line[at];
            if !self.fits(write) {
                return;
            }
            self.having.insert(id, write);
            self.line[at].2 = true;
        }
    }

    fn try_take(&mut self, id: u32, write: bool) -> bool {
        let can = self.fits(write) && self.line.iter().all(|wait| wait.2);
        if can {
            self.having.insert(id, write);
        }
        can
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn is_one_step(what: Call) -> bool {
        // It would be taken and let go.
        !matches!(what, Call::Act(_))
    }

    fn new(_: u8) -> (Self, Model) {
        (Self(RwLock::new(0)), Model::default())
    }

    fn begin(&self, kind: u8, _: u32) -> Option<Waiting<'_>> {
        match writes(kind) {
            true => waiting(self.0.write(), |mut guard| {
                *guard += 1;
                guarded(guard)
            }),
            false => waiting(self.0.read(), guarded),
        }
    }

    fn act(&self, act: u8, _: u32) -> Out {
        let done = match act % 8 {
            0..3 => self.0.try_read().is_some(),
            3..6 => self.0.try_write().is_some(),
            // Nothing else is let in between, since both hold it all the time.
            6 => self.0.try_write().is_some_and(|guard| {
                let guard = guard.downgrade();
                assert!(self.0.try_write().is_none());
                guard.try_upgrade().is_ok()
            }),
            _ => match self.0.try_read() {
                Some(guard) => guard.try_upgrade().is_ok(),
                None => false,
            },
        };
        if done { Out::Done } else { Out::No }
    }

    fn is_open(&self, kind: u8) -> bool {
        match writes(kind) {
            true => self.0.try_write().is_some(),
            false => self.0.try_read().is_some(),
        }
    }

    fn check_end(&self, _: &Model) {
        let expected = "RwLock { readers: 0, writing: false, waiters: 0 }";
        assert_eq!(format!("{:?}", self.0), expected);
    }
}

impl world::Model for Model {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        let write = writes(kind);
        if self.try_take(id, write) {
            return Some(Some(Out::Done));
        }
        self.line.push((id, write, false));
        Some(None)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|wait| wait.0 == id && wait.2)?;
        self.line.remove(at);
        Some(Out::Done)
    }

    fn cut(&mut self, id: u32) -> Out {
        self.line.retain(|wait| wait.0 != id);
        self.having.remove(&id);
        self.settle();
        Out::No
    }

    fn let_go(&mut self, id: u32) {
        self.having.remove(&id);
        self.settle();
    }

    fn act(&mut self, act: u8, _: u32) -> Out {
        let writes = (3..7).contains(&(act % 8)) || act % 8 == 7 && !self.having.is_empty();
        let can = self.fits(writes) && self.line.iter().all(|wait| wait.2);
        if can { Out::Done } else { Out::No }
    }

    fn served(&self) -> BTreeSet<u32> {
        let granted = self.line.iter().filter(|wait| wait.2);
        granted.map(|wait| wait.0).collect()
    }

    fn kind(&self, id: u32) -> u8 {
        let wait = self.line.iter().find(|wait| wait.0 == id).unwrap();
        if wait.1 { 0 } else { 1 }
    }
}
