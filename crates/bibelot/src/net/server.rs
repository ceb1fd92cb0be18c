//! The server: a task that accepts, and a task for each connection.
//!
//! The server's own task is all of its state; its handle is a name. It is told to close by a cancel, once,
//! and to end its handlers by an interrupt, so both can be asked for from any thread.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{AsCancelled, Cause, Join, Task, TaskBuilder, TaskError, TaskId, TaskName};

use super::addrs::ToAddrs;
use super::listener::{Bind, TcpListener};
use super::tcp_stream::TcpStream;
use crate::Error;

/// A running server; made by [`start_server`] and [`serve`].
///
/// Dropping it lets the server go on by itself, until the kernel ends: the kernel's shutdown closes it
/// and cancels its handlers.
///
/// Curio: `tcp_server`; asyncio: `Server`.
pub struct Server {
    task: Task<io::Result<()>>,
    local_addr: SocketAddr,
}

/// Listens at `address`, and runs `handler` for each connection, as a task of its own.
///
/// One that fails or panics ends its own connection only, and the [crash hook](crate::set_crash_hook) is
/// told; other values are dropped. A handler
/// owns its stream, which is closed with it. When the operating system is short of descriptors or memory
/// the server goes on in a while; what ends a listener for good ends the server, and
/// [`wait_closed`](Server::wait_closed) tells.
///
/// # Errors
///
/// As [`TcpListener::bind`].
///
/// # Panics
///
/// When polled without a kernel on this thread.
///
/// # Cancellation
///
/// No server runs then.
///
/// # Examples
///
/// ```
/// use bibelot::{TcpStream, start_server};
///
/// # bibelot::run(async {
/// let server = start_server("127.0.0.1:0", async |mut client: TcpStream, _peer| {
///     while let Some(line) = client.next_line().await? {
///         client.write(&line).await?;
///     }
///     bibelot::Ok(())
/// })
/// .await?;
///
/// let mut stream = TcpStream::connect(server.local_addr()).await?;
/// stream.write(b"stilton\n").await?;
/// assert_eq!(stream.next_line().await?.unwrap(), b"stilton\n");
/// drop(stream);
///
/// server.close();
/// server.wait_closed().await?;
/// # bibelot::Ok(())
/// # }).unwrap();
/// ```
#[track_caller]
#[doc(alias = "tcp_server")]
#[doc(alias = "run_server")]
pub fn start_server<H, R>(address: impl ToAddrs, handler: H) -> StartServer<H, R>
where
    H: AsyncFn(TcpStream, SocketAddr) -> R + 'static,
    R: 'static,
{
    StartServer {
        bind: TcpListener::bind(address),
        handler: Some(handler),
        returned: PhantomData,
    }
}

/// Runs `handler` for each connection of `listener`; see [`start_server`].
///
/// # Errors
///
/// When the listener is closed, or away from its kernel.
///
/// # Panics
///
/// Without a kernel on this thread.
#[track_caller]
pub fn serve<H, R>(listener: TcpListener, handler: H) -> io::Result<Server>
where
    H: AsyncFn(TcpStream, SocketAddr) -> R + 'static,
    R: 'static,
{
    let local_addr = listener.local_addr()?;
    let task = TaskBuilder::new()
        .name(format!("server at {local_addr}"))
        .spawn(run(listener, handler));
    Ok(Server { task, local_addr })
}

impl Server {
    /// The address at which it listens, or listened.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops listening. Connections that were taken off the backlog by then are still served, and
    /// handlers go on to their ends, which [`wait_closed`](Self::wait_closed) waits for.
    ///
    /// It may be called on any thread, and again.
    pub fn close(&self) {
        self.task.cancel_nowait();
    }

    /// Cancels the handlers that run now. With [`close`](Self::close) before it that is all of them.
    ///
    /// It may be called on any thread.
    pub fn cancel_handlers(&self) {
        self.task.interrupt();
    }

