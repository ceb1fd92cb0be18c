//! The queue: operations that wait, in order, for one direction of one descriptor.
//!
//! All waiting operations of a reactor lie in one slab, linked into the lines they wait in, so that a
//! line costs nothing while it is empty and leaving from its middle costs the same however long it is.
//! A map leads from a token to its place, for cancelling.
//!
//! # Invariants
//!
//! - An operation is in exactly one line, between the two neighbours it names.
//! - `places` holds each waiting token with its place in the slab, and nothing else.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use bibelot_reactor::{Op, Token};
use slab::Slab;

/// No place.
const NONE: u32 = u32::MAX;

/// The two ends of a line of waiting operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    front: u32,
    back: u32,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            front: NONE,
            back: NONE,
        }
    }
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.front == NONE
    }

    /// The place of the operation that has waited longest.
    pub(crate) fn front(&self) -> Option<u32> {
        (self.front != NONE).then_some(self.front)
    }
}

/// Which line an operation waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Where {
    /// The descriptor's number.
    pub(crate) number: usize,
    pub(crate) kind: LineKind,
}

/// The lines of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// What takes from it.
    Readers,
    /// What gives to it.
    Writers,
    /// What only wants to know that it can be read.
    ReadWatchers,
    /// What only wants to know that it can be written.
    WriteWatchers,
}

#[derive(Debug)]
struct Waiting {
    token: Token,
    /// `None` while it is being tried.
    op: Option<Op>,
    place: Where,
    before: u32,
    behind: u32,
}

/// Every operation that waits for a descriptor.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Slab<Waiting>,
    places: HashMap<Token, u32, BuildHasherDefault<TokenHasher>>,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Where `token` waits.
    pub(crate) fn find(&self, token: Token) -> Option<(u32, Where)> {
        let place = *self.places.get(&token)?;
        Some((place, self.waiting[place as usize].place))
    }

    /// Adds an operation at the back of `line`, which is the one that `place` names.
    ///
    /// # Panics
    ///
    /// If the token waits already.
    pub(crate) fn push(&mut self, line: &mut Line, place: Where, token: Token, op: Op) {
        let waiting = Waiting {
            token,
            op: Some(op),
            place,
            before: line.back,
            behind: NONE,
        };
        let index = u32::try_from(self.waiting.insert(waiting)).expect("memory ends before 2^32");
        let known = self.places.insert(token, index);
        assert!(known.is_none(), "{token:?} is in use already");
        match line.back {
            NONE => line.front = index,
            back => self.waiting[back as usize].behind = index,
        }
        line.back = index;
    }

    /// Takes the operation out to try it; its place stays.
    pub(crate) fn lift(&mut self, index: u32) -> Op {
        let op = self.waiting[index as usize].op.take();
        op.expect("an operation is tried once at a time")
    }

    /// Puts an operation back that still has to wait.
    pub(crate) fn put_back(&mut self, index: u32, op: Op) {
        self.waiting[index as usize].op = Some(op);
    }

    /// Which place is behind this one in its line.
    pub(crate) fn behind(&self, index: u32) -> Option<u32> {
        let behind = self.waiting[index as usize].behind;
        (behind != NONE).then_some(behind)
    }

    /// Takes an operation out of `line`, which is the one it waits in.
    pub(crate) fn remove(&mut self, line: &mut Line, index: u32) -> (Token, Option<Op>) {
        let gone = self.waiting.remove(index as usize);
        self.places.remove(&gone.token);
        match gone.before {
            NONE => line.front = gone.behind,
            before => self.waiting[before as usize].behind = gone.behind,
        }
        match gone.behind {
            NONE => line.back = gone.before,
            behind => self.waiting[behind as usize].before = gone.before,
        }
        (gone.token, gone.op)
    }
}

