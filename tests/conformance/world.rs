//! The world: a reactor in the hands of a script.
//!
//! It gives out tokens, keeps completions until the script asks for them, and waits for one at most so
//! long that a reactor that never answers is a failure and not a hang.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::task::Waker;
use std::time::{Duration, Instant};

use bibelot_reactor::{
    Buf, Call, Completion, Fd, Lawful, ListenHow, Op, Outcome, Reactor, Reply, Token,
};

use crate::backends::Backend;
use crate::streams::send;

/// How long anything may take on this machine before it is called lost.
const LOST: Duration = Duration::from_secs(20);

pub struct World {
    pub backend: Backend,
    /// `None` once it was ended.
    reactor: Option<Lawful<Box<dyn Reactor>>>,
    arrived: HashMap<Token, VecDeque<Completion>>,
    free: Vec<Token>,
    slots: u32,
}

impl World {
    pub fn new(backend: Backend, reactor: Box<dyn Reactor>) -> Self {
        assert_eq!(reactor.name(), backend.kind);
        let mut reactor = Lawful::new(reactor);
        if backend.is_real() {
            reactor = reactor.slices(Duration::from_secs(5));
        }
        Self {
            backend,
            reactor: Some(reactor),
            arrived: HashMap::new(),
            free: Vec::new(),
            slots: 0,
        }
    }

    /// A token that is not in use; slots come back with another generation.
    pub fn token(&mut self) -> Token {
        if let Some(token) = self.free.pop() {
            return Token::new(token.slot(), token.generation().wrapping_add(1));
        }
        self.slots += 1;
        Token::new(self.slots - 1, 0)
    }

    pub fn submit(&mut self, op: Op) -> Token {
        let token = self.token();
        if let Some(completion) = self.reactor().submit(token, op) {
            self.arrive(completion);
        }
        token
    }

    pub fn submit_quietly(&mut self, op: Op) -> Token {
        let token = self.token();
        if let Some(completion) = self.reactor().submit_quietly(token, op) {
            self.arrive(completion);
        }
        token
    }

    pub fn cancel(&mut self, token: Token) {
        self.reactor().cancel(token);
    }

    pub fn call(&mut self, call: Call) -> io::Result<Reply> {
        self.reactor().call(call)
    }

    pub fn is_still(&mut self) -> bool {
        self.reactor().is_still()
    }

    pub fn unparker(&mut self) -> Waker {
        self.reactor().unparker()
    }

    pub fn in_flight(&mut self) -> usize {
        self.reactor().in_flight()
    }

    /// Drops the reactor, whatever is in flight.
    pub fn end(&mut self) {
        self.reactor = None;
    }

    fn reactor(&mut self) -> &mut Lawful<Box<dyn Reactor>> {
        self.reactor.as_mut().expect("it has not been ended")
    }

    /// Polls once, and keeps what came. How much that was.
    pub fn poll(&mut self, timeout: Option<Duration>) -> usize {
        let mut ends = Vec::new();
        self.reactor()
            .poll(timeout, &mut ends)
            .expect("the reactor works");
        let count = ends.len();
        ends.into_iter()
            .for_each(|completion| self.arrive(completion));
        count
    }

    /// Lets everything happen that will happen without further doing.
    pub fn settle(&mut self) {
        let mut still = 0;
        while still < 4 {
            still = match self.poll(Some(Duration::from_millis(2))) {
                0 => still + 1,
                _ => 0,
            };
        }
    }

    /// Whether a completion of `token` is here.
    pub fn has(&self, token: Token) -> bool {
        self.arrived.contains_key(&token)
    }

    /// The next completion of `token`.
    pub fn next(&mut self, token: Token) -> Completion {
        let begin = Instant::now();
        for _ in 0..100_000 {
            if let Some(completion) = self.take(token) {
                return completion;
            }
            assert!(begin.elapsed() < LOST, "{token:?} has not ended");
            self.poll(Some(Duration::from_secs(1)));
        }
        panic!("{token:?} has not ended in 100,000 polls");
    }

