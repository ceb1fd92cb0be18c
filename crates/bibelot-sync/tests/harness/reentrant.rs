//! Reentrant locks: one owner, as often as it likes; all its waits come in with it.

use super::world::{self, Call, Out, Waiting, guarded, waiting};
use bibelot_sync::Owner;
use bibelot_sync::generic::{ReentrantLock, Shell};
use std::collections::{BTreeMap, BTreeSet};

pub struct Subject<S: Shell>(ReentrantLock<u32, S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

fn owner(kind: u8) -> Owner {
    Owner::from(u64::from(kind % 3))
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Who has it or was granted it, by whose name.
    having: BTreeMap<u32, u8>,
    line: Vec<(u32, u8, bool)>,
}

impl Model {
    fn is_open(&self, kind: u8) -> bool {
        self.having.values().all(|owner| *owner == kind % 3)
    }

    fn settle(&mut self) {
        for at in 0..self.line.len() {
            let (id, kind, served) = self.line[at];
            if !served && self.is_open(kind) {
                self.line[at].2 = true;
                self.having.insert(id, kind % 3);
            }
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
        (Self(ReentrantLock::new(7)), Model::default())
    }

    fn begin(&self, kind: u8, _: u32) -> Option<Waiting<'_>> {
        waiting(self.0.lock(owner(kind)), |guard| {
            assert_eq!(*guard, 7);
            guarded(guard)
        })
    }

    fn act(&self, act: u8, _: u32) -> Out {
        self.0.try_lock(owner(act)).map_or(Out::No, |_| Out::Done)
    }

    fn is_open(&self, kind: u8) -> bool {
        self.0.owner().is_none_or(|holder| holder == owner(kind))
    }

    fn check_end(&self, _: &Model) {
        assert_eq!((self.0.depth(), self.0.owner()), (0, None));
    }
}

impl world::Model for Model {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        if self.is_open(kind) {
            self.having.insert(id, kind % 3);
            return Some(Some(Out::Done));
        }
        self.line.push((id, kind, false));
        Some(None)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|wait| wait.0 == id && wait.2)?;
        self.line.remove(at);
        Some(Out::Done)
    }

    fn cut(&mut self, id: u32) -> Out {
        self.line.retain(|wait| wait.0 != id);
        self.let_go(id);
        Out::No
    }

    fn let_go(&mut self, id: u32) {
        self.having.remove(&id);
        self.settle();
    }

    fn act(&mut self, act: u8, _: u32) -> Out {
        if self.is_open(act) {
            Out::Done
        } else {
            Out::No
        }
    }

    fn served(&self) -> BTreeSet<u32> {
        let granted = self.line.iter().filter(|wait| wait.2);
        granted.map(|wait| wait.0).collect()
    }

    fn kind(&self, id: u32) -> u8 {
        self.line.iter().find(|wait| wait.0 == id).unwrap().1
    }
}
