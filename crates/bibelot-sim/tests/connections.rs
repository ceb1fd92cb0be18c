//! No connection is lost and none is doubled, whatever is cancelled and dropped; and what two ends say to
//! each other arrives up to the point where one of them goes.

mod drive;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bibelot_reactor::{Call, Fd, ListenHow, Op, Outcome, Reactor, Token};
use bibelot_sched::{Choice, Kind, Point};
use bibelot_sim::Sim;
use drive::{Drive, count};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Connect,
    Accept(bool),
    CancelConnect(usize),
    CancelAccept(usize),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Connect),
        3 => any::<bool>().prop_map(Step::Accept),
        1 => (0_usize..4).prop_map(Step::CancelConnect),
        2 => (0_usize..4).prop_map(Step::CancelAccept),
        3 => (0_u64..300).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..60)
}

/// A listener, who calls it and who accepts.
struct Hall {
    listener: Fd,
    address: SocketAddr,
    connects: Vec<(Token, Fd)>,
    accepts: Vec<Token>,
    /// Callers whose connect was a success, and those whose connect was cancelled.
    connected: Vec<(SocketAddr, Fd)>,
    given_up: Vec<Fd>,
    accepted: BTreeMap<SocketAddr, Fd>,
}

impl Hall {
    fn step(&mut self, drive: &mut Drive, step: &Step) {
        match *step {
            Step::Connect => {
                let peer = self.address;
                let socket = drive.socket(peer);
                let clone = socket.clone();
                let token = drive.submit(Op::Connect { socket, peer });
                self.connects.push((token, clone));
            }
            Step::Accept(many) => {
                let listener = self.listener.clone();
                self.accepts
                    .push(drive.submit(Op::Accept { listener, many }));
            }
            Step::CancelConnect(nth) => {
                if let Some((token, _)) = self.connects.get(nth) {
                    drive.reactor.cancel(*token);
                }
            }
            Step::CancelAccept(nth) => {
                if let Some(token) = self.accepts.get(nth) {
                    drive.reactor.cancel(*token);
                }
            }
            Step::Pass(micros) => drive.pass(Duration::from_micros(micros)),
        }
        self.collect(drive);
    }

    fn collect(&mut self, drive: &mut Drive) {
        let (connected, given_up) = (&mut self.connected, &mut self.given_up);
        self.connects.retain(|(token, socket)| {
            let Some(end) = drive.take(*token) else {
                return true;
            };
            if end.is_cancelled() {
                given_up.push(socket.clone());
            } else {
                assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
                connected.push((drive.local(socket), socket.clone()));
            }
            false
        });
        let accepted = &mut self.accepted;
        self.accepts.retain(|token| {
            while let Some(end) = drive.take(*token) {
                match end.result {
                    Ok(Outcome::Accepted { socket, peer }) => {
                        let doubled = accepted.insert(peer.unwrap(), socket);
                        assert!(doubled.is_none(), "{peer:?} was accepted twice");
                    }
                    Ok(Outcome::Paused) => {}
                    _ => assert!(end.is_cancelled(), "{end:?}"),
                }
                if !end.more {
                    return false;
                }
            }
            true
        });
    }

    /// Accepts everyone who is left, and looks whether each caller met its other end.
    fn finish(mut self, drive: &mut Drive) {
        let patience = Duration::from_millis(10);
        let (mut still, mut rounds) = (0, 0);
        while still < 3 || !self.connects.is_empty() {
            rounds += 1;
            assert!(rounds < 10_000, "a caller waits for ever");
            let before = self.accepted.len();
            if self.accepts.is_empty() {
                self.step(drive, &Step::Accept(true));
            }
            drive.pass(patience);
            self.collect(drive);
            still = if before == self.accepted.len() {
                still + 1
            } else {
                0
            };
        }
        for (local, caller) in self.connected {
            let called = self.accepted.remove(&local).expect("a connection was lost");
            drive.send_all(&caller, b"hello");
            drive.close(caller);
            assert_eq!(drive.receive_all(&called), b"hello");
        }
        // The rest belongs to callers who gave up after they were connected.
        assert!(self.accepted.len() <= self.given_up.len());
    }
}

