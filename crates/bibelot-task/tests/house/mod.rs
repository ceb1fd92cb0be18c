//! A small executor for the tests: homes by number, a ready queue, a box for runnables from afar.

#![allow(unsafe_code, reason = "implements `Schedule`")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bibelot_task::{PanicPayload, Ran, Runnable, Schedule, Site};

static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static HOME: Cell<u64> = const { Cell::new(0) };
    static READY: RefCell<VecDeque<Runnable<Tag>>> = const { RefCell::new(VecDeque::new()) };
}

/// What the tasks of a house carry.
pub struct Tag {
    home: u64,
    post: Arc<Post>,
    _counted: Counted,
}

impl Drop for Tag {
    fn drop(&mut self) {
        self.post.cells.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What is reached from any thread.
#[derive(Default)]
pub struct Post {
    arrived: Mutex<Vec<Runnable<Tag>>>,
    closed: Mutex<bool>,
    /// How many cells live.
    pub cells: AtomicUsize,
    pub reports: Mutex<Vec<Site>>,
    pub pushes: AtomicUsize,
    pub foreign_pushes: AtomicUsize,
}

// SAFETY: numbers of homes are not used again, and one is set on one thread only.
unsafe impl Schedule for Tag {
    fn is_home(&self) -> bool {
        HOME.try_with(Cell::get).is_ok_and(|home| home == self.home)
    }

    fn push(&self, runnable: Runnable<Self>) {
        self.post.pushes.fetch_add(1, Ordering::Relaxed);
        READY.with_borrow_mut(|ready| ready.push_back(runnable));
    }

    fn push_foreign(&self, runnable: Runnable<Self>) {
        self.post.foreign_pushes.fetch_add(1, Ordering::Relaxed);
        let refused = {
            let closed = self.post.closed.lock().unwrap();
            if *closed {
                Some(runnable)
            } else {
                self.post.arrived.lock().unwrap().push(runnable);
                None
            }
        };
        drop(refused);
    }

    fn report(&self, site: Site, payload: PanicPayload) {
        self.post.reports.lock().unwrap().push(site);
        drop(payload);
    }
}

/// The home of this thread while it lives.
pub struct House {
    number: u64,
    pub post: Arc<Post>,
    here: Rc<()>,
}

impl House {
    pub fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        assert_eq!(HOME.replace(number), 0, "one home per thread");
        Self {
            number,
            post: Arc::default(),
            here: Rc::new(()),
        }
    }

    /// A house on a thread where a test may have failed in the one before, which is left as it was.
    pub fn anew() -> Self {
        HOME.set(0);
        READY.take().into_iter().for_each(std::mem::forget);
        Self::new()
    }

    pub fn tag(&self) -> Tag {
        self.tag_counting(&Count::default())
    }

    /// A tag whose drop is counted, and with it that of its cell.
    pub fn tag_counting(&self, count: &Count) -> Tag {
        self.post.cells.fetch_add(1, Ordering::SeqCst);
        Tag {
            home: self.number,
            post: self.post.clone(),
            _counted: count.one(),
        }
    }

    pub fn push(&self, runnable: Runnable<Tag>) {
        READY.with_borrow_mut(|ready| ready.push_back(runnable));
    }

    /// The next runnable, of those from afar too.
    pub fn pop(&self) -> Option<Runnable<Tag>> {
        let arrived = std::mem::take(&mut *self.post.arrived.lock().unwrap());
        READY.with_borrow_mut(|ready| {
            ready.extend(arrived);
            ready.pop_front()
        })
    }

    /// Runs `body` as if this were another thread, for all that a task can tell.
    pub fn hidden<R>(&self, body: impl FnOnce() -> R) -> R {
        let home = HOME.replace(0);
        let value = body();
        HOME.set(home);
        value
    }

    /// How many runnables wait.
    pub fn waiting(&self) -> usize {
        READY.with_borrow(VecDeque::len) + self.post.arrived.lock().unwrap().len()
    }

    /// Runs what is ready until nothing is, and says what the last run came to.
    pub fn run(&self) -> Option<Ran<Tag>> {
        let mut last = None;
        while let Some(runnable) = self.pop() {
            last = Some(match runnable.run() {
                Ran::Woken(runnable) => {
                    self.push(runnable);
                    Ran::Parked
                }
                ran => ran,
            });
        }
        last
    }

    /// Runs a few that are ready.
    pub fn run_some(&self, most: usize) {
        for _ in 0..most {
            match self.pop().map(Runnable::run) {
                Some(Ran::Woken(runnable)) => self.push(runnable),
                Some(_) => {}
                None => return,
            }
        }
    }

    /// How many cells live.
    pub fn cells(&self) -> usize {
        self.post.cells.load(Ordering::SeqCst)
    }

    pub fn reports(&self) -> Vec<Site> {
        self.post.reports.lock().unwrap().clone()
    }

    pub fn pushes(&self) -> usize {
        self.post.pushes.load(Ordering::Relaxed)
    }

    pub fn foreign_pushes(&self) -> usize {
        self.post.foreign_pushes.load(Ordering::Relaxed)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        *self.post.closed.lock().unwrap() = true;
        while let Some(runnable) = self.pop() {
            drop(runnable);
        }
        HOME.set(0);
    }
}

/// Counts the drops of its clones.
#[derive(Clone, Default)]
pub struct Count(Arc<AtomicUsize>);

/// One that is counted.
pub struct Counted(Count);

impl Count {
    pub fn one(&self) -> Counted {
        Counted(self.clone())
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}
