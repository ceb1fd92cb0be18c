//! What the tests of this crate share: a desk at which operations are handed in and ends awaited.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use bibelot_reactor::{Buf, Call, Completion, Fd, ListenHow, Op, Outcome, Reactor, Token};
use bibelot_uring::{Abilities, Ability, Uring, UringConfig};

/// So long nothing may happen before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Desk {
    pub uring: Uring,
    pub ends: Vec<Completion>,
    next: u32,
}

impl Desk {
    pub fn new(config: UringConfig) -> Self {
        let uring = Uring::new(config).expect("these tests need io_uring");
        Self {
            uring,
            ends: Vec::new(),
            next: 0,
        }
    }

    pub fn hiding(hide: Abilities) -> Self {
        Self::new(UringConfig {
            hide,
            ..UringConfig::default()
        })
    }

    pub fn submit(&mut self, op: Op) -> Token {
        self.next += 1;
        let token = Token::new(self.next % 5000, self.next / 5000);
        let end = self.uring.submit(token, op);
        self.ends.extend(end);
        token
    }

    pub fn submit_quietly(&mut self, op: Op) -> Token {
        self.next += 1;
        let token = Token::new(self.next % 5000, self.next / 5000);
        let end = self.uring.submit_quietly(token, op);
        self.ends.extend(end);
        token
    }

    /// Waits for the next completion of `token`.
    pub fn next_of(&mut self, token: Token) -> Completion {
        let begin = Instant::now();
        loop {
            if let Some(place) = self.ends.iter().position(|end| end.token == token) {
                return self.ends.remove(place);
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{token:?} does not end: {:?}",
                self.uring
            );
            self.uring
                .poll(Some(Duration::from_secs(1)), &mut self.ends)
                .unwrap();
        }
    }

    /// Waits for the end of `token`, which has no other completion.
    pub fn end_of(&mut self, token: Token) -> Completion {
        let end = self.next_of(token);
        assert!(!end.more, "{end:?}");
        end
    }

    pub fn run(&mut self, op: Op) -> Completion {
        let token = self.submit(op);
        self.end_of(token)
    }

    /// Waits until so many completions have come, and takes them.
    pub fn take(&mut self, count: usize) -> Vec<Completion> {
        let begin = Instant::now();
        while self.ends.len() < count {
            assert!(begin.elapsed() < PATIENCE, "{} of {count}", self.ends.len());
            self.uring
                .poll(Some(Duration::from_secs(1)), &mut self.ends)
                .unwrap();
        }
        std::mem::take(&mut self.ends)
    }

    /// Polls a few times without waiting.
    pub fn look(&mut self) {
        for _ in 0..3 {
            self.uring
                .poll(Some(Duration::ZERO), &mut self.ends)
                .unwrap();
        }
    }

    pub fn listen(&mut self) -> (Fd, SocketAddr) {
        let address = "127.0.0.1:0".parse().unwrap();
        let call = Call::Listen {
            address,
            how: ListenHow::default(),
        };
        let listener = self.uring.call(call).unwrap().into_fd().unwrap();
        let call = Call::LocalAddress {
            socket: listener.clone(),
        };
        (
            listener,
            self.uring.call(call).unwrap().into_address().unwrap(),
        )
    }

    /// A connected pair: ours, and the peer's as a blocking stream.
    pub fn pair(&mut self) -> (Fd, TcpStream) {
        let (ours, theirs) = pair();
        let call = Call::Adopt { socket: ours };
        (self.uring.call(call).unwrap().into_fd().unwrap(), theirs)
    }

    /// A connected pair without a network between, so that what is full stays full until it is read.
    pub fn local_pair(&mut self) -> (Fd, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let call = Call::Adopt {
            socket: ours.into(),
        };
        (self.uring.call(call).unwrap().into_fd().unwrap(), theirs)
    }
}

pub fn pair() -> (OwnedFd, TcpStream) {
    // Finding a free port is slow where many were used just now, so each thread finds one.
    thread_local! {
        static LISTENER: TcpListener = TcpListener::bind("127.0.0.1:0").unwrap();
    }
    let (theirs, ours) = LISTENER.with(|listener| {
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (theirs, listener.accept().unwrap().0)
    });
    theirs.set_read_timeout(Some(PATIENCE)).unwrap();
    (ours.into(), theirs)
}

/// Each ability taken away by itself, then all that an old kernel lacks, then everything.
pub fn worlds() -> Vec<Abilities> {
    let ops = Ability::Accept
        | Ability::Connect
        | Ability::Send
        | Ability::Receive
        | Ability::Close
        | Ability::Read
        | Ability::Write
        | Ability::Sync
        | Ability::Open;
    let mut worlds = vec![Abilities::NONE];
    worlds.extend(Ability::ALL.map(Abilities::from));
    worlds.extend([Abilities::ALL.without(ops), ops, Abilities::ALL]);
    worlds
}

/// Runs a test in each of the [`worlds`], which it names if it fails.
pub fn everywhere(test: impl Fn(&mut Desk)) {
    for hide in worlds() {
        let guard = Naming(hide);
        let mut desk = Desk::hiding(hide);
        test(&mut desk);
        let end = desk.uring.close();
        assert!(end.left.is_empty(), "{end:?}");
        drop(guard);
    }
}

struct Naming(Abilities);

impl Drop for Naming {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("without: {}", self.0);
        }
    }
}

/// How many descriptors this process has open.
pub fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

pub fn count(end: &Completion) -> usize {
    match &end.result {
        Ok(Outcome::Count(count)) => *count,
        other => panic!("{other:?}"),
    }
}

pub fn received(end: Completion) -> Vec<u8> {
    match end.result {
        Ok(Outcome::Received(buf)) => {
            assert!(!buf.is_empty());
            buf.to_vec()
        }
        other => panic!("{other:?}"),
    }
}

pub fn accepted(end: Completion) -> Fd {
    match end.result {
        Ok(Outcome::Accepted { socket, .. }) => socket,
        other => panic!("{other:?}"),
    }
}

pub fn is_paused(end: &Completion) -> bool {
    matches!(end.result, Ok(Outcome::Paused)) && !end.more
}

pub fn data(bytes: &[u8]) -> Buf {
    Buf::from(bytes.to_vec())
}

pub fn read_exactly(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Fills the way to the peer until nothing more goes in.
pub fn fill(desk: &mut Desk, socket: &Fd) -> usize {
    let mut sent = 0;
    loop {
        let token = desk.submit(Op::Send {
            socket: socket.clone(),
            buf: data(&[7; 1 << 16]),
        });
        desk.look();
        desk.uring.cancel(token);
        let end = desk.end_of(token);
        if end.is_cancelled() {
            return sent;
        }
        sent += count(&end);
    }
}
