//! Capacity limiters: a token a borrower, a total that changes, no borrower twice.

use super::world::{self, Call, Out, Waiting, guarded, waiting};
use bibelot_sync::generic::{CapacityLimiter, Shell};
use bibelot_sync::{Owner, TryBorrowError};
use std::collections::{BTreeMap, BTreeSet};

pub struct Subject<S: Shell>(CapacityLimiter<S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

fn owner(kind: u8) -> Owner {
    Owner::from(u64::from(kind % 5))
}

#[derive(Clone, Debug)]
pub struct Model {
    total: usize,
    /// Who has a token or was granted one, in whose name.
    having: BTreeMap<u32, u8>,
    line: Vec<(u32, u8, Option<Out>)>,
}

impl Model {
    fn has(&self, kind: u8) -> bool {
        self.having.values().any(|owner| *owner == kind % 5)
    }

    fn settle(&mut self) {
        while self.having.len() < self.total
            && let Some(at) = self.line.iter().position(|wait| wait.2.is_none())
        {
            let (id, kind, _) = self.line[at];
            let refused = self.has(kind);
            if !refused {
                self.having.insert(id, kind % 5);
            }
            self.line[at].2 = Some(if refused { Out::Closed } else { Out::Done });
        }
    }

    fn try_borrow(&self, kind: u8) -> Out {
        match self.has(kind) {
            true => Out::Closed,
            false if self.having.len() < self.total => Out::Done,
            false => Out::No,
        }
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn is_one_step(what: Call) -> bool {
        // A token would be taken and let go.
        !matches!(what, Call::Act(act) if act % 16 <= 9)
    }

    fn new(setting: u8) -> (Self, Model) {
        let total = setting.into();
        let model = Model {
            total,
            having: BTreeMap::new(),
            line: Vec::new(),
        };
        (Self(CapacityLimiter::new(total)), model)
    }

    fn begin(&self, kind: u8, _: u32) -> Option<Waiting<'_>> {
        waiting(self.0.borrow(owner(kind)), |end| match end {
            Ok(token) => guarded(token),
            Err(_) => (Out::Closed, None),
        })
    }

    fn act(&self, act: u8, _: u32) -> Out {
        if act % 16 > 9 {
            self.0.set_total(usize::from(act % 4));
            return Out::Done;
        }
        match self.0.try_borrow(owner(act)) {
            Ok(_) => Out::Done,
            Err(TryBorrowError::AlreadyBorrowed) => Out::Closed,
            Err(_) => Out::No,
        }
    }

    fn is_open(&self, _: u8) -> bool {
        self.0.available() > 0
    }

    fn check_end(&self, model: &Model) {
        assert_eq!((self.0.total(), self.0.borrowed()), (model.total, 0));
        assert!(self.0.borrowers().is_empty());
    }
}

impl world::Model for Model {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        match self.try_borrow(kind) {
            Out::No => {
                self.line.push((id, kind, None));
                Some(None)
            }
            Out::Done => {
                self.having.insert(id, kind % 5);
                Some(Some(Out::Done))
            }
            out => Some(Some(out)),
        }
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        self.line[at].2?;
        self.line.remove(at).2
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
        if act % 16 > 9 {
            self.total = usize::from(act % 4);
            self.settle();
            return Out::Done;
        }
        self.try_borrow(act)
    }

    fn served(&self) -> BTreeSet<u32> {
        let served = self.line.iter().filter(|wait| wait.2.is_some());
        served.map(|wait| wait.0).collect()
    }

    fn kind(&self, id: u32) -> u8 {
        self.line.iter().find(|wait| wait.0 == id).unwrap().1
    }
}
