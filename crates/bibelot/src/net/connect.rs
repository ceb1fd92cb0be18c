//! Connecting: one address after another, until one answers.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::io::{Operation, call, operate};
use bibelot_reactor::{Call, Fd, Op};

use super::addrs::{Lookup, ToAddrs, no_address};
use super::tcp_stream::TcpStream;

/// Connects to `address`; the same as [`TcpStream::connect`].
///
/// Curio: `open_connection(host, port)`.
#[track_caller]
pub fn open_connection(address: impl ToAddrs) -> Connect {
    Connect::new(address)
}

/// The future of [`TcpStream::connect`] and [`open_connection`].
#[must_use = "futures do nothing until polled"]
pub struct Connect {
    stage: Stage,
    /// Addresses that are still to be tried, the next one last.
    others: Vec<SocketAddr>,
}

enum Stage {
    Lookup(Lookup),
    Connecting { operation: Operation, socket: Fd },
}

impl Connect {
    #[track_caller]
    pub(super) fn new(address: impl ToAddrs) -> Self {
        Self {
            stage: Stage::Lookup(Lookup::new(address)),
            others: Vec::new(),
        }
    }

    /// Begins with the next address for which there is a socket.
    fn begin_next(&mut self, mut last: io::Error) -> io::Result<()> {
        while let Some(peer) = self.others.pop() {
            match begin(peer) {
                Ok(stage) => {
                    self.stage = stage;
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn begin(peer: SocketAddr) -> io::Result<Stage> {
    let socket = call(Call::Socket { peer })?.into_fd()?;
    call(Call::NoDelay {
        socket: socket.clone(),
        on: true,
    })?;
    let operation = operate(Op::Connect {
        socket: socket.clone(),
        peer,
    });
    Ok(Stage::Connecting { operation, socket })
}

impl Future for Connect {
    type Output = io::Result<TcpStream>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            match &mut this.stage {
                Stage::Lookup(lookup) => {
                    this.others = ready!(Pin::new(lookup).poll(context))?;
                    this.others.reverse();
                    this.begin_next(no_address())?;
                }
                Stage::Connecting { operation, socket } => {
                    match ready!(Pin::new(operation).poll(context)) {
                        Ok((Ok(_), _)) => {
                            return Poll::Ready(Ok(TcpStream::new(socket.clone())));
                        }
                        Ok((Err(error), _)) => this.begin_next(error)?,
                        Err(cancelled) => return Poll::Ready(Err(cancelled.into())),
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::Lookup(lookup) => f.debug_tuple("Connect").field(lookup).finish(),
            Stage::Connecting { socket, .. } => f.debug_tuple("Connect").field(socket).finish(),
        }
    }
}