/// Spreads tokens, which the program itself chooses, with one multiplication.
#[derive(Debug, Default)]
struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        // The map takes its bucket from the low bits and its tag from the high ones.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32((*byte).into());
        }
    }

    fn write_u32(&mut self, number: u32) {
        // An odd number near 2^64 divided by the golden ratio.
        let mixed = self.0.rotate_left(5) ^ u64::from(number);
        self.0 = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    const HERE: Where = Where {
        number: 3,
        kind: LineKind::Readers,
    };

    fn token(slot: u32) -> Token {
        Token::new(slot, 0)
    }

    fn drain(queue: &mut Queue, line: &mut Line) -> Vec<u32> {
        let mut slots = Vec::new();
        while let Some(index) = line.front() {
            slots.push(queue.remove(line, index).0.slot());
        }
        slots
    }

    #[test]
    fn a_line_keeps_its_order_whoever_leaves() {
        for leaves in 0..5 {
            let (mut queue, mut line) = (Queue::default(), Line::default());
            for slot in 0..5 {
                queue.push(&mut line, HERE, token(slot), Op::Nop);
            }
            let (index, place) = queue.find(token(leaves)).unwrap();
            assert_eq!(place, HERE);
            queue.remove(&mut line, index);
            assert!(queue.find(token(leaves)).is_none());
            queue.push(&mut line, HERE, token(9), Op::Nop);
            let mut expected: Vec<u32> = (0..5).filter(|slot| *slot != leaves).collect();
            expected.push(9);
            assert_eq!(drain(&mut queue, &mut line), expected);
            assert!(line.is_empty() && queue.len() == 0);
        }
    }

    #[test]
    fn an_operation_that_is_tried_keeps_its_place() {
        let (mut queue, mut line) = (Queue::default(), Line::default());
        for slot in 0..2 {
            queue.push(&mut line, HERE, token(slot), Op::Nop);
        }
        let front = line.front().unwrap();
        let op = queue.lift(front);
        queue.put_back(front, op);
        assert_eq!(drain(&mut queue, &mut line), [0, 1]);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Push(usize),
        Serve(usize),
        Retry(usize),
        Cancel(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0..3_usize).prop_map(Step::Push),
            1 => (0..3_usize).prop_map(Step::Serve),
            1 => (0..3_usize).prop_map(Step::Retry),
            2 => (0..40_u32).prop_map(Step::Cancel),
        ]
    }

    proptest! {
        #[test]
        fn lines_behave_like_plain_queues(steps in vec(step(), 0..200)) {
            let mut queue = Queue::default();
            let mut lines = [Line::default(); 3];
            let mut model: [VecDeque<u32>; 3] = Default::default();
            let at = |number| Where { number, kind: LineKind::Readers };
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Push(number) => {
                        queue.push(&mut lines[number], at(number), token(next), Op::Nop);
                        model[number].push_back(next);
                        next += 1;
                    }
                    Step::Serve(number) => {
                        let served = lines[number].front().map(|index| {
                            queue.lift(index);
                            queue.remove(&mut lines[number], index).0.slot()
                        });
                        prop_assert_eq!(served, model[number].pop_front());
                    }
                    Step::Retry(number) => {
                        if let Some(index) = lines[number].front() {
                            let op = queue.lift(index);
                            queue.put_back(index, op);
                        }
                    }
                    Step::Cancel(slot) => {
                        let found = queue.find(token(slot));
                        let line = model.iter().position(|line| line.contains(&slot));
                        prop_assert_eq!(found.map(|(_, place)| place.number), line);
                        if let Some((index, place)) = found {
                            let (gone, op) = queue.remove(&mut lines[place.number], index);
                            prop_assert!(gone == token(slot) && op.is_some());
                            model[place.number].retain(|known| *known != slot);
                        }
                    }
                }
                prop_assert_eq!(queue.len(), model.iter().map(VecDeque::len).sum::<usize>());
            }
            for (line, model) in lines.iter_mut().zip(model) {
                prop_assert_eq!(drain(&mut queue, line), Vec::from(model));
            }
        }
    }

    #[test]
    #[should_panic(expected = "Token(1.0) is in use already")]
    fn a_token_waits_once() {
        let (mut queue, mut line) = (Queue::default(), Line::default());
        queue.push(&mut line, HERE, token(1), Op::Nop);
        queue.push(&mut line, HERE, token(1), Op::Nop);
    }
}
