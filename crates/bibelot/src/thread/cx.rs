//! What an async thread has in its hands: the way to await on its kernel.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bibelot_kernel::{Cancellable, Cancelled, Cause, cancellable};
use bibelot_sync::{OneshotSender, oneshot};
use pin_project_lite::pin_project;

use super::line::{Closes, Line};

thread_local! {
    static CURRENT: RefCell<Option<ThreadCx>> = const { RefCell::new(None) };
}

/// What came of a request: its value, why it was cut, or what it panicked with.
type Answer<T> = Result<Result<T, Cancelled>, Box<dyn Any + Send>>;

/// The kernel, as an async thread sees it.
///
/// It belongs to its thread. Clones are the same, and [`try_current`](Self::try_current) finds it from
/// anywhere in the thread's call stack.
#[derive(Clone)]
pub struct ThreadCx {
    line: Arc<Line>,
    /// It stays on its thread, where one request at a time is made.
    stays: PhantomData<Rc<()>>,
}

impl ThreadCx {
    /// The one of this thread, if it is an async thread.
    ///
    /// Curio: `is_async_thread()`.
    #[must_use]
    pub fn try_current() -> Option<Self> {
        // At the very end of a thread it is none any more.
        CURRENT
            .try_with(|current| current.borrow().clone())
            .ok()
            .flatten()
    }

    /// Has `future` polled on the kernel, by the task that stands for this thread, and waits for its end.
    ///
    /// Inside, [`current`](crate::current) is that task. The future is dropped before this returns.
    /// A panic of it goes on unwinding here.
    ///
    /// Each call costs two allocations and two switches between threads.
    ///
    /// Curio: `AWAIT(coro)`.
    ///
    /// # Errors
    ///
    /// The future's own; `Cancelled` when a request came that it could not hear, and when the task is
    /// gone: it was aborted, or its kernel has ended.
    ///
    /// # Cancellation
    ///
    /// This is where the thread can be asked to stop, and the only place: the future hears of it as if
    /// the task awaited it itself. What comes while the thread is at something else waits for the next
    /// call that does. After a cancel was heard, clean-up may call this again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use bibelot::{sleep, spawn_thread};
    ///
    /// # bibelot::run(async {
    /// let thread = spawn_thread(|cx| {
    ///     cx.block_on(sleep(Duration::from_millis(5)))?;
    ///     bibelot::Ok("slept")
    /// });
    /// assert_eq!(thread.await??, "slept");
    /// # bibelot::Ok(()) }).unwrap();
    /// ```
    #[doc(alias = "AWAIT")]
    #[doc(alias = "from_thread")]
    pub fn block_on<F, T, E>(&self, future: F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Cancelled> + Send + 'static,
    {
        self.block_on_cancellable(future)?
    }

    /// The same for a future of any value, for example one that knows nothing of cancellation: it is
    /// dropped when a request comes that nothing inside it hears.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when that was so, and when the task is gone.
    ///
    /// # Cancellation
    ///
    /// As with [`block_on`](Self::block_on).
    ///
    /// # Examples
    ///
    /// ```
    /// use bibelot::spawn_thread;
    ///
    /// # bibelot::run(async {
    /// let (sender, receiver) = bibelot_sync::oneshot();
    /// let thread = spawn_thread(|cx| cx.block_on_cancellable(receiver));
    /// sender.send(7).unwrap();
    /// assert_eq!(thread.await??, Ok(7));
    /// # bibelot::Ok(()) }).unwrap();
    /// ```
    pub fn block_on_cancellable<F>(&self, future: F) -> Result<F::Output, Cancelled>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (answer, answers) = oneshot();
        self.line.put(Box::pin(Ask {
            body: Some(cancellable(future)),
            answer: Some(answer),
        }));
        match answers.recv_blocking() {
            Ok(Ok(ended)) => ended,
            Ok(Err(payload)) => resume_unwind(payload),
            // Nobody is left to poll it.
            Err(_) => Err(Cancelled::new(Cause::Task)),
        }
    }
}

impl fmt::Debug for ThreadCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadCx").finish_non_exhaustive()
    }
}

/// Runs the body of an async thread on this thread.
pub(super) fn run<T>(line: Arc<Line>, body: impl FnOnce(&ThreadCx) -> T) -> T {
    let _closes = Closes(line.clone());
    let cx = ThreadCx {
        line,
        stays: PhantomData,
    };
    let _entered = Entered(CURRENT.replace(Some(cx.clone())));
    body(&cx)
}

/// The thread is an async thread.
struct Entered(Option<ThreadCx>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

pin_project! {
    /// A request: polls the body on the kernel, drops it, and answers.
    ///
    /// Dropped, it drops the body first, too, and then says that there is no answer.
    struct Ask<F: Future> {
        #[pin]
        body: Option<Cancellable<F>>,
        answer: Option<OneshotSender<Answer<F::Output>>>,
    }
}

impl<F: Future> Future for Ask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            panic!("a future that has returned was polled again");
        };
        // A body that has panicked is dropped and not polled again.
        let ended = match catch_unwind(AssertUnwindSafe(|| body.poll(context))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(ended)) => Ok(ended),
            Err(payload) => Err(payload),
        };
        this.body.set(None);
        if let Some(answer) = this.answer.take() {
            // The thread waits for it.
            drop(answer.send(ended));
        }
        Poll::Ready(())
    }
}
