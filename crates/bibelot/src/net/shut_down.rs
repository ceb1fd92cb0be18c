//! Shutting down: the future that ends a direction when everything was sent.

use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::io::{Object, Room, call};
use bibelot_reactor::Call;

/// The future of [`TcpStream::shutdown`](crate::TcpStream::shutdown).
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct ShutDown<'a> {
    object: &'a Object,
    how: Shutdown,
    /// `None` before the first poll.
    sent: Option<Room>,
}

impl<'a> ShutDown<'a> {
    #[track_caller]
    pub(super) fn new(object: &'a Object, how: Shutdown) -> Self {
        Self {
            object,
            how,
            sent: None,
        }
    }

    fn read_side(&self) -> io::Result<()> {
        let socket = self.object.fd()?;
        let how = Shutdown::Read;
        call(Call::Shutdown { socket, how }).map(drop)
    }
}

impl Future for ShutDown<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.how != Shutdown::Write && self.sent.is_none() {
            self.read_side()?;
        }
        if self.how == Shutdown::Read {
            return Poll::Ready(Ok(()));
        }
        let object = self.object;
        let sent = self.sent.get_or_insert_with(|| {
            object.finish();
            object.room(0)
        });
        let sent = ready!(Pin::new(sent).poll(context));
        Poll::Ready(sent.unwrap_or_else(|cancelled| Err(cancelled.into())))
    }
}
