//! The drop: ten thousand operations in flight, and nothing left behind.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use bibelot_poll::{Poll, PollConfig};
use bibelot_reactor::{Buf, Call, Fd, Home, Interest, Job, Lawful, Op, Reactor, Token};

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn ten_thousand_operations_in_flight_are_freed_and_closed() {
    const SOCKETS: u32 = 100;
    let before = open_descriptors();
    let home = Arc::new(Home::new(16));
    let held = Arc::new(());
    let mut reactor = Lawful::new(Poll::new(PollConfig::default()).unwrap());
    let mut slots = 0..;
    let mut submit = |reactor: &mut Lawful<Poll>, op| {
        let token = Token::new(slots.next().unwrap(), 0);
        reactor.submit(token, op)
    };
    let mut peers = Vec::new();
    for _ in 0..SOCKETS {
        let (theirs, ours) = UnixStream::pair().unwrap();
        peers.push(ours);
        let socket = OwnedFd::from(theirs);
        let socket: Fd = reactor
            .call(Call::Adopt { socket })
            .unwrap()
            .into_fd()
            .unwrap();
        for at in 0..99 {
            let op = match at % 3 {
                0 => Op::Receive {
                    socket: socket.clone(),
                },
                1 => Op::ReceiveInto {
                    socket: socket.clone(),
                    buf: Buf::lent(vec![0; 16], home.clone()),
                },
                _ => Op::Ready {
                    fd: socket.clone(),
                    interest: Interest::Readable,
                },
            };
            assert!(submit(&mut reactor, op).is_none());
        }
        let held = held.clone();
        submit(&mut reactor, Op::Job(Job::new(move || drop(held))));
    }
    assert!(reactor.in_flight() >= 9_900);
    drop(reactor);
    for mut peer in peers {
        assert_eq!(peer.read(&mut [0]).unwrap(), 0, "its other end is closed");
    }
    assert_eq!(home.take_back().len(), 3_300);
    assert_eq!(Arc::strong_count(&held), 1);
    assert_eq!(open_descriptors(), before);
}
