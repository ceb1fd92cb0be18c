//! Signals: waiting for the user to say that it is enough.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::io::{Object, Receive, call};
use bibelot_reactor::{Call, Reply};

/// The number of `SIGINT` on every Unix.
const SIGINT: i32 = 2;

/// Waits until somebody presses Ctrl-C (the process gets `SIGINT`).
///
/// From this call on, also before the first poll, Ctrl-C is heard here, and does not end the process by
/// itself any more, also after this has returned: what should happen then is up to the program. Several
/// may wait at the same time, and all of them hear.
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
#[track_caller]
pub fn ctrl_c() -> CtrlC {
    let number = SIGINT;
    let made = call(Call::Signal { number }).and_then(Reply::into_fd);
    CtrlC(match made {
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

/// The future of [`ctrl_c`].
#[must_use = "futures do nothing until polled"]
pub struct CtrlC(Stage);

enum Stage {
    Waits {
        receive: Receive,
        /// Its drop ends the listening.
        _listens: Object,
    },
    Failed(Option<io::Error>),
}

impl Future for CtrlC {
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

impl fmt::Debug for CtrlC {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CtrlC")
    }
}
