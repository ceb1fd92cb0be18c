//! A driver for tests: under watch of the contract's laws, submits operations to a simulated world and waits for their ends.

#![allow(dead_code, reason = "each test file uses its own part of the driver")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bibelot_reactor::{
    Buf, Call, Completion, Fd, Lawful, ListenHow, Op, Outcome, Reactor, Reply, Token,
};
use bibelot_sim::{Sim, SimClock, SimReactor};
use bibelot_timer::Clock;

pub struct Drive {
    pub reactor: Lawful<SimReactor>,
    pub clock: SimClock,
    came: VecDeque<Completion>,
    next: u32,
}

impl Drive {
    pub fn new(sim: Sim) -> Self {
        let (reactor, clock, _) = sim.into_parts();
        Self {
            reactor: Lawful::new(reactor),
            clock,
            came: VecDeque::new(),
            next: 0,
        }
    }

    pub fn submit(&mut self, op: Op) -> Token {
        self.next += 1;
        let token = Token::new(self.next, 7);
        self.came.extend(self.reactor.submit(token, op));
        token
    }

    /// Polls once; whether anything came.
    pub fn poll(&mut self, timeout: Option<Duration>) -> std::io::Result<bool> {
        let mut ends = Vec::new();
        self.reactor.poll(timeout, &mut ends)?;
        let any = !ends.is_empty();
        self.came.extend(ends);
        Ok(any)
    }

    /// The next completion of `token` that has come.
    pub fn take(&mut self, token: Token) -> Option<Completion> {
        let place = self.came.iter().position(|end| end.token == token)?;
        self.came.remove(place)
    }

    /// The next completion of any operation, waited for.
    pub fn next(&mut self) -> Completion {
        while self.came.is_empty() {
            self.poll(None).unwrap();
        }
        self.came.pop_front().unwrap()
    }

    /// The next completion of `token`, waited for.
    pub fn wait(&mut self, token: Token) -> Completion {
        loop {
            if let Some(end) = self.take(token) {
                return end;
            }
            self.poll(None).unwrap();
        }
    }

    /// Runs one operation to its next completion.
    pub fn run(&mut self, op: Op) -> Completion {
        let token = self.submit(op);
        self.wait(token)
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, span: Duration) {
        let until = self.clock.now() + span;
        while self.clock.now() < until {
            let left = until - self.clock.now();
            self.poll(Some(left)).unwrap();
        }
        self.poll(Some(Duration::ZERO)).unwrap();
    }

    pub fn call(&mut self, call: Call) -> Reply {
        self.reactor.call(call).unwrap()
    }

    pub fn listen(&mut self, address: &str) -> (Fd, SocketAddr) {
        self.listen_with(address, ListenHow::default())
    }

    pub fn listen_with(&mut self, address: &str, how: ListenHow) -> (Fd, SocketAddr) {
        let address = address.parse().unwrap();
        let listener = self.call(Call::Listen { address, how }).into_fd().unwrap();
        let address = self.local(&listener);
        (listener, address)
    }

    pub fn local(&mut self, socket: &Fd) -> SocketAddr {
        let socket = socket.clone();
        let reply = self.call(Call::LocalAddress { socket });
        reply.into_address().unwrap()
    }

    pub fn socket(&mut self, peer: SocketAddr) -> Fd {
        self.call(Call::Socket { peer }).into_fd().unwrap()
    }

    pub fn connect(&mut self, peer: SocketAddr) -> Fd {
        let socket = self.socket(peer);
        let end = self.run(Op::Connect {
            socket: socket.clone(),
            peer,
        });
        assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
        socket
    }

    pub fn accept(&mut self, listener: &Fd) -> Fd {
        let listener = listener.clone();
        let many = false;
        match self.run(Op::Accept { listener, many }).result {
            Ok(Outcome::Accepted { socket, .. }) => socket,
            other => panic!("{other:?}"),
        }
    }

    /// Two ends of a connection: who called, who was called.
    pub fn pair(&mut self) -> (Fd, Fd) {
        let (listener, address) = self.listen("127.0.0.1:0");
        let caller = self.connect(address);
        let called = self.accept(&listener);
        (caller, called)
    }

    pub fn send(&mut self, socket: &Fd, data: &[u8]) -> Token {
        let socket = socket.clone();
        let buf = Buf::from(data.to_vec());
        self.submit(Op::Send { socket, buf })
    }

    /// Sends all of `data`, which must find room.
    pub fn send_all(&mut self, socket: &Fd, mut data: &[u8]) {
        while !data.is_empty() {
            let token = self.send(socket, data);
            data = &data[count(&self.wait(token))..];
        }
    }

    pub fn receive_into(&mut self, socket: &Fd, room: usize) -> Token {
        let socket = socket.clone();
        let buf = Buf::with_capacity(room);
        self.submit(Op::ReceiveInto { socket, buf })
    }

    /// Receives up to the end of the stream.
    pub fn receive_all(&mut self, socket: &Fd) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let token = self.receive_into(socket, 4096);
            let end = self.wait(token);
            if count(&end) == 0 {
                return all;
            }
            all.extend_from_slice(&end.buf.unwrap());
        }
    }

    pub fn close(&mut self, fd: Fd) {
        let end = self.run(Op::Close { fd });
        assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
    }
}

/// The count that an operation ended with.
pub fn count(end: &Completion) -> usize {
    match &end.result {
        Ok(Outcome::Count(count)) => *count,
        other => panic!("no count but {other:?}"),
    }
}

/// The kind of the error that an operation ended with.
pub fn kind(end: &Completion) -> std::io::ErrorKind {
    match &end.result {
        Err(error) => error.kind(),
        Ok(other) => panic!("no error but {other:?}"),
    }
}
