//! A descriptor for a queue: what a foreign poller waits for beside its sockets.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;

use bibelot_sync::generic::{QueueBell, Store, Universal};
use bibelot_sys::Level;

use super::queue::Queue;

/// A descriptor that is readable while a queue has something for a getter; made by
/// [`Queue::with_fd`].
///
/// It is for poll, epoll and whatever stands on them, such as another runtime: when it is readable, take
/// with [`try_get`](Queue::try_get) until that says that there is nothing. It is readable too when the queue
/// is closed and empty, which `try_get` then says. It only shows how it is: it cannot be read from or written
/// to, and somebody who tries changes nothing.
pub struct QueueFd<B: Store> {
    level: Arc<Level>,
    bell: QueueBell<B>,
}

impl<B: Store> Queue<B, Universal> {
    /// A descriptor that foreign pollers can wait for. Each call makes one, with two descriptors of the
    /// operating system, closed when it is dropped.
    ///
    /// A queue that has one makes a system call when it gets its first item and when it loses its last.
    ///
    /// Curio: `UniversalQueue(withfd=True)`, `fileno()`.
    ///
    /// # Errors
    ///
    /// What the operating system says, such as that there are too many descriptors.
    ///
    /// # Panics
    ///
    /// When the queue is a [`rendezvous`](Self::rendezvous), where nothing ever lies.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::fd::AsFd;
    ///
    /// let queue = bibelot::universal::Queue::unbounded();
    /// let fd = queue.with_fd()?;
    /// queue.try_put("a curio").unwrap();
    /// // A poller finds it readable now.
    /// let _for_the_poller = fd.as_fd();
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "fileno")]
    #[doc(alias = "withfd")]
    pub fn with_fd(&self) -> io::Result<QueueFd<B>> {
        let level = Arc::new(Level::new()?);
        let bell = self.0.on_readable({
            let level = level.clone();
            move |up| level.set(up)
        });
        Ok(QueueFd { level, bell })
    }
}

impl<B: Store> AsFd for QueueFd<B> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.level.as_fd()
    }
}

impl<B: Store> AsRawFd for QueueFd<B> {
    fn as_raw_fd(&self) -> RawFd {
        self.level.as_raw_fd()
    }
}

impl<B: Store> fmt::Debug for QueueFd<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueFd")
            .field("fd", &self.as_raw_fd())
            .field("bell", &self.bell)
            .finish()
    }
}
