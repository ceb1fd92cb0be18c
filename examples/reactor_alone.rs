//! A tiny echo server on a bare reactor: no kernel, no futures, one loop.
//!
//! `cargo run --example reactor_alone` serves three callers on io_uring where it can be had, else on
//! polling, and says what that took. The loop knows the contract only, so it runs on any reactor.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use bibelot_poll::{Poll, PollConfig};
use bibelot_reactor::{Buf, Call, Completion, Fd, ListenHow, Op, Outcome, Reactor, Reply, Token};
use bibelot_uring::{Uring, UringConfig};

const CALLERS: [&str; 3] = ["oxford", "stilton", "roquefort"];

fn main() -> io::Result<()> {
    match Uring::new(UringConfig::default()) {
        Ok(uring) => serve(uring),
        Err(reason) => {
            println!("no io_uring: {reason}");
            serve(Poll::new(PollConfig::default())?)
        }
    }
}

/// Echoes until every caller has hung up.
fn serve<R: Reactor>(reactor: R) -> io::Result<()> {
    println!("serving on {}", reactor.name());
    let mut echo = Echo::new(reactor)?;
    let address = echo.address;
    let callers = CALLERS.map(|name| thread::spawn(move || call(address, name)));
    let mut ends = Vec::new();
    while echo.gone < CALLERS.len() {
        echo.reactor.poll(None, &mut ends)?;
        for completion in ends.drain(..) {
            echo.settle(completion)?;
        }
    }
    for caller in callers {
        caller.join().expect("callers do not panic")?;
    }
    if let Reply::Counters(counters) = echo.reactor.call(Call::Counters)? {
        println!("{counters}");
    }
    Ok(())
}

struct Echo<R> {
    reactor: R,
    address: SocketAddr,
    listener: Fd,
    next_token: u32,
    /// What each token in flight is for.
    tokens: HashMap<Token, Purpose>,
    connections: Vec<Connection>,
    gone: usize,
}

/// What an operation is for; a number is a connection's place.
#[derive(Clone, Copy)]
enum Purpose {
    Accept,
    Receive(usize),
    Send(usize),
}

struct Connection {
    socket: Fd,
    /// What is to be sent. While a send is under way its buffer is with the reactor, and what is sent
    /// next depends on how much that took.
    unsent: VecDeque<Buf>,
    is_sending: bool,
}

impl<R: Reactor> Echo<R> {
    fn new(mut reactor: R) -> io::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let how = ListenHow::default();
        let listener = reactor.call(Call::Listen { address, how })?.into_fd()?;
        let socket = listener.clone();
        let address = reactor
            .call(Call::LocalAddress { socket })?
            .into_address()?;
        let mut echo = Self {
            reactor,
            address,
            listener,
            next_token: 0,
            tokens: HashMap::new(),
            connections: Vec::new(),
            gone: 0,
        };
        echo.accept()?;
        Ok(echo)
    }

    fn accept(&mut self) -> io::Result<()> {
        let listener = self.listener.clone();
        self.submit(
            Purpose::Accept,
            Op::Accept {
                listener,
                many: true,
            },
        )
    }

    fn receive(&mut self, place: usize) -> io::Result<()> {
        let socket = self.connections[place].socket.clone();
        self.submit(Purpose::Receive(place), Op::Receive { socket })
    }

    fn send(&mut self, place: usize) -> io::Result<()> {
        let connection = &mut self.connections[place];
        if connection.is_sending {
            return Ok(());
        }
        let Some(buf) = connection.unsent.pop_front() else {
            return Ok(());
        };
        connection.is_sending = true;
        let socket = connection.socket.clone();
        self.submit(Purpose::Send(place), Op::Send { socket, buf })
    }

    /// Begins an operation, which may end at once.
    fn submit(&mut self, purpose: Purpose, op: Op) -> io::Result<()> {
        let token = Token::new(self.next_token, 0);
        self.next_token += 1;
        self.tokens.insert(token, purpose);
        match self.reactor.submit(token, op) {
            Some(end) => self.settle(end),
            None => Ok(()),
        }
    }

    fn settle(&mut self, completion: Completion) -> io::Result<()> {
        let Completion {
            token,
            result,
            buf,
            more,
        } = completion;
        let purpose = self.tokens[&token];
        if !more {
            self.tokens.remove(&token);
        }
        // A flow may end whenever it likes; whoever wants more says so.
        match (purpose, result?) {
            (Purpose::Accept, outcome) => {
                if let Outcome::Accepted { socket, .. } = outcome {
                    let (unsent, is_sending) = (VecDeque::new(), false);
                    self.connections.push(Connection {
                        socket,
                        unsent,
                        is_sending,
                    });
                    self.receive(self.connections.len() - 1)?;
                }
                if more { Ok(()) } else { self.accept() }
            }
            (Purpose::Receive(_), Outcome::EndOfStream) => {
                self.gone += 1;
                Ok(())
            }
            (Purpose::Receive(place), outcome) => {
                if let Outcome::Received(buf) = outcome {
                    self.connections[place].unsent.push_back(buf);
                    self.send(place)?;
                }
                if more { Ok(()) } else { self.receive(place) }
            }
            (Purpose::Send(place), outcome) => {
                let (Outcome::Count(count), Some(mut buf)) = (outcome, buf) else {
                    unreachable!("a send counts, and gives its buffer back");
                };
                let connection = &mut self.connections[place];
                connection.is_sending = false;
                buf.consume(count);
                if !buf.is_empty() {
                    connection.unsent.push_front(buf);
                }
                self.send(place)
            }
        }
    }
}

/// Says hello a few times and prints what comes back.
fn call(address: SocketAddr, name: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    for number in 1..=3 {
        writeln!(stream, "{name} says {number}")?;
        if let Some(line) = lines.next() {
            println!("echo: {}", line?);
        }
    }
    Ok(())
}
