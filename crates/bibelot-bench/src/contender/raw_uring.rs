//! The limit of io_uring: multishot accept and receive into a buffer ring, each buffer sent back from where
//! it lies, one enter per batch.

#![allow(unsafe_code, reason = "a ring entry names memory that must live")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use io_uring::{IoUring, cqueue, opcode, squeue, types};

use super::raw_buffers::{Buffers, GROUP};
use super::{Contender, Role, listen, unsupported};
use crate::cell::Cell;
use crate::watch::Sample;

const ACCEPT: u64 = 1;
const RECEIVE: u64 = 2;
const SEND: u64 = 3;

/// A loop on an io_uring.
pub struct RawUring;

impl Contender for RawUring {
    fn name(&self) -> &'static str {
        "raw-uring"
    }

    fn role(&self) -> Role {
        Role::Limit
    }

    fn is_available(&self) -> bool {
        super::has_io_uring()
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
        let io = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_coop_taskrun()
            .setup_cqsize(8192)
            .build(4096)?;
        let count = (cell.connections() * 2).next_power_of_two() as u16;
        let len = cell.message().0.len().max(1024);
        let mut server = Server {
            buffers: Buffers::register(&io, count, len)?,
            io,
            streams: Vec::new(),
            sends: vec![Piece::default(); usize::from(count)],
            has_lines: matches!(cell, Cell::Lines { .. }),
            open: cell.connections(),
        };
        server.submit(&accept(listener.as_raw_fd()))?;
        let mut ends = Vec::with_capacity(8192);
        while server.open > 0 {
            server.io.submit_and_wait(1)?;
            ends.extend(server.io.completion());
            for end in ends.drain(..) {
                server.settle(&end, listener.as_raw_fd())?;
            }
            server.buffers.publish();
        }
        Ok(())
    }
}

/// What of a buffer is still to be sent, and to whom.
#[derive(Clone, Copy, Default)]
struct Piece {
    stream: u32,
    start: u32,
    end: u32,
}

struct Server {
    // Before the buffers, which the ring's operations use.
    io: IoUring,
    buffers: Buffers,
    streams: Vec<Option<OwnedFd>>,
    /// By buffer.
    sends: Vec<Piece>,
    has_lines: bool,
    open: usize,
}

impl Server {
    fn settle(&mut self, end: &cqueue::Entry, listener: RawFd) -> io::Result<()> {
        let (kind, index) = (end.user_data() >> 32, end.user_data() as u32);
        let has_more = cqueue::more(end.flags());
        match kind {
            ACCEPT => {
                let fd = checked(end.result())? as RawFd;
                // SAFETY: the operating system has just made it, for us.
                let stream = unsafe { OwnedFd::from_raw_fd(fd) };
                rustix::net::sockopt::set_tcp_nodelay(&stream, true)?;
                let index = self.streams.len() as u32;
                self.streams.push(Some(stream));
                self.receive(index)?;
                if !has_more {
                    self.submit(&accept(listener))?;
                }
            }
            RECEIVE => match end.result() {
                0 => {
                    self.streams[index as usize] = None;
                    self.open -= 1;
                }
                result if result == -libc::ENOBUFS => self.receive(index)?,
                result => {
                    let count = checked(result)?;
                    let number = cqueue::buffer_select(end.flags()).ok_or(io::ErrorKind::Other)?;
                    if self.has_lines {
                        super::look_at_lines(&self.buffers.bytes(number)[..count as usize]);
                    }
                    self.sends[usize::from(number)] = Piece {
                        stream: index,
                        start: 0,
                        end: count,
                    };
                    self.send(number)?;
                    if !has_more {
                        self.receive(index)?;
                    }
                }
            },
            _ => {
                let number = index as u16;
                let piece = &mut self.sends[usize::from(number)];
                piece.start += checked(end.result())?;
                if piece.start == piece.end {
                    self.buffers.put(number);
                } else {
                    self.send(number)?;
                }
            }
        }
        Ok(())
    }

    fn fd(&self, stream: u32) -> types::Fd {
        types::Fd(
            self.streams[stream as usize]
                .as_ref()
                .map_or(-1, AsRawFd::as_raw_fd),
        )
    }

    fn receive(&mut self, stream: u32) -> io::Result<()> {
        let entry = opcode::RecvMulti::new(self.fd(stream), GROUP).build();
        self.submit(&entry.user_data(RECEIVE << 32 | u64::from(stream)))
    }

    fn send(&mut self, number: u16) -> io::Result<()> {
        let Piece { stream, start, end } = self.sends[usize::from(number)];
        let bytes = &self.buffers.bytes(number)[start as usize..end as usize];
        let (start, len) = (bytes.as_ptr(), end - start);
        let entry = opcode::Send::new(self.fd(stream), start, len).build();
        self.submit(&entry.user_data(SEND << 32 | u64::from(number)))
    }

    fn submit(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        loop {
            // SAFETY: buffers live until the ring is closed, and one that is being sent is not laid ready.
            let pushed = unsafe { self.io.submission().push(entry) };
            if pushed.is_ok() {
                return Ok(());
            }
            self.io.submit()?;
        }
    }
}

fn accept(listener: RawFd) -> squeue::Entry {
    let entry = opcode::AcceptMulti::new(types::Fd(listener)).build();
    entry.user_data(ACCEPT << 32)
}

fn checked(result: i32) -> io::Result<u32> {
    u32::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result))
}
