//! The builder: what a kernel is made with, each by a value.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bibelot_sched::Scheduler;

use crate::backend::Backend;
use crate::config::{Config, OnPanic};
use crate::core::Core;
use crate::home;
use crate::kernel::{AlreadyRunning, Kernel};
use crate::observer::{Observer, Observers};
use crate::ready::{Ready, ReadyTask};
use crate::remote;
use crate::ring::Ring;

/// Makes kernels.
///
/// A backend must be given; all else has a default.
#[must_use]
pub struct Builder {
    backend: Option<Box<dyn Backend>>,
    scheduler: Option<Box<dyn Scheduler<ReadyTask>>>,
    observers: Observers,
    config: Config,
}

impl Builder {
    /// A builder with all defaults and no backend.
    pub fn new() -> Self {
        Self {
            backend: None,
            scheduler: None,
            observers: Observers::default(),
            config: Config::default(),
        }
    }

    /// The way to the world.
    pub fn backend(mut self, backend: impl Backend + 'static) -> Self {
        self.backend = Some(Box::new(backend));
        self
    }

    /// Who decides what runs next; first in, first out without one.
    ///
    /// It is the kernel's own queue, and called as such: it must not spawn, wake or end tasks itself.
    pub fn scheduler(mut self, scheduler: impl Scheduler<ReadyTask> + 'static) -> Self {
        self.scheduler = Some(Box::new(scheduler));
        self
    }

    /// Tells `observer` what the tasks do; may be repeated.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.add(Rc::new(observer));
        self
    }

    /// How long a shutdown waits for cancelled tasks before it aborts them; 10 s without it.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.config.grace = grace;
        self
    }

    /// How long a cancelled operation is waited for before it is left as an orphan; 2 s without it.
    pub fn drain_limit(mut self, limit: Duration) -> Self {
        self.config.drain_limit = limit;
        self
    }

    /// How long a stream that was dropped or closed has to send and deliver what was written; 5 s without
    /// it.
    ///
    /// Linux may put an acknowledgement off for 200 ms: with less, what has arrived may be reported as not
    /// delivered.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.config.io.linger = linger;
        self
    }

    /// How many bytes one stream takes from its writers before they wait, and down to where they then
    /// wait; 64 and 16 KiB without it. A high mark of 0 counts as 1.
    pub fn write_marks(mut self, high: usize, low: usize) -> Self {
        self.config.io.high_mark = high.max(1);
        self.config.io.low_mark = low.min(high.max(1) - 1);
        self
    }

    /// How many bytes all streams together take from their writers before they wait; 64 MiB without it.
    pub fn write_mark_of_kernel(mut self, bytes: usize) -> Self {
        self.config.io.kernel_mark = bytes.max(1);
        self
    }

    /// How much may arrive at a stream that nobody reads before the rest is left with the operating
    /// system; 64 KiB and 4 buffers without it. 0 counts as 1.
    pub fn unread_max(mut self, bytes: usize, buffers: usize) -> Self {
        self.config.io.unread_bytes_max = bytes.max(1);
        self.config.io.unread_buffers_max = buffers.max(1);
        self
    }

    /// The longest wait in one turn; without it there is no limit.
    pub fn max_park(mut self, span: Duration) -> Self {
        self.config.park_max = Some(span);
        self
    }

    /// Has a run end with a [`Deadlock`](crate::Deadlock), which names every task and what it waits for, when for
    /// `span` nothing was under way that could wake a task: no timer, no operation, no open socket or file, no
    /// thread of ours. Without it, such a run waits for ever.
    ///
    /// Others may hold wakers, and this kernel cannot know: in a program whose tasks are woken by threads of
    /// its own making, `span` must be longer than they are ever silent. A kernel that waits for Ctrl-C has that
    /// under way, always.
    pub fn deadlock_after(mut self, span: Duration) -> Self {
        self.config.deadlock_after = Some(span);
        self
    }

    /// What happens when a task panics; without it, the panic is the joiner's to handle.
    pub fn on_panic(mut self, what: OnPanic) -> Self {
        self.config.on_panic = what;
        self
    }

    /// Has the [crash hook](crate::set_crash_hook) told of each task that ended and that nobody joined,
    /// waited for, cancelled or [detached](crate::Task::detach), unless it is a daemon.
    ///
    /// Curio: the warning "never joined".
    pub fn orphan_log(mut self, on: bool) -> Self {
        self.config.orphan_log = on;
        self
    }

    /// Keeps, for each task, the scopes around the operations that it is parked in, for
    /// [`Task::traceback`](crate::Task::traceback); it costs some time at each parking.
    pub fn tracebacks(mut self, on: bool) -> Self {
        self.config.tracebacks = on;
        self
    }

    /// Makes every operation a cancel point that gives way, also one that is ready: for tests, and for
    /// who comes from Trio.
    pub fn checkpoint_everywhere(mut self, on: bool) -> Self {
        self.config.checkpoint_everywhere = on;
        self
    }

    /// Builds the kernel, on the thread that will run it.
    ///
    /// # Errors
    ///
    /// [`AlreadyRunning`] inside an error of kind [`AlreadyExists`](io::ErrorKind::AlreadyExists) when
    /// the thread has a kernel; [`InvalidInput`](io::ErrorKind::InvalidInput) without a backend; the
    /// backend's own error, which says why it cannot be had.
    pub fn build(self) -> io::Result<Kernel> {
        if home::is_taken() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, AlreadyRunning));
        }
        let Some(backend) = self.backend else {
            let message = "a kernel needs a backend, and none was given";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        let world = backend.build()?;
        // That was code of users, and may have built a kernel of its own here.
        if home::is_taken() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, AlreadyRunning));
        }
        let Some(id) = remote::take_place() else {
            return Err(io::Error::other(
                "there are 65536 kernels in this process already",
            ));
        };
        let remote = remote::of(id);
        remote.open(id, world.reactor.unparker());
        let ready = match self.scheduler {
            Some(scheduler) => Ready::Custom(scheduler),
            None => Ready::Fifo(Ring::new()),
        };
        let core = Rc::new(Core::new(
            id,
            remote,
            self.config,
            world,
            ready,
            self.observers,
        ));
        home::move_in(&core);
        Ok(Kernel {
            core,
            ends: Vec::new(),
            is_down: false,
            failure: None,
        })
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("backend", &self.backend.is_some())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