/// What one of two ends does.
#[derive(Clone, Debug)]
enum Say {
    Send(usize),
    Receive(usize),
    Shutdown,
    Drop,
    Pass(u64),
}

fn talk() -> impl Strategy<Value = Vec<(bool, Say)>> {
    let say = prop_oneof![
        6 => (1_usize..300).prop_map(Say::Send),
        6 => (1_usize..300).prop_map(Say::Receive),
        1 => Just(Say::Shutdown),
        1 => Just(Say::Drop),
        4 => (0_u64..300).prop_map(Say::Pass),
    ];
    prop::collection::vec((any::<bool>(), say), 0..80)
}

/// One of two ends.
#[derive(Default)]
struct End {
    socket: Option<Fd>,
    taken: Vec<u8>,
    received: Vec<u8>,
    /// It said that it will send nothing more.
    is_shut: bool,
    /// It has met the end of the stream; it has met an error.
    ended: bool,
    failed: bool,
}

impl End {
    fn say(&mut self, drive: &mut Drive, say: &Say) {
        let Some(socket) = self.socket.clone() else {
            return;
        };
        match *say {
            Say::Send(len) => {
                let start = self.taken.len();
                let data: Vec<u8> = (start..start + len)
                    .map(|n| ((n * 31) >> 3) as u8)
                    .collect();
                let token = drive.send(&socket, &data);
                drive.pass(Duration::from_micros(1));
                drive.reactor.cancel(token);
                let end = drive.wait(token);
                match &end.result {
                    Ok(Outcome::Count(count)) => self.taken.extend_from_slice(&data[..*count]),
                    _ if end.is_cancelled() => {}
                    _ => self.failed = true,
                }
            }
            Say::Receive(room) => {
                let token = drive.receive_into(&socket, room);
                drive.pass(Duration::from_micros(1));
                drive.reactor.cancel(token);
                let end = drive.wait(token);
                match &end.result {
                    Ok(Outcome::Count(0)) => self.ended = true,
                    Ok(Outcome::Count(_)) => self.received.extend_from_slice(&end.buf.unwrap()),
                    _ if end.is_cancelled() => {}
                    _ => self.failed = true,
                }
            }
            Say::Shutdown => {
                let how = Shutdown::Write;
                // It may be dead already, which is an error of its own.
                let _ = drive.reactor.call(Call::Shutdown { socket, how });
                self.is_shut = true;
            }
            Say::Drop => {
                self.socket = None;
                drop(socket);
                drive.poll(Some(Duration::ZERO)).unwrap();
            }
            Say::Pass(micros) => drive.pass(Duration::from_micros(micros)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_connection_is_accepted_once(
        seed in prop::option::weighted(0.9, any::<u64>()),
        backlog in 0_u32..4,
        steps in steps(),
    ) {
        let mut drive = Drive::new(seed.map_or_else(Sim::calm, Sim::new));
        let how = ListenHow { backlog, ..ListenHow::default() };
        let (listener, address) = drive.listen_with("127.0.0.1:0", how);
        let mut hall = Hall {
            listener,
            address,
            connects: Vec::new(),
            accepts: Vec::new(),
            connected: Vec::new(),
            given_up: Vec::new(),
            accepted: BTreeMap::new(),
        };
        for step in &steps {
            hall.step(&mut drive, step);
        }
        hall.finish(&mut drive);
    }

    #[test]
    fn what_arrives_is_what_was_said_up_to_where_one_end_goes(
        seed in prop::option::weighted(0.9, any::<u64>()),
        room in 1_usize..500,
        talk in talk(),
    ) {
        let sim = seed.map_or_else(Sim::calm, Sim::new).send_buffer(room);
        let mut drive = Drive::new(sim);
        let (caller, called) = drive.pair();
        let mut ends = [End::default(), End::default()];
        ends[0].socket = Some(caller);
        ends[1].socket = Some(called);
        for (which, say) in &talk {
            ends[usize::from(*which)].say(&mut drive, say);
        }
        for (nth, other) in [(0, 1), (1, 0)] {
            let both_live = ends.iter().all(|end| end.socket.is_some());
            let is_over = ends[other].is_shut || ends[other].socket.is_none();
            if let Some(socket) = ends[nth].socket.clone() {
                while is_over && !ends[nth].ended && !ends[nth].failed {
                    let token = drive.receive_into(&socket, 64);
                    let end = drive.wait(token);
                    match end.result {
                        Ok(Outcome::Count(0)) => ends[nth].ended = true,
                        Ok(_) => ends[nth].received.extend_from_slice(&end.buf.unwrap()),
                        Err(_) => ends[nth].failed = true,
                    }
                }
            }
            let (received, said) = (&ends[nth].received, &ends[other].taken);
            prop_assert!(said.starts_with(received));
            if ends[nth].ended && !ends[nth].failed && both_live {
                prop_assert_eq!(received, said);
            }
        }
    }
}

#[test]
fn a_count_of_nought_is_no_end_where_there_is_no_room() {
    let mut drive = Drive::new(Sim::new(1));
    let (_caller, called) = drive.pair();
    let token = drive.receive_into(&called, 0);
    assert_eq!(count(&drive.wait(token)), 0);
}

/// Keeps where it was asked.
struct Witness(Arc<Mutex<Vec<Asked>>>);

/// Kind, path and count.
type Asked = (Kind, Vec<u32>, u64);

impl Choice for Witness {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        let site = (at.kind, at.at.task.steps().to_vec(), at.at.nth);
        self.0.lock().unwrap().push(site);
        0
    }
}

#[test]
fn no_two_questions_have_one_name_where_listeners_share_an_address_or_follow_each_other() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut drive = Drive::new(Sim::chosen(Witness(asked.clone())));
    for _ in 0..2 {
        let how = ListenHow {
            reuse_port: true,
            ..ListenHow::default()
        };
        let listeners = ["127.0.0.1:80"; 2].map(|address| drive.listen_with(address, how).0);
        for listener in &listeners {
            let caller = drive.connect("127.0.0.1:80".parse().unwrap());
            let called = drive.accept(listener);
            drive.send_all(&caller, b"to be cut");
            drive.send_all(&called, b"to be cut, too");
        }
        for listener in listeners {
            drive.close(listener);
        }
        drive.pass(Duration::from_millis(10));
    }
    let asked = asked.lock().unwrap();
    let names: BTreeSet<String> = asked.iter().map(|site| format!("{site:?}")).collect();
    assert_eq!(names.len(), asked.len());
}

#[test]
fn a_caller_that_hung_up_and_calls_again_is_one_caller() {
    let mut drive = Drive::new(Sim::calm());
    let (listener, peer) = drive.listen("127.0.0.1:0");
    let caller = drive.socket(peer);
    let connect = |drive: &mut Drive| {
        let socket = caller.clone();
        drive.submit(Op::Connect { socket, peer })
    };
    for _ in 0..3 {
        let given_up = connect(&mut drive);
        let (socket, how) = (caller.clone(), Shutdown::Both);
        drive.call(Call::Shutdown { socket, how });
        assert!(drive.wait(given_up).result.is_err());
    }
    let connected = connect(&mut drive);
    assert!(drive.wait(connected).result.is_ok());
    let many = true;
    let accepts = drive.submit(Op::Accept { listener, many });
    drive.pass(Duration::from_secs(1));
    assert!(drive.take(accepts).is_some());
    assert!(drive.take(accepts).is_none(), "somebody else has called");
}
