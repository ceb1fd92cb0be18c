//! Random programs under the law: streams stay byte-exact whatever is cancelled, in every world.
//!
//! `BIBELOT_SEED` chooses another program.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use bibelot_reactor::{Buf, Fd, Interest, Job, Lawful, Op, Outcome, Reactor, Token};
use bibelot_uring::{Abilities, Uring, UringConfig};
use common::{pair, worlds};

const STREAMS: usize = 6;
const BYTES: usize = 60_000;

/// A small generator, so that a failure is told by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[derive(Clone, Copy, Debug)]
enum Purpose {
    Send(usize),
    Receive(usize),
    Noise,
}

#[derive(Debug)]
struct Stream {
    source: Fd,
    target: Fd,
    sent: usize,
    received: usize,
    is_sending: bool,
    is_receiving: bool,
    has_ended: bool,
}

fn byte(stream: usize, place: usize) -> u8 {
    (place / 5 + stream * 31) as u8
}

struct Storm {
    reactor: Lawful<Uring>,
    random: Random,
    streams: Vec<Stream>,
    tokens: BTreeMap<Token, Purpose>,
    next: u32,
    /// What readers hold on to for a while.
    held: Vec<Buf>,
}

impl Storm {
    fn new(config: UringConfig, seed: u64) -> Self {
        let reactor = Lawful::new(Uring::new(config).expect("these tests need io_uring"))
            .patience(Duration::from_secs(20));
        let streams = (0..STREAMS).map(|_| {
            let (source, target) = pair();
            target.set_nonblocking(true).unwrap();
            Stream {
                source: Fd::from(source),
                target: Fd::from(std::os::fd::OwnedFd::from(target)),
                sent: 0,
                received: 0,
                is_sending: false,
                is_receiving: false,
                has_ended: false,
            }
        });
        Self {
            reactor,
            random: Random(seed),
            streams: streams.collect(),
            tokens: BTreeMap::new(),
            next: 0,
            held: Vec::new(),
        }
    }

    fn run(mut self) {
        let mut ends = Vec::new();
        while self.streams.iter().any(|stream| !stream.has_ended) {
            for _ in 0..self.random.below(12) {
                self.act();
            }
            let timeout = match self.random.below(3) {
                0 => Duration::ZERO,
                _ => Duration::from_micros(200),
            };
            self.reactor.poll(Some(timeout), &mut ends).unwrap();
            ends.drain(..).for_each(|end| self.settle(end));
        }
        let rest: Vec<Token> = self.tokens.keys().copied().collect();
        rest.into_iter()
            .for_each(|token| self.reactor.cancel(token));
        while self.reactor.in_flight() > 0 {
            self.reactor
                .poll(Some(Duration::from_millis(50)), &mut ends)
                .unwrap();
            ends.drain(..).for_each(|end| self.settle(end));
        }
        for stream in &self.streams {
            assert_eq!((stream.sent, stream.received), (BYTES, BYTES));
        }
    }

    fn act(&mut self) {
        let place = self.random.below(STREAMS as u64) as usize;
        let stream = &mut self.streams[place];
        match self.random.below(10) {
            0..3 if !stream.is_sending && stream.sent < BYTES => {
                stream.is_sending = true;
                let end = BYTES.min(stream.sent + 1 + self.random.below(4000) as usize);
                let bytes: Vec<u8> = (stream.sent..end).map(|at| byte(place, at)).collect();
                let (socket, buf) = (stream.source.clone(), Buf::from(bytes));
                self.submit(Purpose::Send(place), Op::Send { socket, buf });
            }
            3..6 if !stream.is_receiving && !stream.has_ended => {
                stream.is_receiving = true;
                let socket = stream.target.clone();
                let op = match self.random.below(3) {
                    0 => {
                        let buf = Buf::with_capacity(1 + self.random.below(3000) as usize);
                        Op::ReceiveInto { socket, buf }
                    }
                    _ => Op::Receive { socket },
                };
                self.submit(Purpose::Receive(place), op);
            }
            6 => {
                let fd = stream.target.clone();
                let interest = Interest::Readable;
                self.submit(Purpose::Noise, Op::Ready { fd, interest });
            }
            7 => {
                let op = match self.random.below(2) {
                    0 => Op::Nop,
                    _ => Op::Job(Job::new(|| ())),
                };
                self.submit(Purpose::Noise, op);
            }
            8 => {
                let count = self.tokens.len() as u64;
                if count > 0 {
                    let chosen = self.random.below(count) as usize;
                    let token = *self.tokens.keys().nth(chosen).unwrap();
                    self.reactor.cancel(token);
                }
            }
            _ => self.held.clear(),
        }
    }

    fn submit(&mut self, purpose: Purpose, op: Op) {
        // Slots are used again under new generations, close together.
        self.next += 1;
        let token = Token::new(self.next % 97, self.next);
        self.tokens.insert(token, purpose);
        if let Some(end) = self.reactor.submit(token, op) {
            self.settle(end);
        }
    }

    fn settle(&mut self, end: bibelot_reactor::Completion) {
        let purpose = self.tokens[&end.token];
        if !end.more {
            self.tokens.remove(&end.token);
        }
        let was_cancelled = end.is_cancelled();
        match (purpose, end.result) {
            (Purpose::Noise, _) => {}
            (Purpose::Send(place), result) => {
                let stream = &mut self.streams[place];
                stream.is_sending = false;
                match result {
                    Ok(Outcome::Count(count)) => stream.sent += count,
                    other => assert!(was_cancelled, "{other:?}"),
                }
            }
            (Purpose::Receive(place), result) => {
                self.streams[place].is_receiving = end.more;
                match result {
                    Ok(Outcome::Received(buf)) => {
                        self.check(place, &buf);
                        self.held.push(buf);
                    }
                    Ok(Outcome::Count(_)) => {
                        let buf = end.buf.expect("it comes back");
                        self.check(place, &buf);
                    }
                    Ok(Outcome::Paused) => assert!(!end.more),
                    other => assert!(was_cancelled, "{other:?}"),
                }
                let stream = &mut self.streams[place];
                stream.has_ended = stream.received == BYTES;
            }
        }
    }

    fn check(&mut self, place: usize, bytes: &[u8]) {
        let stream = &mut self.streams[place];
        for (at, got) in (stream.received..).zip(bytes) {
            assert_eq!(*got, byte(place, at), "stream {place} at {at}");
        }
        stream.received += bytes.len();
    }
}

fn storms(seed: u64, configure: impl Fn(Abilities) -> UringConfig) {
    let chosen = std::env::var("BIBELOT_SEED").ok();
    let seed = chosen.map_or(seed, |seed| {
        seed.parse().expect("a seed is a number above 0")
    });
    for hide in worlds() {
        eprintln!("seed {seed}, without {hide}");
        Storm::new(configure(hide), seed).run();
    }
}

#[test]
fn streams_stay_exact_on_a_ring_as_it_is() {
    storms(0x9E37_79B9, |hide| UringConfig {
        hide,
        ..UringConfig::default()
    });
}

#[test]
fn streams_stay_exact_on_the_smallest_ring() {
    storms(0x85EB_CA6B, |hide| UringConfig {
        entries: 2,
        completions: 4,
        hide,
        ..UringConfig::default()
    });
}

#[test]
fn streams_stay_exact_on_a_dry_pool() {
    storms(0xC2B2_AE35, |hide| UringConfig {
        receive_len: 700,
        receive_ready_max: 2,
        receive_buffers_max: 3,
        hide,
        ..UringConfig::default()
    });
}