    /// The next completion of `token` that is here already.
    pub fn take(&mut self, token: Token) -> Option<Completion> {
        let queue = self.arrived.get_mut(&token)?;
        let completion = queue.pop_front();
        if queue.is_empty() {
            self.arrived.remove(&token);
        }
        completion
    }

    /// Runs an operation that is no flow to its end.
    pub fn run(&mut self, op: Op) -> Completion {
        let token = self.submit(op);
        let end = self.next(token);
        assert!(!end.more);
        end
    }

    /// Runs an operation whose end counts.
    pub fn count(&mut self, op: Op) -> (usize, Buf) {
        let end = self.run(op);
        match (end.result, end.buf) {
            (Ok(Outcome::Count(count)), Some(buf)) => (count, buf),
            (result, _) => panic!("expected a count, came {result:?}"),
        }
    }

    /// Runs an operation to its end, which must be `Done`.
    pub fn done(&mut self, op: Op) {
        let end = self.run(op);
        assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
    }

    /// Runs an operation that must fail.
    pub fn error(&mut self, op: Op) -> io::Error {
        self.run(op).result.expect_err("it must fail")
    }

    /// Ends a flow: cancels it and takes what it still brings.
    pub fn stop(&mut self, token: Token) -> Vec<Completion> {
        self.cancel(token);
        let mut items = Vec::new();
        loop {
            let completion = self.next(token);
            let more = completion.more;
            if !matches!(completion.result, Ok(Outcome::Paused)) {
                items.push(completion);
            }
            if !more {
                return items;
            }
        }
    }

    pub fn listen_how(&mut self, how: ListenHow) -> (Fd, SocketAddr) {
        let address = "127.0.0.1:0".parse().unwrap();
        let listener = self.call(Call::Listen { address, how }).unwrap();
        let listener = listener.into_fd().unwrap();
        let address = self.local_address(&listener);
        (listener, address)
    }

    pub fn listen(&mut self) -> (Fd, SocketAddr) {
        self.listen_how(ListenHow::default())
    }

    pub fn local_address(&mut self, socket: &Fd) -> SocketAddr {
        let socket = socket.clone();
        let reply = self.call(Call::LocalAddress { socket }).unwrap();
        reply.into_address().unwrap()
    }

    pub fn socket(&mut self, peer: SocketAddr) -> Fd {
        self.call(Call::Socket { peer }).unwrap().into_fd().unwrap()
    }

    pub fn connect(&mut self, peer: SocketAddr) -> Fd {
        let socket = self.socket(peer);
        self.done(Op::Connect {
            socket: socket.clone(),
            peer,
        });
        socket
    }

    pub fn accept(&mut self, listener: &Fd) -> Fd {
        let end = self.run(Op::Accept {
            listener: listener.clone(),
            many: false,
        });
        match end.result {
            Ok(Outcome::Accepted { socket, .. }) => socket,
            other => panic!("expected a connection, came {other:?}"),
        }
    }

    /// Two ends of a connection.
    pub fn pair(&mut self) -> (Fd, Fd) {
        let (listener, address) = self.listen();
        let ours = self.connect(address);
        let theirs = self.accept(&listener);
        (ours, theirs)
    }

    /// Sends all of `data`, in as many operations as it takes.
    pub fn send_all(&mut self, socket: &Fd, data: &[u8]) {
        let mut left = data;
        while !left.is_empty() {
            let (count, _) = self.count(send(socket, left));
            left = &left[count..];
        }
    }

    pub fn close(&mut self, fd: Fd) {
        self.done(Op::Close { fd });
    }

    fn arrive(&mut self, completion: Completion) {
        if !completion.more {
            self.free.push(completion.token);
        }
        let token = completion.token;
        self.arrived.entry(token).or_default().push_back(completion);
    }
}
