//! Watches: a change is seen by all, once, and the latest of several counts.

use super::world::{self, Out, Waiting, waiting};
use bibelot_sync::generic::{Shell, WatchReceiver, WatchSender, watch};
use std::collections::BTreeSet;

/// With a receiver that has seen the first value only.
pub struct Subject<S: Shell>(WatchSender<u32, S>, WatchReceiver<u32, S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), self.1.clone())
    }
}

/// Which value a wait is for: the next, the next since the first, a certain one.
fn kind_of(kind: u8) -> u8 {
    kind % 3
}

fn is_wanted(kind: u8, value: u32) -> bool {
    value % 5 == u32::from(kind % 5)
}

pub struct Model {
    value: u32,
    version: u32,
    /// Waits: their kind, and the version that they have seen.
    line: Vec<(u32, u8, u32)>,
}

impl Model {
    fn look(&self, kind: u8, seen: &mut u32) -> Option<Out> {
        if *seen == self.version {
            return None;
        }
        *seen = self.version;
        (kind_of(kind) < 2 || is_wanted(kind, self.value)).then_some(Out::Item(self.value))
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn new(_: u8) -> (Self, Model) {
        let (sender, receiver) = watch(0);
        let model = Model {
            value: 0,
            version: 1,
            line: Vec::new(),
        };
        (Self(sender, receiver), model)
    }

    fn begin(&self, kind: u8, _: u32) -> Option<Waiting<'_>> {
        let mut receiver = match kind_of(kind) {
            1 => self.1.clone(),
            _ => self.0.subscribe(),
        };
        let body = async move {
            if kind_of(kind) < 2 {
                receiver.changed().await.unwrap();
                return *receiver.latest();
            }
            let wait = receiver.wait_for(|value| is_wanted(kind, *value));
            *wait.await.unwrap()
        };
        waiting(Box::pin(body), |value| (Out::Item(value), None))
    }

    fn act(&self, act: u8, id: u32) -> Out {
        match act % 4 {
            0 | 1 => self.0.send(id),
            2 => self.0.update(|value| *value += id),
            _ => return Out::Item(*self.1.latest()),
        }
        Out::Done
    }

    fn is_open(&self, _: u8) -> bool {
        false
    }

    fn check_end(&self, model: &Model) {
        assert_eq!(*self.0.latest(), model.value);
        assert_eq!(self.1.has_changed(), Ok(model.version > 1));
        assert_eq!(self.0.receiver_count(), 1);
    }
}

impl world::Model for Model {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        let mut seen = match kind_of(kind) {
            0 => self.version,
            1 => 1,
            _ => 0,
        };
        let out = self.look(kind, &mut seen);
        if out.is_none() {
            self.line.push((id, kind, seen));
        }
        Some(out)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        let (_, kind, mut seen) = self.line[at];
        let out = self.look(kind, &mut seen);
        self.line[at].2 = seen;
        if out.is_some() {
            self.line.remove(at);
        }
        out
    }

    fn cut(&mut self, id: u32) -> Out {
        self.line.retain(|wait| wait.0 != id);
        Out::No
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, id: u32) -> Out {
        match act % 4 {
            0 | 1 => self.value = id,
            2 => self.value += id,
            _ => return Out::Item(self.value),
        }
        self.version += 1;
        Out::Done
    }

    fn served(&self) -> BTreeSet<u32> {
        let served = self.line.iter().filter(|wait| wait.2 != self.version);
        served.map(|wait| wait.0).collect()
    }

    fn kind(&self, id: u32) -> u8 {
        self.line.iter().find(|wait| wait.0 == id).unwrap().1
    }
}
