//! Random programs: the same seed on every backend, and everything accounted for at the end.
//!
//! A program holds a few connections and, step by step, sends, receives, cancels, polls and closes as
//! its seed says. What each direction was told to have taken must come out of its other end, byte for
//! byte, however the backend cut, delayed or cancelled it.

use std::time::Duration;

use bibelot_reactor::{Completion, Fd, Interest, Op, Outcome, Token};

use crate::backends::everywhere;
use crate::streams::{pattern, receive, receive_into, send};
use crate::world::World;

const CONNECTIONS: usize = 4;
const STEPS: usize = 400;

/// A small generator (xorshift), so that a seed is a program.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }
}

/// One direction of a connection.
struct Direction {
    source: Fd,
    target: Fd,
    /// How many bytes were sent, by their ends.
    taken: usize,
    /// The send under way; one at a time, so that what it carries is known.
    sending: Option<Token>,
    /// The receives under way, in their order.
    receiving: Vec<Token>,
    got: Vec<u8>,
}

impl Direction {
    fn new(source: &Fd, target: &Fd) -> Self {
        Self {
            source: source.clone(),
            target: target.clone(),
            taken: 0,
            sending: None,
            receiving: Vec::new(),
            got: Vec::new(),
        }
    }

    fn step(&mut self, world: &mut World, dice: &mut Dice) {
        match dice.below(10) {
            0..=2 if self.sending.is_none() => {
                let len = dice.below(900);
                let data = pattern(self.taken, len);
                self.sending = Some(world.submit(send(&self.source, &data)));
            }
            3..=4 => {
                let op = receive_into(&self.target, dice.below(700) + 1);
                self.receiving.push(world.submit(op));
            }
            // A flow may go on for ever, so it stands alone.
            5 if self.receiving.is_empty() => {
                self.receiving.push(world.submit(receive(&self.target)));
            }
            6 => {
                if let Some(sending) = self.sending {
                    world.cancel(sending);
                }
            }
            7 if !self.receiving.is_empty() => {
                let at = dice.below(self.receiving.len());
                world.cancel(self.receiving[at]);
            }
            8 => {
                let ready = Op::Ready {
                    fd: self.source.clone(),
                    interest: Interest::Writable,
                };
                let token = world.submit(ready);
                world.cancel(token);
                let end = world.next(token);
                assert!(end.result.is_ok() || end.is_cancelled(), "{end:?}");
            }
            _ => drop(world.poll(Some(Duration::from_micros(dice.below(3) as u64 * 50)))),
        }
        self.take(world);
    }

    /// Takes what has come.
    fn take(&mut self, world: &mut World) {
        if let Some(sending) = self.sending
            && let Some(end) = world.take(sending)
        {
            self.sending = None;
            self.sent(&end);
        }
        // In their order: what a later one received lies behind what an earlier one did.
        while let Some(first) = self.receiving.first().copied()
            && let Some(completion) = world.take(first)
        {
            if !completion.more {
                self.receiving.remove(0);
            }
            self.received(&completion);
        }
    }

    fn sent(&mut self, end: &Completion) {
        match &end.result {
            Ok(Outcome::Count(count)) => self.taken += count,
            _ => assert!(end.is_cancelled(), "{end:?}"),
        }
    }

    fn received(&mut self, completion: &Completion) {
        match (&completion.result, &completion.buf) {
            (Ok(Outcome::Received(buf)), _) | (Ok(Outcome::Count(_)), Some(buf)) => {
                self.got.extend_from_slice(buf);
            }
            (Ok(Outcome::Paused), _) => {}
            _ => assert!(completion.is_cancelled(), "{completion:?}"),
        }
    }

    /// Ends what is under way, and reads the rest.
    fn finish(&mut self, world: &mut World) {
        if let Some(sending) = self.sending.take() {
            world.cancel(sending);
            let end = world.next(sending);
            self.sent(&end);
        }
        for token in &self.receiving {
            world.cancel(*token);
        }
        for token in std::mem::take(&mut self.receiving) {
            loop {
                let completion = world.next(token);
                self.received(&completion);
                if !completion.more {
                    break;
                }
            }
        }
        while self.got.len() < self.taken {
            let (count, buf) = world.count(receive_into(&self.target, 4_096));
            assert!(count > 0, "{} of {} bytes came", self.got.len(), self.taken);
            self.got.extend_from_slice(&buf);
        }
        assert_eq!(self.got.len(), self.taken);
        assert!(self.got == pattern(0, self.taken), "the bytes are others");
    }
}

fn program(world: &mut World, seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let pairs: Vec<(Fd, Fd)> = (0..CONNECTIONS).map(|_| world.pair()).collect();
    let mut directions: Vec<Direction> = pairs
        .iter()
        .flat_map(|(ours, theirs)| [Direction::new(ours, theirs), Direction::new(theirs, ours)])
        .collect();
    drop(pairs);
    for _ in 0..STEPS {
        let at = dice.below(directions.len());
        directions[at].step(world, &mut dice);
    }
    for direction in &mut directions {
        direction.finish(world);
    }
    world.settle();
    assert_eq!(world.in_flight(), 0);
}

#[test]
fn random_programs_lose_nothing() {
    everywhere(|world| {
        for seed in 1..=12 {
            eprintln!("seed {seed}");
            program(world, seed);
        }
    });
}
