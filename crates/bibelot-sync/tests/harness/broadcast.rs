//! Broadcasts: every item to all in order, and who is too slow hears exactly how many it has missed.

use super::world::{self, Call, Out, Waiting, waiting};
use bibelot_sync::generic::{BroadcastReceiver, BroadcastSender, Shell, broadcast};
use bibelot_sync::{BroadcastError, TryBroadcastError};
use std::collections::BTreeSet;

/// With a receiver that never receives, so that items are kept until they have to make way.
pub struct Subject<S: Shell>(BroadcastSender<u32, S>, BroadcastReceiver<u32, S>);

impl<S: Shell> Clone for Subject<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), self.1.clone())
    }
}

/// How many items a wait is for; of even kinds from the very first on, else from now on.
fn wants(kind: u8) -> u32 {
    u32::from(kind % 6 / 2) + 1
}

fn is_late(kind: u8) -> bool {
    kind.is_multiple_of(2)
}

fn digested(digest: u32, item: u32) -> u32 {
    digest.wrapping_mul(31).wrapping_add(item)
}

#[derive(Clone, Copy, Debug)]
struct Going {
    id: u32,
    kind: u8,
    at: usize,
    got: u32,
    digest: u32,
}

#[derive(Clone, Debug)]
pub struct Model {
    sent: Vec<u32>,
    capacity: usize,
    line: Vec<Going>,
}

impl Model {
    fn first(&self) -> usize {
        self.sent.len().saturating_sub(self.capacity)
    }

    fn go_on(&self, going: &mut Going) -> Option<Out> {
        while going.got < wants(going.kind) {
            if going.at < self.first() {
                let missed = self.first() - going.at;
                return Some(Out::Back(u32::try_from(missed).unwrap()));
            }
            going.digest = digested(going.digest, *self.sent.get(going.at)?);
            going.at += 1;
            going.got += 1;
        }
        Some(Out::Item(going.digest))
    }
}

impl<S: Shell> world::Subject for Subject<S> {
    type Model = Model;

    fn is_one_step(what: Call) -> bool {
        // A newcomer comes and then receives, and one that wants many receives several times.
        !matches!(what, Call::Begin(kind) if !is_late(kind) || wants(kind) > 1)
    }

    fn new(setting: u8) -> (Self, Model) {
        let capacity = usize::from(setting) + 1;
        let (sender, receiver) = broadcast(capacity);
        let model = Model {
            sent: Vec::new(),
            capacity,
            line: Vec::new(),
        };
        (Self(sender, receiver), model)
    }

    fn begin(&self, kind: u8, _: u32) -> Option<Waiting<'_>> {
        let mut receiver = match is_late(kind) {
            true => self.1.clone(),
            false => self.0.subscribe(),
        };
        let body = async move {
            let mut digest = 0;
            for _ in 0..wants(kind) {
                digest = digested(digest, receiver.recv().await?);
            }
            Ok(digest)
        };
        waiting(Box::pin(body), |end| match end {
            Ok(digest) => (Out::Item(digest), None),
            Err(BroadcastError::Lagged(missed)) => {
                (Out::Back(u32::try_from(missed).unwrap()), None)
            }
            Err(_) => (Out::Closed, None),
        })
    }

    fn act(&self, act: u8, id: u32) -> Out {
        if !act.is_multiple_of(4) {
            // The items go to the waits and to the one that never receives.
            assert!(self.0.send(id).unwrap() > 0);
            return Out::Done;
        }
        match self.1.clone().try_recv() {
            Ok(item) => Out::Item(item),
            Err(TryBroadcastError::Lagged(missed)) => Out::Back(u32::try_from(missed).unwrap()),
            Err(_) => Out::No,
        }
    }

    fn is_open(&self, _: u8) -> bool {
        false
    }

    fn check_end(&self, model: &Model) {
        assert_eq!(self.0.receiver_count(), 1);
        assert_eq!(self.0.len(), model.sent.len() - model.first());
        let (mut receiver, mut at) = (self.1.clone(), 0);
        loop {
            match receiver.try_recv() {
                Ok(item) => {
                    assert_eq!(item, model.sent[at]);
                    at += 1;
                }
                Err(TryBroadcastError::Lagged(missed)) => at += usize::try_from(missed).unwrap(),
                Err(_) => break,
            }
        }
        assert_eq!(at, model.sent.len());
    }
}

impl world::Model for Model {
    fn begin(&mut self, kind: u8, id: u32) -> Option<Option<Out>> {
        let mut going = Going {
            id,
            kind,
            at: if is_late(kind) { 0 } else { self.sent.len() },
            got: 0,
            digest: 0,
        };
        let out = self.go_on(&mut going);
        if out.is_none() {
            self.line.push(going);
        }
        Some(out)
    }

    fn poll(&mut self, id: u32) -> Option<Out> {
        let at = self.line.iter().position(|going| going.id == id).unwrap();
        let mut going = self.line[at];
        let out = self.go_on(&mut going);
        self.line[at] = going;
        if out.is_some() {
            self.line.remove(at);
        }
        out
    }

    fn cut(&mut self, id: u32) -> Out {
        self.line.retain(|going| going.id != id);
        Out::No
    }

    fn let_go(&mut self, _: u32) {}

    fn act(&mut self, act: u8, id: u32) -> Out {
        if !act.is_multiple_of(4) {
            self.sent.push(id);
            return Out::Done;
        }
        match (self.first(), self.sent.first()) {
            (0, None) => Out::No,
            (0, Some(item)) => Out::Item(*item),
            (missed, _) => Out::Back(u32::try_from(missed).unwrap()),
        }
    }

    fn served(&self) -> BTreeSet<u32> {
        let behind = self.line.iter().filter(|going| going.at < self.sent.len());
        behind.map(|going| going.id).collect()
    }

    fn kind(&self, id: u32) -> u8 {
        self.line.iter().find(|going| going.id == id).unwrap().kind
    }
}
