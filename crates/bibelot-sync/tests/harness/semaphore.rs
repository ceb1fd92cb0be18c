//! Semaphores: permits for many at once, in order; none made, none lost.

use super::world::{self, Call, Out, Waiting, guarded, waiting};
use bibelot_sync::TryAcquireError;
use bibelot_sync::generic::{Semaphore, Shell};
use std::collections::{BTreeMap, BTreeSet};

pub struct Subject<S: Shell>(Semaphore<S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Clone, Debug)]
pub struct Model {
    free: usize,
    forgotten: usize,
    bound: usize,
    closed: bool,
    /// Waits: what they want, and whether they were served.
    line: Vec<(u32, u8, Option<Out>)>,
    held: BTreeMap<u32, usize>,
}

fn wants(kind: u8) -> usize {
    usize::from(kind % 4)
}

impl Model {
    fn settle(&mut self) {
        for (_, kind, served) in &mut self.line {
            if served.is_some() {
                continue;
            }
            if self.closed {
                *served = Some(Out::Closed);
            } else if wants(*kind) <= self.free {
                self.free -= wants(*kind);
                *served = Some(Out::Done);
            } else {
                return;
            }
        }
    }

    fn try_acquire(&mut self, count: usize) -> Out {
        if self.closed {
            return Out::Closed;
        }
        if self.line.iter().any(|wait| wait.2.is_none()) || count > self.free {
            return Out::No;
        }
        self.free -= count;
        Out::Done
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn is_one_step(what: Call) -> bool {
        // Permits would be taken and let go.
        !matches!(what, Call::Act(act) if act % 16 < 8)
    }

    fn new(setting: u8) -> (Self, Model) {
        let permits = usize::from(setting);
        let model = Model {
            free: permits,
            forgotten: 0,
            bound: permits,
            closed: false,
            line: Vec::new(),
            held: BTreeMap::new(),
        };
        (Self(Semaphore::new(permits)), model)
    }

    fn begin(&self, kind: u8, _: u32) -> Option<Waiting<'_>> {
        let wait = self.0.acquire_many(wants(kind));
        waiting(wait, |permit| match permit {
            Ok(permit) => guarded(permit),
            Err(_) => (Out::Closed, None),
        })
    }

    fn act(&self, act: u8, _: u32) -> Out {
        match act % 16 {
            0..8 => match self.0.try_acquire_many(wants(act)) {
                Ok(permit) if act % 16 == 1 => {
                    permit.forget();
                    Out::Done
                }
                Ok(_) => Out::Done,
                Err(TryAcquireError::Closed) => Out::Closed,
                Err(_) => Out::No,
            },
            8..12 => self.0.release(1).map_or(Out::No, |()| Out::Done),
            12..15 => self.0.add_permits(1).map_or(Out::No, |()| Out::Done),
            _ => {
                self.0.close();
                Out::Done
            }
        }
    }

    fn is_open(&self, kind: u8) -> bool {
        self.0.is_closed() || self.0.try_acquire_many(wants(kind)).is_ok()
    }

    fn check_end(&self, model: &Model) {
        let (free, forgotten) = (self.0.available_permits(), self.0.forgotten());
        assert_eq!((free, forgotten), (model.free, model.forgotten));
        assert_eq!(self.0.bound(), model.bound);
        assert_eq!(free + forgotten, model.bound);
    }
}

impl world::Model for Model {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        match self.try_acquire(wants(kind)) {
            Out::No => {
                self.line.push((id, kind, None));
                Some(None)
            }
            out => {
                if out == Out::Done {
                    self.held.insert(id, wants(kind));
                }
                Some(Some(out))
            }
        }
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        let out = self.line[at].2?;
        let (_, kind, _) = self.line.remove(at);
        if out == Out::Done {
            self.held.insert(id, wants(kind));
        }
        Some(out)
    }

    fn cut(&mut self, id: u32) -> Out {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        let (_, kind, served) = self.line.remove(at);
        if served == Some(Out::Done) {
            self.free += wants(kind);
        }
        self.settle();
        Out::No
    }

    fn let_go(&mut self, id: u32) {
        self.free += self.held.remove(&id).unwrap();
        self.settle();
    }

    fn act(&mut self, act: u8, _: u32) -> Out {
        match act % 16 {
            0..8 => {
                let count = wants(act);
                let out = self.try_acquire(count);
                if out == Out::Done && act % 16 == 1 {
                    self.forgotten += count;
                } else if out == Out::Done {
                    self.free += count;
                }
                out
            }
            8..12 if self.forgotten == 0 => Out::No,
            8..12 => {
                self.forgotten -= 1;
                self.free += 1;
                self.settle();
                Out::Done
            }
            12..15 => {
                self.bound += 1;
                self.free += 1;
                self.settle();
                Out::Done
            }
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
        self.line.iter().find(|wait| wait.0 == id).unwrap().1
    }
}
