//! The remote: how other threads reach a kernel.
//!
//! Tasks woken elsewhere and messages from handles dropped elsewhere are put on a list behind a lock,
//! and the kernel's sleep is ended. The kernel admits them once a turn; looking at an empty list is
//! one load. Remotes stand in blocks that are never freed and serve one kernel after another: a
//! kernel's number says where its remote is, and which of its lives is meant.
//!
//! # Invariants
//!
//! - No user code runs under a lock.
//! - A list takes only what names the kernel that has it now; what comes for an earlier one is handed
//!   back and dropped where it was sent.

use std::fmt;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use bibelot_task::Runnable;
use bibelot_timer::Key as TimerKey;

use crate::cancel::Cause;
use crate::home::KernelId;
use crate::tag::Tag;
use crate::tasks::{TaskKey, Ticket};

/// How many bits of a kernel's number are the place of its remote.
const PLACE_BITS: u32 = 16;
const BLOCK: usize = 64;
const BLOCKS: usize = (1 << PLACE_BITS) / BLOCK;

static TABLE: [OnceLock<Box<[Remote; BLOCK]>>; BLOCKS] = [const { OnceLock::new() }; BLOCKS];
static PLACES: Mutex<Places> = Mutex::new(Places {
    free: Vec::new(),
    next: 0,
    life: 0,
});

/// Which places are free, and how many kernels there have been.
struct Places {
    free: Vec<usize>,
    next: usize,
    life: u64,
}

/// A kernel as other threads see it.
#[derive(Default)]
pub(crate) struct Remote {
    /// Whether the list may hold something.
    pending: AtomicBool,
    line: Mutex<Line>,
}

/// The kernel that has the remote now, and what was sent to it.
#[derive(Default)]
struct Line {
    kernel: u64,
    unparker: Option<Waker>,
    post: Post,
}

/// What came from other threads since the last look.
#[derive(Default)]
pub(crate) struct Post {
    pub woken: Vec<Runnable<Tag>>,
    pub main_woken: bool,
    pub messages: Vec<Message>,
}

/// What a handle on another thread asks of its kernel.
#[derive(Debug)]
pub(crate) enum Message {
    /// The main future is to end.
    Stop(Cause),
    /// The run under way is to end with this error.
    BreakOff(io::Error),
    /// Everything is to end, with a status.
    Exit(i32),
    /// Code that is to run there.
    Run(Job),
    /// A task handle was dropped.
    Release(TaskKey),
    /// A task handle is dropped on purpose.
    Detach(TaskKey),
    /// A task is to be cancelled.
    Cancel(TaskKey, Cause),
    /// A task is to be interrupted.
    Interrupt(TaskKey),
    /// A task is to be aborted.
    Abort(TaskKey),
    /// Whoever waited for a task's end has left.
    LeaveJoin(TaskKey, Ticket),
    /// A trap with a waker of its own is gone.
    LeaveForeign(TaskKey, u32),
    /// A sleep or limit was dropped.
    CancelTimer(TimerKey),
    /// A handle to something of the reactor's was dropped.
    Io(crate::io::Message),
}

/// Code on its way to a kernel's thread.
pub(crate) struct Job(pub Box<dyn FnOnce() + Send>);

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job(..)")
    }
}

/// Takes a place for a new kernel; `None` if all are taken.
pub(crate) fn take_place() -> Option<KernelId> {
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    let place = match places.free.pop() {
        Some(place) => place,
        None if places.next < BLOCK * BLOCKS => {
            places.next += 1;
            places.next - 1
        }
        None => return None,
    };
    places.life += 1;
    Some(KernelId(places.life << PLACE_BITS | place as u64))
}

/// Gives the place of a kernel that has ended back.
fn give_place_back(kernel: KernelId) {
    let (_, place) = parts(kernel);
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    places.free.push(place);
}

/// The remote at a kernel's place; it may serve another kernel by now.
pub(crate) fn of(kernel: KernelId) -> &'static Remote {
    let (_, place) = parts(kernel);
    let block = TABLE[place / BLOCK].get_or_init(|| Box::new([const { Remote::new() }; BLOCK]));
    &block[place % BLOCK]
}

/// Sends a message; a kernel that has ended does not care.
pub(crate) fn send(kernel: KernelId, message: Message) {
    if kernel.0 != 0 {
        of(kernel).send(kernel, message);
    }
}

/// Sends code to be run there; it comes back if the kernel has ended.
pub(crate) fn send_job(kernel: KernelId, job: Job) -> Result<(), Job> {
    match of(kernel).put(kernel, job, |post, job| {
        post.messages.push(Message::Run(job));
    }) {
        Some(job) => Err(job),
        None => Ok(()),
    }
}

/// How many kernels were before, and the place.
pub(crate) fn parts(kernel: KernelId) -> (u64, usize) {
    (
        kernel.0 >> PLACE_BITS,
        (kernel.0 & ((1 << PLACE_BITS) - 1)) as usize,
    )
}

impl Remote {
    const fn new() -> Self {
        let line = Line {
            kernel: 0,
            unparker: None,
            post: Post {
                woken: Vec::new(),
                main_woken: false,
                messages: Vec::new(),
            },
        };
        Self {
            pending: AtomicBool::new(false),
            line: Mutex::new(line),
        }
    }

    /// Begins to serve `kernel`.
    pub(crate) fn open(&self, kernel: KernelId, unparker: Waker) {
        let mut line = self.lock();
        line.kernel = kernel.0;
        line.unparker = Some(unparker);
    }

    /// Queues a task that was woken on another thread.
    pub(crate) fn wake_task(&self, kernel: KernelId, runnable: Runnable<Tag>) {
        let refused = self.put(kernel, runnable, |post, runnable| post.woken.push(runnable));
        drop(refused);
    }

    /// Queues the main future, woken on another thread.
    pub(crate) fn wake_main(&self, kernel: KernelId) {
        let _: Option<()> = self.put(kernel, (), |post, ()| post.main_woken = true);
    }

    fn send(&self, kernel: KernelId, message: Message) {
        let refused = self.put(kernel, message, |post, message| post.messages.push(message));
        drop(refused);
    }

    fn put<T>(&self, kernel: KernelId, what: T, put: impl FnOnce(&mut Post, T)) -> Option<T> {
        let unparker = {
            let mut line = self.lock();
            if line.kernel != kernel.0 {
                return Some(what);
            }
            put(&mut line.post, what);
            // Relaxed: the unpark below orders it before the kernel's next look.
            if self.pending.swap(true, Ordering::Relaxed) {
                // Whoever put the first thing there unparks, or has already.
                None
            } else {
                line.unparker.clone()
            }
        };
        if let Some(unparker) = unparker {
            unparker.wake();
        }
        None
    }

    /// Whether something has come that was not taken yet.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Relaxed)
    }

    /// Takes what has come, if anything has.
    pub(crate) fn take(&self) -> Option<Post> {
        if !self.is_pending() {
            return None;
        }
        let mut line = self.lock();
        self.pending.store(false, Ordering::Relaxed);
        Some(mem::take(&mut line.post))
    }

    /// Ends the service for `kernel`; what lies there is handed out a last time.
    pub(crate) fn close(&self, kernel: KernelId) -> Post {
        let (post, unparker) = {
            let mut line = self.lock();
            if line.kernel != kernel.0 {
                return Post::default();
            }
            line.kernel = 0;
            self.pending.store(false, Ordering::Relaxed);
            (mem::take(&mut line.post), line.unparker.take())
        };
        drop(unparker);
        give_place_back(kernel);
        post
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        // Nothing under the lock can leave the list half-changed.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}
