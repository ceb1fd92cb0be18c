//! Barriers: rounds of a fixed size, in which one is the last; who leaves does not count.

use super::world::{self, Out, Waiting, waiting};
use bibelot_sync::generic::{Barrier, Shell};
use std::collections::BTreeSet;

pub struct Subject<S: Shell>(Barrier<S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Clone, Debug)]
pub struct Model {
    size: usize,
    round: u32,
    closed: bool,
    line: Vec<(u32, Option<Out>)>,
}

impl Model {
    fn arrived(&self) -> usize {
        self.line.iter().filter(|wait| wait.1.is_none()).count()
    }

    fn release(&mut self, out: Out) {
        let asleep = self.line.iter_mut().filter(|wait| wait.1.is_none());
        asleep.for_each(|wait| wait.1 = Some(out));
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn new(setting: u8) -> (Self, Model) {
        let size = usize::from(setting) + 1;
        let model = Model {
            size,
            round: 0,
            closed: false,
            line: Vec::new(),
        };
        (Self(Barrier::new(size)), model)
    }

    fn begin(&self, _: u8, _: u32) -> Option<Waiting<'_>> {
        waiting(self.0.wait(), |end| match end {
            Ok(passed) => {
                let round = u32::try_from(passed.round).unwrap();
                (Out::Item(2 * round + u32::from(passed.is_last)), None)
            }
            Err(_) => (Out::Closed, None),
        })
    }

    fn act(&self, act: u8, _: u32) -> Out {
        if act < 250 {
            return Out::Item(u32::try_from(self.0.arrived()).unwrap());
        }
        self.0.close();
        Out::Done
    }

    fn is_open(&self, _: u8) -> bool {
        // A sleeper waits for a newcomer, who completes the round.
        self.0.is_closed() || self.0.arrived() >= self.0.size()
    }

    fn check_end(&self, _: &Model) {
        assert_eq!(self.0.arrived(), 0);
    }
}

impl world::Model for Model {
    fn begin(&mut self, _: u8, id: u32) -> Option<Option<Out>> {
        if self.closed {
            return Some(Some(Out::Closed));
        }
        if self.arrived() + 1 == self.size {
            self.release(Out::Item(2 * self.round));
            self.round += 1;
            return Some(Some(Out::Item(2 * self.round - 1)));
        }
        self.line.push((id, None));
        Some(None)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|wait| wait.0 == id).unwrap();
        self.line[at].1?;
        self.line.remove(at).1
    }

    fn cut(&mut self, id: u32) -> Out {
        self.line.retain(|wait| wait.0 != id);
        Out::No
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, _: u32) -> Out {
        if act < 250 {
            return Out::Item(u32::try_from(self.arrived()).unwrap());
        }
        self.closed = true;
        self.release(Out::Closed);
        Out::Done
    }

    fn served(&self) -> BTreeSet<u32> {
        let served = self.line.iter().filter(|wait| wait.1.is_some());
        served.map(|wait| wait.0).collect()
    }

    fn kind(&self, _: u32) -> u8 {
        0
    }
}
