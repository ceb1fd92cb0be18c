//! The load: one thread that keeps every connection busy with one message after the other.
//!
//! A loop on epoll, level-triggered: a connection whose reply is complete sends its next message at
//! once, until the round's messages have been sent.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use crate::histogram::Histogram;

/// How long a reply may take before the server counts as stuck.
const PATIENCE: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

/// After so many connections the server has to answer on the last of them, so that never more wait to be accepted
/// than fit its backlog: what does not fit is tried again after a second.
const AT_ONCE: usize = 64;

/// What the generator saw.
#[derive(Debug)]
pub struct Seen {
    /// How many messages came back.
    pub messages: u64,
    /// How long that took.
    pub wall: Duration,
    /// How long each message took.
    pub latencies: Histogram,
}

/// The connections to one server.
pub struct Load {
    message: Vec<u8>,
    connections: Vec<Connection>,
    epoll: std::os::fd::OwnedFd,
    scratch: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    /// How many bytes of the message have been sent; the socket may not take a large one at once.
    sent: usize,
    /// How many bytes of the reply are missing.
    missing: usize,
    /// How many messages are left to send.
    left: u64,
    sent_at: Instant,
}

impl Load {
    /// Connects to the server on this machine.
    pub fn connect(port: u16, connections: usize, message: Vec<u8>) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut load = Self {
            scratch: vec![0; message.len().max(64 * 1024)],
            message,
            connections: Vec::with_capacity(connections),
            epoll,
        };
        for index in 0..connections {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_nodelay(true)?;
            if (index + 1) % AT_ONCE == 0 {
                load.greet(&mut stream)?;
            }
            stream.set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&load.epoll, &stream, data, epoll::EventFlags::IN)?;
            load.connections.push(Connection {
                stream,
                sent: 0,
                missing: 0,
                left: 0,
                sent_at: Instant::now(),
            });
        }
        Ok(load)
    }

    /// Sends one message and waits for its reply.
    fn greet(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(PATIENCE.tv_sec as u64)))?;
        stream.write_all(&self.message)?;
        let reply = &mut self.scratch[..self.message.len()];
        stream.read_exact(reply)
    }

    /// Sends so many messages over each connection, each after the reply to the one before.
    pub fn run(&mut self, each: u64) -> io::Result<Seen> {
        let began = Instant::now();
        let mut seen = Seen {
            messages: 0,
            wall: Duration::ZERO,
            latencies: Histogram::new(),
        };
        for connection in &mut self.connections {
            connection.left = each;
            connection.send(&self.message)?;
        }
        let mut busy = self.connections.len();
        let mut events = Vec::with_capacity(1024);
        while busy > 0 {
            events.clear();
            let spare = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.epoll, spare, Some(&PATIENCE)) {
                Ok(0) => return Err(io::Error::other("no reply came for ten seconds")),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                let connection = &mut self.connections[event.data.u64() as usize];
                if !connection.receive(&mut self.scratch)? {
                    connection.send_on(&self.message)?;
                    continue;
                }
                seen.latencies.add(connection.sent_at.elapsed());
                seen.messages += 1;
                if connection.left > 0 {
                    connection.send(&self.message)?;
                } else {
                    busy -= 1;
                }
            }
        }
        seen.wall = began.elapsed();
        Ok(seen)
    }
}

impl Connection {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.left -= 1;
        self.sent = 0;
        self.missing = message.len();
        self.sent_at = Instant::now();
        self.send_on(message)
    }

    /// Sends what there is room for. The rest goes when some of the reply has made room.
    fn send_on(&mut self, message: &[u8]) -> io::Result<()> {
        while self.sent < message.len() {
            match self.stream.write(&message[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the reply is complete.
    fn receive(&mut self, scratch: &mut [u8]) -> io::Result<bool> {
        let count = match self.stream.read(scratch) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        if count > self.missing {
            return Err(io::Error::other("more came back than was sent"));
        }
        self.missing -= count;
        Ok(self.missing == 0)
    }
}
