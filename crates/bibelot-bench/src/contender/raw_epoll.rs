//! The limit of polling: a loop on epoll, with a try before each wait and nothing kept that can be spared.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::{Contender, Role, listen, unsupported};
use crate::cell::Cell;
use crate::watch::Sample;

/// The listener's name among the connections.
const LISTENER: u64 = u64::MAX;

/// A loop on epoll.
pub struct RawEpoll;

impl Contender for RawEpoll {
    fn name(&self) -> &'static str {
        "raw-epoll"
    }

    fn role(&self) -> Role {
        Role::Limit
    }

    fn has(&self, cell: Cell) -> bool {
        cell.has_network()
    }

    fn compute(&self, _: Cell, _: u64) -> io::Result<Sample> {
        unsupported()
    }

    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
        let listener = listen()?;
        tell_port(listener.local_addr()?.port());
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &listener,
            EventData::new_u64(LISTENER),
            EventFlags::IN,
        )?;
        let mut server = Server {
            epoll,
            streams: Vec::new(),
            scratch: vec![0; 64 * 1024],
            has_lines: matches!(cell, Cell::Lines { .. }),
        };
        let mut open = cell.connections();
        let mut events = Vec::with_capacity(1024);
        while open > 0 {
            events.clear();
            match epoll::wait(&server.epoll, spare_capacity(&mut events), None) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                match event.data.u64() {
                    LISTENER => server.adopt(listener.accept()?.0)?,
                    index => open -= usize::from(server.answer(index as usize)?),
                }
            }
        }
        Ok(())
    }
}

struct Server {
    epoll: OwnedFd,
    streams: Vec<Option<TcpStream>>,
    scratch: Vec<u8>,
    has_lines: bool,
}

impl Server {
    fn adopt(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let data = EventData::new_u64(self.streams.len() as u64);
        epoll::add(&self.epoll, &stream, data, EventFlags::IN)?;
        self.streams.push(Some(stream));
        Ok(())
    }

    /// Sends back what has come; whether that was the end.
    fn answer(&mut self, index: usize) -> io::Result<bool> {
        let Some(stream) = &mut self.streams[index] else {
            return Ok(false);
        };
        let count = match stream.read(&mut self.scratch) {
            Ok(0) => {
                self.streams[index] = None;
                return Ok(true);
            }
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        let bytes = &self.scratch[..count];
        if self.has_lines {
            super::look_at_lines(bytes);
        }
        // The other side waits for it, so there is room.
        stream.write_all(bytes)?;
        Ok(false)
    }
}
