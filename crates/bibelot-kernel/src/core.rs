//! The core: one kernel's state, reached by the code that runs on its thread.
//!
//! Each part is in a cell of its own, borrowed for a moment and never while code of users runs: not
//! while a task is polled, nor while a waker, a future or a value of theirs is cloned, woken or dropped.
//!
//! # Invariants
//!
//! - `now` is read from the clock once a turn and at interludes, and never goes back.
//! - `stamp` grows with each use: stamps order requests and parkings.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;

use bibelot_reactor::{Call, Reactor, Reply};
use bibelot_sched::{Choice, Wake};
use bibelot_timer::{Clock, Instant};

use crate::backend::BackendInfo;
use crate::budget::Budget;
use crate::cancel::path::Path;
use crate::choose::Paths;
use crate::config::Config;
use crate::counters::Counters;
use crate::crash;
use crate::current::Current;
use crate::exit::End;
use crate::home::KernelId;
use crate::io;
use crate::numbers::Numbers;
use crate::observer::Observers;
use crate::ready::{Item, Ready};
use crate::record::Records;
use crate::remote::Remote;
use crate::spare::Spares;
use crate::tasks::{TaskKey, Tasks};
use crate::timers::Timers;
use crate::traceback::ParkedOp;

/// One kernel.
pub(crate) struct Core {
    pub id: KernelId,
    pub remote: &'static Remote,
    pub config: Config,
    /// What each poll begins with.
    pub budget: Budget,
    pub info: BackendInfo,
    pub records: Records,
    pub tasks: RefCell<Tasks>,
    pub timers: Timers,
    pub io: RefCell<io::Table>,
    pub reactor: RefCell<Box<dyn Reactor>>,
    pub observers: Observers,
    pub current: Current,
    pub ready: RefCell<Ready>,
    pub choice: Option<RefCell<Box<dyn Choice>>>,
    pub clock: Box<dyn Clock>,
    pub numbers: Numbers,
    /// Names for choices; empty without a chooser.
    pub paths: Paths,
    pub counters: Counters,
    /// The scopes around the code being polled.
    pub path: Path,
    /// Since when nothing has been under way; only where a deadlock is looked for.
    pub stuck_since: Cell<Option<Instant>>,
    /// What is called when all tasks have ended.
    pub at_shutdown: RefCell<VecDeque<Box<dyn FnOnce()>>>,
    /// What was said about the end of it all.
    pub end: End,
    /// Where traps parked in the poll under way, if it was more than one.
    pub trace: RefCell<Vec<ParkedOp>>,
    /// It was, in this poll or the one before.
    pub has_trace: Cell<bool>,
    /// The memory of tasks that have ended.
    pub spares: Spares,
    /// There is more to a task's beginning or end than usual: a chooser, an observer, locals, or the kernel's
    /// own end. Never cleared.
    pub is_special: Cell<bool>,
    /// A task has had locals.
    pub has_locals: Cell<bool>,
    /// What came from other threads is being taken in.
    pub is_admitting: Cell<bool>,
    /// It has let go of everything; what is spawned now, in a drop that always spawns again, is leaked.
    pub is_over: Cell<bool>,
    /// The main future is in the ready queue.
    pub main_queued: Cell<bool>,
    /// Somebody waits for what was submitted quietly: the next look at the world asks for it.
    pub wants_ends: Cell<bool>,
    pub main_waker: RefCell<Option<Waker>>,
    /// The main future's place among the tasks, while one runs.
    pub main_key: Cell<Option<TaskKey>>,
    now: Cell<Instant>,
    stamp: Cell<u64>,
}

impl Core {
    pub(crate) fn new(
        id: KernelId,
        remote: &'static Remote,
        config: Config,
        world: crate::backend::World,
        ready: Ready,
        observers: Observers,
    ) -> Self {
        let now = world.clock.now();
        let is_special = world.choice.is_some() || !observers.is_empty();
        Self {
            id,
            remote,
            info: BackendInfo {
                name: world.reactor.name(),
                reason: world.reason,
            },
            records: Records::new(),
            tasks: RefCell::default(),
            timers: Timers::new(now),
            io: RefCell::new(io::Table::new(&config)),
            budget: Budget::new(config.checkpoint_everywhere),
            config,
            reactor: RefCell::new(world.reactor),
            observers,
            current: Current::new(),
            ready: RefCell::new(ready),
            choice: world.choice.map(RefCell::new),
            clock: world.clock,
            numbers: Numbers::new(),
            paths: Paths::default(),
            counters: Counters::default(),
            path: Path::new(),
            stuck_since: Cell::new(None),
            at_shutdown: RefCell::default(),
            end: End::new(),
            trace: RefCell::default(),
            has_trace: Cell::new(false),
            spares: Spares::new(),
            is_special: Cell::new(is_special),
            has_locals: Cell::new(false),
            is_admitting: Cell::new(false),
            is_over: Cell::new(false),
            main_queued: Cell::new(false),
            wants_ends: Cell::new(false),
            main_waker: RefCell::default(),
            main_key: Cell::new(None),
            now: Cell::new(now),
            stamp: Cell::new(0),
        }
    }

    /// The time of the current turn.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.now.get()
    }

    /// Reads the clock.
    pub(crate) fn read_clock(&self) -> Instant {
        let now = self.clock.now().max(self.now.get());
        self.now.set(now);
        now
    }

    /// The next stamp.
    #[inline]
    pub(crate) fn next_stamp(&self) -> u64 {
        let stamp = self.stamp.get() + 1;
        self.stamp.set(stamp);
        stamp
    }

    /// The newest stamp.
    #[inline]
    pub(crate) fn last_stamp(&self) -> u64 {
        self.stamp.get()
    }

    /// Queues something to be polled.
    #[inline(always)]
    pub(crate) fn push_ready(&self, item: Item, why: Wake) {
        self.ready.borrow_mut().push(item, why);
    }

    /// Queues the main future, once.
    pub(crate) fn wake_main(&self) {
        if self.main_key.get().is_some() && !self.main_queued.replace(true) {
            self.push_ready(Item::Main, Wake::Woken);
        }
    }

    /// Does what never waits.
    pub(crate) fn call(&self, call: Call) -> std::io::Result<Reply> {
        self.reactor.borrow_mut().call(call)
    }
}

/// Wakes each of them, outside all borrows; a panic of one does not keep the others asleep.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        contain(|| waker.wake());
    }
}

/// Runs code of users whose panic nobody waits for: the crash hook is told.
pub(crate) fn contain(body: impl FnOnce()) {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    if let Err(payload) = result {
        crash::report_panic(&*payload);
        // A payload may panic when it is dropped, too.
        std::mem::forget(payload);
    }
}
