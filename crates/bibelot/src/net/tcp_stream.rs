//! The TCP stream: a connection, buffered in both directions.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::io::{Close, Object, call};
use bibelot_reactor::{Call, Fd, Reply};

use super::addrs::ToAddrs;
use super::connect::Connect;
use super::halves::{ReadHalf, WriteHalf};
use super::shut_down::ShutDown;
use crate::stream::{Front, reading_methods, writing_methods};

/// A connection.
///
/// It is buffered in both directions: lines and records are read from it directly, and what is written in
/// one turn leaves in one send. Small pieces go out at once (`TCP_NODELAY`), since the turn gathers them
/// already.
///
/// Dropped, it leaves what was written to the kernel, which sends it, within its linger time, and closes
/// the connection; that holds also when the kernel ends. [`close`](Self::close) waits for that and says
/// how it went.
///
/// What was sent arrives, too, although not everything was read: a connection whose peer has not ended, and
/// may still be sending, is not closed, which would reset it, but told that nothing more comes; what arrives
/// is read and forgotten until the peer has taken everything or ends, within the same time. (Once *reading*
/// was [shut down](Self::shutdown), Linux itself resets the connection when something arrives.) What a peer
/// still wants to send when it has taken everything is refused by a reset: read to the end before the close
/// to let it finish.
pub struct TcpStream {
    object: Object,
    front: Front,
}

impl TcpStream {
    /// Connects to `address`; of several, and of those of a name, the first that answers.
    ///
    /// # Errors
    ///
    /// That of the last address that was tried; `Cancelled`.
    ///
    /// # Panics
    ///
    /// When polled without a kernel on this thread.
    ///
    /// # Cancellation
    ///
    /// The connect under way is asked to end, and its end is awaited: one that has succeeded is returned.
    /// Dropped, it goes on as an orphan, whose connection is closed.
    #[track_caller]
    pub fn connect(address: impl ToAddrs) -> Connect {
        Connect::new(address)
    }

    pub(super) fn new(socket: Fd) -> Self {
        Self::from_parts(Object::stream(socket), Front::new())
    }

    pub(super) fn from_parts(object: Object, front: Front) -> Self {
        Self { object, front }
    }

    /// Takes the connection out of its kernel, to be taken to another one, before it was first used: once
    /// something was written to it, or a read of it has waited, it stays.
    ///
    /// # Errors
    ///
    /// The stream itself, where something might be lost on the way, and away from its kernel.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::{Cluster, TcpListener, TcpStream};
    ///
    /// let cluster = Cluster::builder().kernels(1).build()?;
    /// bibelot::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let mut client = TcpStream::connect(listener.local_addr()?).await?;
    ///     let (stream, _) = listener.accept().await?;
    ///     let moving = stream.try_into_moving().expect("nobody has used it");
    ///     let there = cluster.spawn(async move || {
    ///         moving.into_stream().write(b"from another kernel\n").await
    ///     })?;
    ///     there.await??;
    ///     assert_eq!(client.next_line().await?.unwrap(), b"from another kernel\n");
    ///     bibelot::Ok(())
    /// })
    /// .unwrap();
    /// # std::io::Result::Ok(())
    /// ```
    pub fn try_into_moving(self) -> Result<MovingStream, Self> {
        let Self { object, front } = self;
        if front.len() > 0 || front.has_ended() {
            return Err(Self { object, front });
        }
        match object.try_take_out() {
            Ok(socket) => Ok(MovingStream { socket, front }),
            Err(object) => Err(Self { object, front }),
        }
    }

    reading_methods!();

    writing_methods!();

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// The operating system's own; when it is closed; away from its kernel.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        let socket = self.object.fd()?;
        call(Call::PeerAddress { socket })?.into_address()
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// The operating system's own; when it is closed; away from its kernel.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let socket = self.object.fd()?;
        call(Call::LocalAddress { socket })?.into_address()
    }

    /// Whether small pieces go out at once (`TCP_NODELAY`): they do unless this is set otherwise.
    ///
    /// # Errors
    ///
    /// The operating system's own; when it is closed; away from its kernel.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        let socket = self.object.fd()?;
        call(Call::NoDelay { socket, on }).map(drop)
    }

    /// Whether small pieces go out at once.
    ///
    /// # Errors
    ///
    /// The operating system's own; when it is closed; away from its kernel.
    pub fn nodelay(&self) -> io::Result<bool> {
        let socket = self.object.fd()?;
        Ok(matches!(
            call(Call::IsNoDelay { socket })?,
            Reply::Flag(true)
        ))
    }

    /// Takes it apart into a half to read from and one to write to, which may go to different tasks.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        let write = WriteHalf::new(self.object.clone());
        (ReadHalf::new(self.object, self.front), write)
    }

    /// Ends one or both directions. For writing: sends what was written, and then tells the peer that
    /// nothing more comes; nothing is taken from writers any more.
    ///
    /// # Errors
    ///
    /// That of a send that failed; `Cancelled`.
    ///
    /// # Cancellation
    ///
    /// The peer is told all the same; only the wait for it is left. Dropped before its first poll it does
    /// nothing.
    #[track_caller]
    pub fn shutdown(&mut self, how: Shutdown) -> ShutDown<'_> {
        ShutDown::new(&self.object, how)
    }

    /// Sends what was written, closes the connection, and says how that went. What has arrived and was
    /// not read is lost.
    ///
    /// Where nothing is unread and the peer has acknowledged everything, that is at once. Else it waits for
    /// the peer to take what was sent.
    ///
    /// # Errors
    ///
    /// That of a send that failed, or that the peer did not take everything within the kernel's linger time;
    /// `Cancelled`.
    ///
    /// # Cancellation
    ///
    /// The close goes on; only the wait for it is left. Dropped before its first poll it is the same as
    /// dropping the stream.
    #[track_caller]
    pub fn close(self) -> CloseStream {
        CloseStream(self.object.close())
    }
}

/// A connection on its way from one kernel to another; made by [`TcpStream::try_into_moving`].
///
/// Dropped, it closes the connection.
#[derive(Debug)]
#[must_use = "dropped, it closes the connection"]
pub struct MovingStream {
    socket: Fd,
    front: Front,
}

impl MovingStream {
    /// Has this thread's kernel take the connection over.
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    #[track_caller]
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        TcpStream::from_parts(Object::stream(self.socket), self.front)
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream")
            .field("object", &self.object)
            .field("buffered", &self.front.len())
            .finish()
    }
}

/// The future of [`TcpStream::close`].
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct CloseStream(Close);

impl Future for CloseStream {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(closed.unwrap_or_else(|cancelled| Err(cancelled.into())))
    }
}
