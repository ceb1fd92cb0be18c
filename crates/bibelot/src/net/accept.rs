//! Accepting: the future that waits at a listener's inbox, and the one that waits for its close.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::io::{Arrival, Close, Object, Receive, call};
use bibelot_reactor::{Call, Fd};

use super::tcp_stream::TcpStream;
use crate::Error;

/// The future of [`TcpListener::accept`](crate::TcpListener::accept).
#[must_use = "futures do nothing until polled"]
pub struct Accept(Receive);

impl Accept {
    #[track_caller]
    pub(super) fn new(object: &Object) -> Self {
        Self(object.receive())
    }
}

impl Future for Accept {
    type Output = io::Result<(TcpStream, SocketAddr)>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let arrived = match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(arrived) => arrived,
            Err(cancelled) => Err(cancelled.into()),
        };
        Poll::Ready(match arrived {
            Ok(Some(Arrival::Connection(socket, peer))) => Ok(connection(socket, peer)),
            Ok(Some(Arrival::Bytes(_))) => Err(io::Error::other("a listener brings no bytes")),
            Ok(None) => Err(Error::Closed.into()),
            Err(error) => Err(error),
        })
    }
}

/// A peer that hung up before anybody asked for its address has none any more; what it sent is there all
/// the same, so the connection is given out.
pub(crate) fn connection(socket: Fd, peer: Option<SocketAddr>) -> (TcpStream, SocketAddr) {
    let peer = peer.or_else(|| {
        let socket = socket.clone();
        call(Call::PeerAddress { socket }).ok()?.into_address().ok()
    });
    let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    (TcpStream::new(socket), peer.unwrap_or(nobody))
}

impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Accept").field(&self.0).finish()
    }
}

/// The future of [`TcpListener::close`](crate::TcpListener::close).
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct CloseListener(Close);

impl CloseListener {
    #[track_caller]
    pub(super) fn new(object: &Object) -> Self {
        Self(object.clone().close())
    }
}

impl Future for CloseListener {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(closed.unwrap_or_else(|cancelled| Err(cancelled.into())))
    }
}