    /// Waits until the server is closed and all its handlers have ended.
    ///
    /// # Errors
    ///
    /// What made the listener fail, once; `Cancelled`; when it is asked away from its kernel.
    ///
    /// # Cancellation
    ///
    /// Leaves at once, and so does a drop; the server is not affected.
    #[track_caller]
    pub fn wait_closed(&self) -> WaitClosed {
        WaitClosed(self.task.join())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("task", &self.task.id())
            .field("local_addr", &self.local_addr)
            .finish()
    }
}

/// The life of a server.
async fn run<H, R>(listener: TcpListener, handler: H) -> io::Result<()>
where
    H: AsyncFn(TcpStream, SocketAddr) -> R + 'static,
    R: 'static,
{
    let handlers = Handlers::new(handler);
    let served = match handlers.serve(&listener).await {
        error if error.is_cancelled() => Ok(()),
        error => Err(error),
    };
    while let Err(error) = listener.close().await
        && is_interrupt(&error)
    {
        handlers.cancel();
    }
    // What was taken off the backlog is there and served, until the listener says that it is closed.
    let _closed = handlers.serve(&listener).await;
    while let Some(handler) = handlers.any() {
        if handler.wait().await.is_err() {
            handlers.cancel();
        }
    }
    served
}

fn is_interrupt(error: &io::Error) -> bool {
    error
        .as_cancelled()
        .is_some_and(|told| matches!(told.cause(), Cause::Interrupt))
}

/// The tasks of a server's connections.
struct Handlers<H> {
    handler: Rc<H>,
    running: Rc<RefCell<BTreeMap<TaskId, TaskName>>>,
    builder: TaskBuilder,
}

impl<H, R> Handlers<H>
where
    H: AsyncFn(TcpStream, SocketAddr) -> R + 'static,
    R: 'static,
{
    fn new(handler: H) -> Self {
        let running = Rc::new(RefCell::<BTreeMap<_, _>>::default());
        let ended = running.clone();
        let builder = TaskBuilder::new().name("connection").on_end(move |id| {
            ended.borrow_mut().remove(&id);
        });
        Self {
            handler: Rc::new(handler),
            running,
            builder,
        }
    }

    /// Starts a handler for each connection, until there are no more, or the server is asked to stop.
    async fn serve(&self, listener: &TcpListener) -> io::Error {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.start(stream, peer),
                Err(error) if is_interrupt(&error) => self.cancel(),
                Err(error) => return error,
            }
        }
    }

    fn start(&self, stream: TcpStream, peer: SocketAddr) {
        let handler = self.handler.clone();
        // Its failure is the crash hook's: nobody joins it.
        let task = self
            .builder
            .clone()
            .spawn(async move { handler(stream, peer).await });
        self.running.borrow_mut().insert(task.id(), task.name_it());
        task.detach();
    }

    /// Asks all that run to stop.
    fn cancel(&self) {
        let running: Vec<TaskName> = self.running.borrow().values().copied().collect();
        for handler in running {
            handler.cancel_nowait();
        }
    }

    /// One that runs.
    fn any(&self) -> Option<TaskName> {
        self.running.borrow().values().next().copied()
    }
}

/// The future of [`start_server`].
#[must_use = "futures do nothing until polled"]
pub struct StartServer<H, R> {
    bind: Bind,
    handler: Option<H>,
    returned: PhantomData<fn() -> R>,
}

impl<H: Unpin, R> Unpin for StartServer<H, R> {}

impl<H, R> Future for StartServer<H, R>
where
    H: AsyncFn(TcpStream, SocketAddr) -> R + Unpin + 'static,
    R: 'static,
{
    type Output = io::Result<Server>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let listener = ready!(Pin::new(&mut this.bind).poll(context))?;
        let handler = this.handler.take();
        Poll::Ready(serve(listener, handler.expect("it is started once")))
    }
}

impl<H, R> fmt::Debug for StartServer<H, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StartServer").field(&self.bind).finish()
    }
}

/// The future of [`Server::wait_closed`].
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct WaitClosed(Join<io::Result<()>>);

impl Future for WaitClosed {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let joined = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(match joined {
            Ok(served) => served,
            // Somebody has waited for it before.
            Err(TaskError::Taken) => Ok(()),
            Err(error) => Err(Error::from(error).into()),
        })
    }
}
