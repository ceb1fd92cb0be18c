//! Signals: waiting for somebody to say that it is enough.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::io::{Object, Receive, call};
use bibelot_reactor::{Call, Reply};

/// A signal that asks a process to end.
///
/// Their numbers are the same on every Unix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGHUP`: its terminal is gone.
    HangUp = 1,
    /// `SIGINT`: Ctrl-C.
    Interrupt = 2,
    /// `SIGTERM`: `kill`, and what ends services.
    Terminate = 15,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::HangUp => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// Waits until somebody presses Ctrl-C (the process gets `SIGINT`).
///
/// From this call on, also before the first poll, Ctrl-C is heard here, and does not end the process by
/// itself any more, also after this has returned: what should happen then is up to the program. Several
/// may wait at the same time, and all of them hear. While one waits,
/// [`CtrlCPolicy::CancelMain`](crate::CtrlCPolicy::CancelMain) stands back.
///
/// # Errors
///
/// The operating system's own; [`Unsupported`](io::ErrorKind::Unsupported) in a simulated world;
/// `Cancelled`.
///
/// # Panics
///
/// Without a kernel on this thread.
///
/// # Cancellation
///
/// Leaves at once. Dropped, it no longer listens, so that a later one does not hear of what came between.
///
/// # Examples
///
/// ```no_run
/// # async fn start() -> bibelot::Result<()> {
/// let server = bibelot::start_server("127.0.0.1:7777", async |_, _| {}).await?;
/// bibelot::ctrl_c().await?;
/// server.close();
/// server.wait_closed().await?;
/// # bibelot::Ok(()) }
/// ```
#[doc(alias = "SignalQueue")]
#[track_caller]
pub fn ctrl_c() -> AwaitSignal {
    AwaitSignal::new(Signal::Interrupt)
}

/// Waits until somebody asks the process to end (`SIGTERM`); otherwise as [`ctrl_c`].
///
/// # Errors
///
/// As [`ctrl_c`].
///
/// # Panics
///
/// Without a kernel on this thread.
///
/// # Cancellation
///
/// As [`ctrl_c`].
#[track_caller]
pub fn terminate() -> AwaitSignal {
    AwaitSignal::new(Signal::Terminate)
}

/// Waits for the first of the signals that ask a process to end, and says which it was; otherwise as
/// [`ctrl_c`].
///
/// # Errors
///
/// As [`ctrl_c`].
///
/// # Panics
///
/// Without a kernel on this thread.
///
/// # Cancellation
///
/// As [`ctrl_c`].
///
/// # Examples
///
/// ```no_run
/// # async fn start() -> bibelot::Result<()> {
/// let signal = bibelot::shutdown_signal().await?;
/// eprintln!("{signal}: closing");
/// # bibelot::Ok(()) }
/// ```
#[track_caller]
pub fn shutdown_signal() -> ShutdownSignal {
    let all = [Signal::Interrupt, Signal::Terminate, Signal::HangUp];
    ShutdownSignal(all.map(|signal| (signal, AwaitSignal::new(signal))))
}

/// The future of [`ctrl_c`] and [`terminate`].
#[must_use = "futures do nothing until polled"]
pub struct AwaitSignal(Stage);

enum Stage {
    Waits {
        receive: Receive,
        /// Its drop ends the listening.
        _listens: Object,
    },
    Failed(Option<io::Error>),
}

impl AwaitSignal {
    #[track_caller]
    fn new(signal: Signal) -> Self {
        let number = signal as i32;
        Self::at(Call::Signal { number })
    }

    /// Waits for the first Ctrl-C that nobody waits for otherwise; the next one ends the process.
    #[track_caller]
    pub(crate) fn unheard_ctrl_c() -> io::Result<Self> {
        let number = Signal::Interrupt as i32;
        match Self::at(Call::StopSignal { number }).0 {
            Stage::Failed(Some(error)) => Err(error),
            waits => Ok(Self(waits)),
        }
    }

    #[track_caller]
    fn at(what: Call) -> Self {
        Self(match call(what).and_then(Reply::into_fd) {
            Ok(fd) => {
                let object = Object::stream(fd);
                Stage::Waits {
                    receive: object.receive(),
                    _listens: object,
                }
            }
            Err(error) => Stage::Failed(Some(error)),
        })
    }
}

impl Future for AwaitSignal {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let receive = match &mut self.0 {
            Stage::Waits { receive, .. } => receive,
            Stage::Failed(error) => {
                let error = error.take().expect("it is polled to its end once");
                return Poll::Ready(Err(error));
            }
        };
        Poll::Ready(match ready!(Pin::new(receive).poll(context)) {
            Ok(arrived) => arrived.map(drop),
            Err(cancelled) => Err(cancelled.into()),
        })
    }
}

impl fmt::Debug for AwaitSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwaitSignal")
    }
}

/// The future of [`shutdown_signal`].
#[derive(Debug)]
#[must_use = "futures do nothing until polled"]
pub struct ShutdownSignal([(Signal, AwaitSignal); 3]);

impl Future for ShutdownSignal {
    type Output = io::Result<Signal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<Signal>> {
        for (signal, waits) in &mut self.0 {
            if let Poll::Ready(came) = Pin::new(waits).poll(context) {
                return Poll::Ready(came.map(|()| *signal));
            }
        }
        Poll::Pending
    }
}
