//! The contenders: everything that runs the cells.
//!
//! A contender is one small module with an implementation of [`Contender`], and a line in
//! [`contenders`].

#[cfg(feature = "peers")]
mod async_channel;
mod bare;
mod bibelot;
#[cfg(feature = "peers")]
mod compio;
#[cfg(feature = "peers")]
mod glommio;
#[cfg(feature = "peers")]
mod joined;
#[cfg(feature = "peers")]
mod monoio;
mod raw_buffers;
mod raw_epoll;
mod raw_uring;
#[cfg(feature = "peers")]
mod serving;
#[cfg(feature = "peers")]
mod smol;
mod sync_alone;
mod thread;
#[cfg(feature = "peers")]
mod tokio;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use ::bibelot::Backend;

use crate::cell::Cell;
use crate::watch::Sample;

/// What a contender is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A hand-written loop without any runtime: as fast as it gets.
    Limit,
    /// bibelot.
    Ours,
    /// A crate of ours without the others.
    Part,
    /// Another runtime.
    #[cfg_attr(not(feature = "peers"), allow(dead_code, reason = "none is built"))]
    Peer,
}

/// Something that runs cells, in a process of its own.
pub trait Contender {
    /// A short name.
    fn name(&self) -> &'static str;

    /// What it is to us.
    fn role(&self) -> Role;

    /// Whether it can run here at all.
    fn is_available(&self) -> bool {
        true
    }

    /// Whether this cell is about such a thing.
    fn has(&self, cell: Cell) -> bool;

    /// Why it cannot take part in this cell all the same.
    fn leaves_out(&self, _: Cell) -> Option<&'static str> {
        None
    }

    /// Runs a cell that needs no network.
    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample>;

    /// Serves the connections of a cell until all of them are closed; tells the port once it listens.
    fn serve(&self, cell: Cell, tell_port: fn(u16)) -> io::Result<()>;
}

/// All contenders, limits first.
pub fn contenders() -> Vec<Box<dyn Contender>> {
    vec![
        Box::new(bare::Bare),
        Box::new(thread::Thread),
        Box::new(raw_uring::RawUring),
        Box::new(raw_epoll::RawEpoll),
        Box::new(bibelot::Bibelot(Backend::Uring)),
        Box::new(bibelot::Bibelot(Backend::Poll)),
        Box::new(bibelot::BibelotUniversal),
        Box::new(sync_alone::SyncAlone::Local),
        Box::new(sync_alone::SyncAlone::Universal),
        #[cfg(feature = "peers")]
        Box::new(tokio::Tokio),
        #[cfg(feature = "peers")]
        Box::new(tokio::TokioCorked),
        #[cfg(feature = "peers")]
        Box::new(monoio::Monoio),
        #[cfg(feature = "peers")]
        Box::new(smol::Smol),
        #[cfg(feature = "peers")]
        Box::new(compio::Compio),
        #[cfg(feature = "peers")]
        Box::new(glommio::Glommio),
        #[cfg(feature = "peers")]
        Box::new(async_channel::AsyncChannel),
    ]
}

/// The contender of this name.
pub fn from_name(name: &str) -> Option<Box<dyn Contender>> {
    contenders().into_iter().find(|it| it.name() == name)
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the operating system grants a ring.
fn has_io_uring() -> bool {
    io_uring::IoUring::new(8).is_ok()
}

/// Where servers listen.
const ADDRESS: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// A listener for loops that are written by hand.
fn listen() -> io::Result<TcpListener> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};
    let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
    let socket: OwnedFd = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddr::from(ADDRESS))?;
    listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

/// Does with lines what a loop written by hand has to do: find out where they end.
fn look_at_lines(bytes: &[u8]) {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    std::hint::black_box(lines.count());
}
