//! The server of a cluster: one address, served by all kernels.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{TaskError, Wait};
use bibelot_reactor::Fd;
use bibelot_sync::block_on;

use super::hall::{Dealing, Hall, Handler};
use super::handle::ClusterHandle;
use super::latch::WaitLatch;
use super::task::JoinClusterTask;
use crate::Error;
use crate::net::ListenOptions;
use crate::net::addrs::{Addrs, ToAddrs};
use crate::net::tcp_stream::TcpStream;

/// How the connections of one address come to several kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spread {
    /// One kernel accepts, and hands each connection to the kernel with the least to do, or the one that the
    /// [hook](super::ClusterBuilder::choose) chooses. Loads stay even however long connections last.
    #[default]
    Dispatch,
    /// Each kernel has a listener of its own at the address (`SO_REUSEPORT`), among which the operating system
    /// spreads connections by a hash of their addresses. Nothing is handed over; nor does anybody look at
    /// loads.
    ReusePort,
}

/// A server on all kernels of a cluster; made by [`ClusterHandle::serve`].
///
/// Dropping it lets the server go on by itself, until the cluster ends.
#[derive(Clone)]
pub struct ClusterServer(Arc<Hall>);

impl ClusterHandle {
    /// Listens at `address`, and runs `handler` for each connection, as a task on the kernel with the least to
    /// do.
    ///
    /// It is [`start_server`](crate::start_server) on several kernels: `handler` is shared by them, so it is
    /// `Sync`; the futures that it returns are not, and stay where they were made. What becomes of a handler
    /// that fails is as there. When a kernel is drained,
    /// another one takes its listeners over, and no connection is lost, neither one that is accepted nor one
    /// in the backlog.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::bind`](crate::TcpListener::bind); [`Closed`](Error::Closed) when no kernel takes new
    /// tasks.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, and so does a drop; the server starts, and goes on by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::{Cluster, TcpStream};
    ///
    /// let cluster = Cluster::builder().kernels(2).build()?;
    /// let server = cluster
    ///     .serve("127.0.0.1:0", async |mut client: TcpStream, _peer| {
    ///         while let Some(line) = client.next_line().await? {
    ///             client.write(&line).await?;
    ///         }
    ///         bibelot::Ok(())
    ///     })
    ///     .blocking()?;
    ///
    /// let address = server.local_addr();
    /// let call = cluster.spawn(async move || {
    ///     let mut stream = TcpStream::connect(address).await?;
    ///     stream.write(b"kikorangi\n").await?;
    ///     Ok::<_, bibelot::Error>(stream.next_line().await?.unwrap())
    /// });
    /// assert_eq!(call.unwrap().join_blocking().unwrap().unwrap(), b"kikorangi\n");
    /// server.close();
    /// server.wait_closed().blocking()?;
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn serve<H, R>(&self, address: impl ToAddrs, handler: H) -> StartClusterServer
    where
        H: AsyncFn(TcpStream, SocketAddr) -> R + Send + Sync + 'static,
        R: 'static,
    {
        let listen = ListenOptions::new();
        self.serve_with(address, Spread::default(), listen, handler)
    }

    /// The same, with connections spread and listeners made in other ways.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    #[track_caller]
    pub fn serve_with<H, R>(
        &self,
        address: impl ToAddrs,
        spread: Spread,
        listen: ListenOptions,
        handler: H,
    ) -> StartClusterServer
    where
        H: AsyncFn(TcpStream, SocketAddr) -> R + Send + Sync + 'static,
        R: 'static,
    {
        let (cluster, address) = (self.clone(), address.to_addrs());
        let handler = Arc::new(handler);
        let handler: Handler = Box::new(move |builder, stream, peer| {
            let handler = handler.clone();
            // Its failure is the crash hook's: nobody joins it.
            let task = builder.spawn(async move { handler(stream, peer).await });
            let name = task.name_it();
            task.detach();
            name
        });
        let start =
            self.spawn(async move || start(cluster, address, spread, listen, handler).await);
        StartClusterServer(start.ok().map(|task| task.join()))
    }
}

