//! The streams: operations on them in short, and a reader that keeps its place.

use std::io;

use bibelot_reactor::{Buf, Completion, Fd, Op, Outcome, Token};

use crate::world::World;

pub fn send(socket: &Fd, data: &[u8]) -> Op {
    Op::Send {
        socket: socket.clone(),
        buf: Buf::from(data.to_vec()),
    }
}

pub fn receive(socket: &Fd) -> Op {
    Op::Receive {
        socket: socket.clone(),
    }
}

pub fn receive_into(socket: &Fd, capacity: usize) -> Op {
    Op::ReceiveInto {
        socket: socket.clone(),
        buf: Buf::with_capacity(capacity),
    }
}

/// Bytes that tell where in a stream they belong.
pub fn pattern(start: usize, len: usize) -> Vec<u8> {
    (start..start + len)
        .map(|at| (at % 251) as u8 ^ (at / 251 % 256) as u8)
        .collect()
}

/// Reads `len` bytes in large pieces.
pub fn read_exact(world: &mut World, socket: &Fd, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < len {
        let room = (len - bytes.len()).min(1 << 16);
        let (count, buf) = world.count(receive_into(socket, room));
        assert!(count > 0, "the end after {} of {len} bytes", bytes.len());
        bytes.extend_from_slice(&buf);
    }
    bytes
}

/// Reads what is left of a stream in large pieces.
pub fn read_to_end(world: &mut World, socket: &Fd) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let (count, buf) = world.count(receive_into(socket, 1 << 16));
        if count == 0 {
            return bytes;
        }
        bytes.extend_from_slice(&buf);
    }
}

/// Reads a stream by receive flows, which it submits again whenever one ends.
pub struct Reader {
    socket: Fd,
    flow: Option<Token>,
    pub bytes: Vec<u8>,
    /// How the stream ended.
    pub end: Option<io::Result<()>>,
}

impl Reader {
    pub fn new(socket: &Fd) -> Self {
        Self {
            socket: socket.clone(),
            flow: None,
            bytes: Vec::new(),
            end: None,
        }
    }

    /// Makes sure that a flow is under way, and takes one completion of it.
    pub fn step(&mut self, world: &mut World) {
        let flow = match self.flow {
            Some(flow) => flow,
            None => *self.flow.insert(world.submit(receive(&self.socket))),
        };
        let completion = world.next(flow);
        self.note(completion);
    }

    /// Ends the flow, if one is under way.
    pub fn stop(&mut self, world: &mut World) {
        if let Some(flow) = self.flow {
            for completion in world.stop(flow) {
                self.note(completion);
            }
            self.flow = None;
        }
    }

    pub fn read_to(&mut self, world: &mut World, len: usize) {
        while self.bytes.len() < len {
            self.step(world);
            assert!(
                self.end.is_none(),
                "{:?} after {} bytes",
                self.end,
                self.bytes.len()
            );
        }
    }

    pub fn read_to_end(&mut self, world: &mut World) {
        while self.end.is_none() {
            self.step(world);
        }
    }

    fn note(&mut self, completion: Completion) {
        if !completion.more {
            self.flow = None;
        }
        match completion.result {
            Ok(Outcome::Received(buf)) => self.bytes.extend_from_slice(&buf),
            Ok(Outcome::EndOfStream) => self.end = Some(Ok(())),
            Ok(Outcome::Paused) => {}
            Ok(other) => panic!("expected bytes, came {other:?}"),
            Err(error) => self.end = Some(Err(error)),
        }
    }
}
