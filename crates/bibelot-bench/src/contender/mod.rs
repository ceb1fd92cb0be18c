//! The contenders: everything that runs the cells.
//!
//! A contender is one small module with an implementation of [`Contender`], and a line in
//! [`contenders`].

mod bare;
mod bibelot;
#[cfg(feature = "peers")]
mod monoio;
#[cfg(feature = "peers")]
mod tokio;

use std::io;
use std::net::TcpListener;

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
    /// Another runtime.
    #[cfg_attr(not(feature = "peers"), expect(dead_code, reason = "none is built"))]
    Peer,
}

/// Something that runs cells, in a process of its own.
pub trait Contender {
    /// A short name.
    fn name(&self) -> &'static str;

    /// What it is to us.
    fn role(&self) -> Role;

    /// Whether it runs this cell.
    fn has(&self, cell: Cell) -> bool;

    /// Runs a cell that needs no network.
    fn compute(&self, cell: Cell, ops: u64) -> io::Result<Sample>;

    /// Serves the connections of a cell until all of them are closed.
    fn serve(&self, cell: Cell, listener: TcpListener) -> io::Result<()>;
}

/// All contenders, limits first.
pub fn contenders() -> Vec<Box<dyn Contender>> {
    vec![
        Box::new(bare::Bare),
        Box::new(bibelot::Bibelot(Backend::Uring)),
        Box::new(bibelot::Bibelot(Backend::Poll)),
        #[cfg(feature = "peers")]
        Box::new(tokio::Tokio),
        #[cfg(feature = "peers")]
        Box::new(monoio::Monoio),
    ]
}

/// The contender of this name.
pub fn from_name(name: &str) -> Option<Box<dyn Contender>> {
    contenders().into_iter().find(|it| it.name() == name)
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}
