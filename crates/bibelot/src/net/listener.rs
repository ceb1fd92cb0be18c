//! The listener: a socket to which connections come.
//!
//! Connections are accepted ahead of whoever asks for them, while somebody asks at all, and kept in the
//! listener's inbox. An accept that is cut leaves its connection there for the next one.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::io::{Object, Receive, call};
use bibelot_reactor::{Call, Fd, ListenHow};

use super::accept::{Accept, CloseListener};
use super::addrs::{Lookup, ToAddrs};

/// How many accepted connections wait in a listener's inbox, unless it shares its port.
const KEPT_MAX: usize = 64;

/// A socket to which connections come.
///
/// # Examples
///
/// ```
/// use bibelot::{TcpListener, TcpStream, spawn};
///
/// # bibelot::run(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// let caller = spawn(async move {
///     let mut stream = TcpStream::connect(address).await?;
///     stream.write(b"hello\n").await
/// });
/// let (mut stream, _peer) = listener.accept().await?;
/// assert_eq!(stream.next_line().await?.unwrap(), b"hello\n");
/// caller.await??;
/// # bibelot::Ok(())
/// # }).unwrap();
/// ```
pub struct TcpListener {
    pub(super) object: Object,
}

impl TcpListener {
    /// Listens at `address`; of several the first that is to be had. Port 0 lets the operating system
    /// choose a port, which [`local_addr`](Self::local_addr) then tells.
    ///
    /// # Errors
    ///
    /// The operating system's own; `Cancelled` while a name is looked up.
    ///
    /// # Panics
    ///
    /// When polled without a kernel on this thread.
    ///
    /// # Cancellation
    ///
    /// Nothing listens then.
    #[track_caller]
    pub fn bind(address: impl ToAddrs) -> Bind {
        Self::options().bind(address)
    }

    /// Listening with other settings.
    pub fn options() -> ListenOptions {
        ListenOptions::new()
    }

    /// Takes a listening socket over, which others may hold, too.
    pub(crate) fn from_fd(fd: Fd, kept_max: usize) -> Self {
        let object = Object::listener(fd, kept_max);
        Self { object }
    }

    /// Its descriptor, while it is open.
    pub(crate) fn fd(&self) -> io::Result<Fd> {
        self.object.fd()
    }

    /// What the next connection arrives as, before it is a stream of this kernel.
    #[track_caller]
    pub(crate) fn arrival(&self) -> Receive {
        self.object.receive()
    }

    /// Takes the next connection.
    ///
    /// # Errors
    ///
    /// The operating system's own, except those that concern one broken connection only, or a want of
    /// descriptors or memory, after which it goes on in a while. [`Busy`](crate::Error::Busy) when
    /// another task waits here. `Cancelled`.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, and so does a drop; a connection that comes meanwhile waits for the next caller.
    #[track_caller]
    pub fn accept(&self) -> Accept {
        Accept::new(&self.object)
    }

    /// The address at which it listens.
    ///
    /// # Errors
    ///
    /// The operating system's own; when it is closed; away from its kernel.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let socket = self.object.fd()?;
        call(Call::LocalAddress { socket })?.into_address()
    }

    /// Stops listening.
    ///
    /// Connections that were taken off the backlog by then are not lost: [`accept`](Self::accept) gives
    /// them out one by one before it says that the listener is closed. Those still in the backlog are
    /// reset by the operating system.
    ///
    /// # Errors
    ///
    /// The operating system's own; `Cancelled`.
    ///
    /// # Cancellation
    ///
    /// The close goes on; only the wait for it is left. Dropped before its first poll it does nothing.
    #[track_caller]
    pub fn close(&self) -> CloseListener {
        CloseListener::new(&self.object)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpListener").field(&self.object).finish()
    }
}

/// How a listener is made.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let listener = bibelot::TcpListener::options()
///     .backlog(128)
///     .bind(("127.0.0.1", 0))
///     .await?;
/// # listener.close().await
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ListenOptions {
    how: ListenHow,
    kept_max: Option<usize>,
}

impl ListenOptions {
    /// A backlog of 1024, on an address that may have been in use a moment ago.
    pub fn new() -> Self {
        Self {
            how: ListenHow::default(),
            kept_max: None,
        }
    }

    /// How many connections may wait for the operating system to hand them over.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.how.backlog = connections;
        self
    }

    /// Whether an address may be taken that was in use a moment ago (`SO_REUSEADDR`); it may.
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.how.reuse_address = on;
        self
    }

    /// Whether several listeners may share the port (`SO_REUSEPORT`). Connections are then taken one at a
    /// time, so that none waits here while another listener is idle.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.how.reuse_port = on;
        self
    }

    /// How many connections are taken ahead of whoever asks for them, at least 1; 64, or 1 where the port
    /// is shared.
    pub fn kept_max(mut self, connections: usize) -> Self {
        self.kept_max = Some(connections);
        self
    }

    /// See [`TcpListener::bind`].
    #[track_caller]
    pub fn bind(self, address: impl ToAddrs) -> Bind {
        Bind {
            lookup: Lookup::new(address),
            options: self,
        }
    }

    fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let how = self.how;
        let fd = call(Call::Listen { address, how })?.into_fd()?;
        // Connections inherit it from their listener, so it costs them no call of their own.
        call(Call::NoDelay {
            socket: fd.clone(),
            on: true,
        })?;
        let kept_max = match self.kept_max {
            Some(kept_max) => kept_max,
            None if how.reuse_port => 1,
            None => KEPT_MAX,
        };
        Ok(TcpListener {
            object: Object::listener(fd, kept_max),
        })
    }
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The future of [`TcpListener::bind`].
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct Bind {
    lookup: Lookup,
    options: ListenOptions,
}

impl Future for Bind {
    type Output = io::Result<TcpListener>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let found = ready!(Pin::new(&mut self.lookup).poll(context))?;
        let mut last = None;
        for address in found {
            match self.options.listen(address) {
                Ok(listener) => return Poll::Ready(Ok(listener)),
                Err(error) => last = Some(error),
            }
        }
        Poll::Ready(Err(last.unwrap_or_else(super::addrs::no_address)))
    }
}
