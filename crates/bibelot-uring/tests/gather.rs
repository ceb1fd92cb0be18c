//! Gathering in a crowd: many answers in one wait, and nobody kept longer than for a moment.

mod common;

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use bibelot_reactor::{Op, Outcome, Reactor};
use bibelot_uring::{Abilities, Ability, UringConfig};

use common::Desk;

const CROWD: usize = 16;
/// So long that a busy machine is not slower.
const MOMENT: Duration = Duration::from_secs(2);

/// A reactor that receives from a crowd, and has learned from one wait that it is one.
fn crowded(gather_max: Duration, hide: Abilities) -> (Desk, Vec<TcpStream>) {
    let mut desk = Desk::new(UringConfig {
        gather_max,
        hide,
        look_max: Duration::ZERO,
        ..UringConfig::default()
    });
    let mut peers = Vec::new();
    for _ in 0..CROWD {
        let (socket, ours) = desk.pair();
        desk.submit(Op::Receive { socket });
        peers.push(ours);
    }
    desk.uring
        .poll(Some(Duration::ZERO), &mut desk.ends)
        .unwrap();
    // What has arrived is told when the ring is entered, so one sleep brings all of it, unless the machine is slow.
    for _ in 0..1000 {
        for peer in &mut peers {
            peer.write_all(b"x").unwrap();
        }
        let mut came = poll(&mut desk, None);
        if came == CROWD {
            return (desk, peers);
        }
        while came < CROWD {
            came += poll(&mut desk, None);
        }
    }
    panic!("they never came together");
}

/// Polls once; how many receives that brought.
fn poll(desk: &mut Desk, timeout: Option<Duration>) -> usize {
    desk.uring.poll(timeout, &mut desk.ends).unwrap();
    let ends = desk.ends.drain(..);
    ends.map(|end| assert!(matches!(end.result, Ok(Outcome::Received(_))), "{end:?}"))
        .count()
}

/// Writes to so many of the peers, one after another.
fn dribble(mut peers: Vec<TcpStream>, count: usize) -> thread::JoinHandle<Vec<TcpStream>> {
    thread::spawn(move || {
        for peer in &mut peers[..count] {
            thread::sleep(Duration::from_millis(2));
            peer.write_all(b"x").unwrap();
        }
        peers
    })
}

#[test]
fn what_comes_of_a_crowd_one_by_one_comes_in_one_wait() {
    let (mut desk, peers) = crowded(MOMENT, Abilities::NONE);
    let dribbled = dribble(peers, CROWD / 2);
    let has_gathered = poll(&mut desk, None) == CROWD / 2;
    let peers = dribbled.join().unwrap();
    // Where the ring cannot wait for several, the first ends the wait.
    let report = desk.uring.report().clone();
    assert_eq!(has_gathered, report.has.has(Ability::MinWait), "{report}");
    drop(peers);
}

#[test]
fn one_alone_is_kept_no_longer_than_for_the_moment_and_after_it_not_at_all() {
    let moment = Duration::from_millis(300);
    let (mut desk, peers) = crowded(moment, Abilities::NONE);
    let begin = Instant::now();
    let dribbled = dribble(peers, 1);
    assert_eq!(poll(&mut desk, None), 1);
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "it waits for a crowd"
    );
    // That was no crowd, so the next is not waited for.
    let dribbled = dribble(dribbled.join().unwrap(), CROWD);
    assert!(poll(&mut desk, None) < CROWD);
    dribbled.join().unwrap();
}

#[test]
fn a_timeout_and_a_wake_end_the_gathering() {
    for hide in [
        Abilities::NONE,
        Ability::MinWait.into(),
        Ability::ExtArg.into(),
    ] {
        let (mut desk, peers) = crowded(MOMENT, hide);
        let begin = Instant::now();
        assert_eq!(poll(&mut desk, Some(Duration::from_millis(5))), 0);
        let (mut desk, peers_too) = crowded(MOMENT, hide);
        let waker = desk.uring.unparker();
        let waking = thread::spawn(move || waker.wake());
        assert_eq!(poll(&mut desk, None), 0);
        waking.join().unwrap();
        assert!(begin.elapsed() < Duration::from_secs(30), "it waits on");
        drop((peers, peers_too));
    }
}
