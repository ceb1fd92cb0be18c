//! Whatever is sent is received, in order and once, under any splits, latencies, cancels and drops; and
//! the same answers give the same run.

mod drive;

use std::collections::VecDeque;
use std::time::Duration;

use bibelot_reactor::{Buf, Completion, Fd, Op, Outcome, Reactor, Token};
use bibelot_sim::Sim;
use drive::{Drive, count};
use proptest::prelude::*;

/// What one step of a random program does.
#[derive(Clone, Debug)]
enum Step {
    /// The writer sends so many bytes.
    Send(usize),
    /// The reader asks for so many.
    ReceiveInto(usize),
    /// The reader asks for whatever comes.
    Receive,
    /// The oldest send under way is cancelled.
    CancelSend,
    /// The oldest receive under way is cancelled.
    CancelReceive,
    /// Time passes, in microseconds.
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_usize..200).prop_map(Step::Send),
        3 => (1_usize..100).prop_map(Step::ReceiveInto),
        3 => Just(Step::Receive),
        1 => Just(Step::CancelSend),
        2 => Just(Step::CancelReceive),
        3 => (0_u64..300).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..60)
}

/// One direction of a connection, as its two users see it.
struct Stream {
    writer: Fd,
    reader: Fd,
    sends: VecDeque<(Token, usize)>,
    receives: VecDeque<Token>,
    /// How many bytes were offered, taken and received.
    offered: usize,
    taken: Vec<u8>,
    received: Vec<u8>,
    ended: bool,
}

/// The `n`-th byte that is offered.
fn byte(n: usize) -> u8 {
    (n.wrapping_mul(2_654_435_761) >> 7) as u8
}

impl Stream {
    fn step(&mut self, drive: &mut Drive, step: &Step) {
        match step {
            Step::Send(len) => {
                let data: Vec<u8> = (self.offered..self.offered + len).map(byte).collect();
                self.offered += len;
                let token = drive.send(&self.writer, &data);
                self.sends.push_back((token, *len));
            }
            Step::ReceiveInto(room) => {
                let token = drive.receive_into(&self.reader, *room);
                self.receives.push_back(token);
            }
            Step::Receive => {
                let socket = self.reader.clone();
                let token = drive.submit(Op::Receive { socket });
                self.receives.push_back(token);
            }
            Step::CancelSend => {
                if let Some((token, _)) = self.sends.front() {
                    drive.reactor.cancel(*token);
                }
            }
            Step::CancelReceive => {
                if let Some(token) = self.receives.front() {
                    drive.reactor.cancel(*token);
                }
            }
            Step::Pass(micros) => drive.pass(Duration::from_micros(*micros)),
        }
        self.collect(drive);
    }

    /// Takes what has come, in the order of the stream.
    fn collect(&mut self, drive: &mut Drive) {
        while let Some(token) = self.receives.front().copied() {
            let Some(end) = drive.take(token) else { break };
            if self.received(end) {
                self.receives.pop_front();
            }
        }
        while let Some((token, len)) = self.sends.front().copied() {
            let Some(end) = drive.take(token) else { break };
            self.sends.pop_front();
            let buf = end.buf.as_ref().expect("a send gives its buffer back");
            assert_eq!(buf.len(), len);
            if !end.is_cancelled() {
                let count = count(&end);
                assert!(count > 0);
                self.taken.extend_from_slice(&buf[..count]);
            }
        }
    }

    /// Takes one completion of a receive. Whether it was the last.
    fn received(&mut self, end: Completion) -> bool {
        match (&end.result, &end.buf) {
            (Ok(Outcome::Received(piece)), None) => self.received.extend_from_slice(piece),
            (Ok(Outcome::Count(count)), Some(buf)) => {
                assert_eq!(buf.len(), *count);
                self.received.extend_from_slice(buf);
                self.ended |= *count == 0;
            }
            (Ok(Outcome::EndOfStream), None) => self.ended = true,
            (Ok(Outcome::Paused), None) => {}
            _ if end.is_cancelled() => assert!(end.buf.as_ref().unwrap().is_empty()),
            other => panic!("{other:?}"),
        }
        !end.more
    }

    /// Sends nothing more and receives what is left.
    fn finish(mut self, drive: &mut Drive) {
        let mut rounds = 0;
        while !self.sends.is_empty() {
            rounds += 1;
            assert!(rounds < 10_000, "a send waits for ever");
            if self.receives.is_empty() {
                let token = drive.receive_into(&self.reader, 64);
                self.receives.push_back(token);
            }
            drive.poll(Some(Duration::from_millis(1))).unwrap();
            self.collect(drive);
        }
        let writer = self.writer.clone();
        self.writer = self.reader.clone();
        drive.close(writer);
        while !self.ended {
            rounds += 1;
            assert!(rounds < 20_000, "the end never comes");
            if self.receives.is_empty() {
                let token = drive.receive_into(&self.reader, 64);
                self.receives.push_back(token);
            }
            drive.poll(Some(Duration::from_millis(1))).unwrap();
            self.collect(drive);
        }
        assert_eq!(self.received, self.taken);
    }
}

/// Runs a program, and gives the trace of the run.
fn run(sim: Sim, steps: &[Step]) -> String {
    let report = sim.report();
    let mut drive = Drive::new(sim);
    let (writer, reader) = drive.pair();
    let mut stream = Stream {
        writer,
        reader,
        sends: VecDeque::new(),
        receives: VecDeque::new(),
        offered: 0,
        taken: Vec::new(),
        received: Vec::new(),
        ended: false,
    };
    for step in steps {
        stream.step(&mut drive, step);
    }
    stream.finish(&mut drive);
    drop(drive);
    report.to_string()
}

fn world(seed: Option<u64>, room: usize) -> Sim {
    seed.map_or_else(Sim::calm, Sim::new)
        .send_buffer(room)
        .receive_buffer(50)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_out_are_bytes_in_in_order(
        seed in prop::option::weighted(0.9, any::<u64>()),
        room in 1_usize..500,
        steps in steps(),
    ) {
        run(world(seed, room), &steps);
    }

    #[test]
    fn the_seed_alone_decides(seed in any::<u64>(), room in 1_usize..500, steps in steps()) {
        let first = run(world(Some(seed), room), &steps);
        let second = run(world(Some(seed), room), &steps);
        prop_assert_eq!(first, second);
    }
}

#[test]
fn different_seeds_go_different_ways() {
    let steps: Vec<Step> = (1..20)
        .flat_map(|n| [Step::Send(n), Step::ReceiveInto(n), Step::Pass(40)])
        .collect();
    let mut chains: Vec<String> = (0..100)
        .map(|seed| run(world(Some(seed), 100), &steps))
        .collect();
    chains.sort();
    chains.dedup();
    assert_eq!(chains.len(), 100);
}

#[test]
fn a_thousand_connections_keep_their_bytes_apart() {
    let mut drive = Drive::new(Sim::new(11));
    let (listener, peer) = drive.listen("127.0.0.1:0");
    let callers: Vec<Fd> = (0..1000).map(|_| drive.connect(peer)).collect();
    let called: Vec<Fd> = (0..1000).map(|_| drive.accept(&listener)).collect();
    let mut sends = Vec::new();
    for (n, caller) in callers.into_iter().enumerate() {
        let socket = caller;
        let buf = Buf::from(vec![n as u8; 1]);
        sends.push(drive.submit(Op::Send { socket, buf }));
    }
    for token in sends {
        assert_eq!(count(&drive.wait(token)), 1);
    }
    for (n, called) in called.iter().enumerate() {
        assert_eq!(drive.receive_all(called), [n as u8]);
    }
}