/// Makes the listeners on one kernel, and has each listened to where it belongs.
async fn start(
    cluster: ClusterHandle,
    address: Addrs,
    spread: Spread,
    listen: ListenOptions,
    handler: Handler,
) -> io::Result<ClusterServer> {
    let shared = cluster.shared().clone();
    let here = cluster.current_kernel().unwrap_or(0);
    let (count, listen, dealing) = match spread {
        Spread::Dispatch => (1, listen, Dealing::Chosen),
        Spread::ReusePort => (cluster.kernels(), listen.reuse_port(true), Dealing::Own),
    };
    let (first, local_addr) = bind(&listen, address).await?;
    let mut fds = vec![first];
    while fds.len() < count {
        let (fd, _) = bind(&listen, local_addr.to_addrs()).await?;
        fds.push(fd);
    }
    let hall = Hall::new(shared, local_addr, handler);
    for (place, fd) in fds.iter().enumerate() {
        if !hall.listen(fd, Some((here + place) % cluster.kernels()), dealing) {
            hall.close();
            return Err(Error::Closed.into());
        }
    }
    Ok(ClusterServer(hall))
}

/// Makes a listener that is nobody's yet.
async fn bind(listen: &ListenOptions, address: Addrs) -> io::Result<(Fd, SocketAddr)> {
    let listener = listen.clone().bind(address).await?;
    Ok((listener.fd()?, listener.local_addr()?))
}

impl ClusterServer {
    /// The address at which it listens, or listened.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.0.local_addr
    }

    /// Stops listening. Connections that were taken off the backlog by then are still served, and handlers
    /// that run go on; [`wait_closed`](Self::wait_closed) waits for them.
    pub fn close(&self) {
        self.0.close();
    }

    /// Asks all handlers that run now to stop.
    pub fn cancel_handlers(&self) {
        self.0.cancel_handlers();
    }

    /// Waits until the server is closed and all its handlers have ended, on all kernels.
    ///
    /// # Errors
    ///
    /// What made a listener fail, once; `Cancelled`.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, and so does a drop; the server is not affected.
    #[track_caller]
    pub fn wait_closed(&self) -> WaitClusterServer {
        WaitClusterServer {
            closed: self.0.closed.wait(Wait::Other),
            hall: self.0.clone(),
        }
    }
}

impl fmt::Debug for ClusterServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterServer")
            .field("local_addr", &self.0.local_addr)
            .field("closed", &self.0.closed)
            .finish()
    }
}

/// The future of [`ClusterHandle::serve`].
#[derive(Debug)]
#[must_use = "it says whether the server was started"]
pub struct StartClusterServer(Option<JoinClusterTask<io::Result<ClusterServer>>>);

impl StartClusterServer {
    /// Waits for it, blocking the thread: for threads without a kernel.
    ///
    /// # Errors
    ///
    /// As [`ClusterHandle::serve`].
    pub fn blocking(self) -> io::Result<ClusterServer> {
        block_on(self)
    }
}

impl Future for StartClusterServer {
    type Output = io::Result<ClusterServer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(start) = &mut self.0 else {
            return Poll::Ready(Err(Error::Closed.into()));
        };
        Poll::Ready(match ready!(Pin::new(start).poll(context)) {
            Ok(started) => started,
            // Its kernel ended under it.
            Err(TaskError::Aborted) => Err(Error::Closed.into()),
            Err(error) => Err(Error::from(error).into()),
        })
    }
}

/// The future of [`ClusterServer::wait_closed`].
#[must_use = "futures do nothing until polled"]
pub struct WaitClusterServer {
    closed: WaitLatch,
    hall: Arc<Hall>,
}

impl WaitClusterServer {
    /// Waits for it, blocking the thread: for threads without a kernel.
    ///
    /// # Errors
    ///
    /// As [`ClusterServer::wait_closed`].
    pub fn blocking(self) -> io::Result<()> {
        block_on(self)
    }
}

impl Future for WaitClusterServer {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match ready!(Pin::new(&mut self.closed).poll(context)) {
            Ok(()) => self.hall.take_failure().map_or(Ok(()), Err),
            Err(cancelled) => Err(cancelled.into()),
        })
    }
}

impl fmt::Debug for WaitClusterServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WaitClusterServer")
            .field(&self.closed)
            .finish()
    }
}
