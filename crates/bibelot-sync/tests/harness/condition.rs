//! Conditions with their lock: a notification for one is never lost in a wait that is cut.

use super::world::{self, Out, Waiting, guarded, waiting};
use bibelot_sync::generic::{Condition, Lock, Shell};
use std::collections::BTreeSet;

pub struct Subject<S: Shell>(Lock<u32, S>, Condition<S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), self.1.clone())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Told {
    Nothing,
    One,
    All,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Waits to be told.
    Condition,
    /// Waits for the lock, in the order in which it came here.
    Lock { granted: bool },
}

struct Entry {
    id: u32,
    told: Told,
    place: Place,
}

#[derive(Default)]
pub struct Model {
    locked: bool,
    line: Vec<Entry>,
}

impl Model {
    fn settle(&mut self) {
        let asleep = Place::Lock { granted: false };
        let sleeper = self.line.iter_mut().find(|wait| wait.place == asleep);
        if let (false, Some(wait)) = (self.locked, sleeper) {
            wait.place = Place::Lock { granted: true };
            self.locked = true;
        }
    }

    fn notify(&mut self, count: usize, told: Told) {
        let asleep =
            |wait: &&mut Entry| wait.place == Place::Condition && wait.told == Told::Nothing;
        let sleepers = self.line.iter_mut().filter(asleep);
        sleepers.take(count).for_each(|wait| wait.told = told);
    }

    fn take(&mut self, id: u32) -> Entry {
        let at = self.line.iter().position(|wait| wait.id == id).unwrap();
        self.line.remove(at)
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    const CUT_IS_ONE_STEP: bool = false;

    fn new(_: u8) -> (Self, Model) {
        (Self(Lock::new(7), Condition::new()), Model::default())
    }

    fn begin(&self, kind: u8, _: u32) -> Option<Waiting<'_>> {
        if kind.is_multiple_of(2) {
            return waiting(self.0.lock(), guarded);
        }
        let guard = self.0.try_lock()?;
        waiting(self.1.wait(guard), guarded)
    }

    fn act(&self, act: u8, _: u32) -> Out {
        match act % 6 {
            0..3 => self.1.notify(1),
            3 => self.1.notify(2),
            4 => self.1.notify_all(),
            _ => return self.0.try_lock().map_or(Out::No, |_| Out::Done),
        }
        Out::Done
    }

    fn is_open(&self, kind: u8) -> bool {
        kind == 0 && !self.0.is_locked()
    }

    fn check_end(&self, _: &Model) {
        let lock = "Lock { locked: false, waiters: 0 }";
        assert_eq!(format!("{:?}", self.0), lock);
        assert_eq!(format!("{:?}", self.1), "Condition { waiters: 0 }");
    }
}

impl world::Model for Model {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        let told = Told::Nothing;
        let place = match (kind % 2, self.locked) {
            (0, false) => {
                self.locked = true;
                return Some(Some(Out::Done));
            }
            (0, true) => Place::Lock { granted: false },
            (_, true) => return None,
            (_, false) => Place::Condition,
        };
        self.line.push(Entry { id, told, place });
        Some(None)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let entry = self.line.iter().find(|wait| wait.id == id).unwrap();
        match (entry.place, entry.told) {
            (Place::Condition, Told::Nothing) | (Place::Lock { granted: false }, _) => None,
            (Place::Lock { granted: true }, _) => {
                self.take(id);
                Some(Out::Done)
            }
            (Place::Condition, told) => {
                self.take(id);
                if !self.locked {
                    self.locked = true;
                    return Some(Out::Done);
                }
                let place = Place::Lock { granted: false };
                self.line.push(Entry { id, told, place });
                None
            }
        }
    }

    fn cut(&mut self, id: u32) -> Out {
        let entry = self.take(id);
        if entry.told == Told::One {
            self.notify(1, Told::One);
        }
        if entry.place == (Place::Lock { granted: true }) {
            self.locked = false;
            self.settle();
        }
        Out::No
    }

    fn let_go(&mut self, _: u32) {
        self.locked = false;
        self.settle();
    }

    fn act(&mut self, act: u8, _: u32) -> Out {
        match act % 6 {
            0..3 => self.notify(1, Told::One),
            3 => self.notify(2, Told::One),
            4 => self.notify(usize::MAX, Told::All),
            _ if self.locked => return Out::No,
            _ => {}
        }
        Out::Done
    }

    fn served(&self) -> BTreeSet<u32> {
        let served = self.line.iter().filter(|wait| match wait.place {
            Place::Condition => wait.told != Told::Nothing,
            Place::Lock { granted } => granted,
        });
        served.map(|wait| wait.id).collect()
    }

    fn kind(&self, id: u32) -> u8 {
        let entry = self.line.iter().find(|wait| wait.id == id).unwrap();
        u8::from(entry.place == Place::Condition)
    }
}
