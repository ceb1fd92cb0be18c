//! The state: who is in a local scope, and whose turn it is.
//!
//! # Invariants
//!
//! - `live` counts the children that have not ended; each has an entry, whose place is its arm less one.
//! - A child that is being polled is out of its entry, and no borrow is held meanwhile.
//! - No code of users runs under a borrow: no poll, wake or drop of theirs.
//! - A closed scope holds no children and takes none.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::panicking;

use bibelot_kernel::{Edge, Panic, TaskError};

use super::child::Ends;
use crate::combine::hub::{Hub, Line};

/// The arm of a scope's body; children have the others.
pub(super) const BODY: usize = 0;

/// A child's future, which leaves its value with its handle.
pub(super) type Running<'env> = Pin<Box<dyn Future<Output = ()> + 'env>>;

/// A scope, as its handles share it.
pub(super) struct State<'env> {
    pub hub: Arc<Hub>,
    /// With places that are free.
    entries: RefCell<Vec<Option<Entry<'env>>>>,
    free: RefCell<Vec<usize>>,
    live: Cell<usize>,
    spawned: Cell<u64>,
    is_closed: Cell<bool>,
    /// Children that are spawned are asked to stop at once.
    is_stopping: Cell<bool>,
    /// Those that panicked.
    panicked: RefCell<Vec<(u64, Rc<dyn Ends + 'env>)>>,
}

struct Entry<'env> {
    /// Grows with each spawn.
    number: u64,
    edge: Edge,
    ends: Rc<dyn Ends + 'env>,
    /// Not here while it is polled.
    child: Option<Child<'env>>,
    /// It is to be dropped after the poll that is under way.
    is_aborted: bool,
}

struct Child<'env> {
    running: Running<'env>,
    line: Line,
}

impl<'env> State<'env> {
    pub(super) fn new() -> Rc<Self> {
        let (hub, _lines) = Hub::new(0);
        Rc::new(Self {
            hub,
            entries: RefCell::default(),
            free: RefCell::default(),
            live: Cell::new(0),
            spawned: Cell::new(0),
            is_closed: Cell::new(false),
            is_stopping: Cell::new(false),
            panicked: RefCell::default(),
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// How many children have not ended.
    pub(super) fn live(&self) -> usize {
        self.live.get()
    }

    /// Takes in a child. Its place; a closed scope gives the future back.
    pub(super) fn add(
        &self,
        running: Running<'env>,
        edge: Edge,
        ends: Rc<dyn Ends + 'env>,
    ) -> Result<usize, Running<'env>> {
        if self.is_closed() {
            return Err(running);
        }
        let free = self.free.borrow_mut().pop();
        let place = free.unwrap_or_else(|| {
            let mut entries = self.entries.borrow_mut();
            entries.push(None);
            entries.len() - 1
        });
        let number = self.spawned.get();
        self.spawned.set(number + 1);
        self.live.set(self.live.get() + 1);
        if self.is_stopping.get() {
            edge.fire();
        }
        let line = self.hub.line(place + 1);
        self.entries.borrow_mut()[place] = Some(Entry {
            number,
            edge,
            ends,
            child: Some(Child { running, line }),
            is_aborted: false,
        });
        // Last, since whoever is woken may poll it here and now.
        self.hub.list(place + 1);
        Ok(place)
    }

    /// Polls the child of an arm, if it is there.
    pub(super) fn poll(&self, arm: usize) {
        let Some(mut child) = self.change(arm - 1, |entry| entry.child.take()) else {
            return;
        };
        let mut context = Context::from_waker(child.line.begin());
        let polled = catch_unwind(AssertUnwindSafe(|| {
            child.running.as_mut().poll(&mut context)
        }));
        let place = arm - 1;
        match polled {
            Ok(Poll::Pending) => self.put_back(place, child),
            Ok(Poll::Ready(())) => drop(self.remove(place)),
            Err(payload) => self.panicked(place, payload),
        }
    }

    /// The child waits on, unless it was aborted meanwhile.
    fn put_back(&self, place: usize, child: Child<'env>) {
        let mut child = Some(child);
        self.change(place, |entry| {
            if !entry.is_aborted {
                entry.child = child.take();
            }
            Some(())
        });
        if let Some(child) = child {
            self.end(place, TaskError::Aborted);
            drop(child);
        }
    }

    fn panicked(&self, place: usize, payload: Box<dyn Any + Send>) {
        let found = self.change(place, |entry| Some((entry.number, entry.ends.clone())));
        let given = {
            let mut panicked = self.panicked.borrow_mut();
            let is_full = panicked.len() == panicked.capacity();
            // Before it grows for those who come, it forgets those whose panic somebody has.
            let all = if is_full {
                mem::take(&mut *panicked)
            } else {
                Vec::new()
            };
            let (left, given): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|(_, ends)| ends.is_panicked());
            panicked.extend(left);
            panicked.extend(found);
            given
        };
        drop(given);
        self.end(place, TaskError::Panicked(Panic::new(payload)));
    }

    /// Takes a child out and lets its handle know why it has no value.
    fn end(&self, place: usize, error: TaskError) {
        if let Some(entry) = self.remove(place) {
            entry.ends.end(error);
        }
    }

    /// Drops the child now, or right after the poll that is under way.
    pub(super) fn abort(&self, place: usize) {
        let child = self.change(place, |entry| {
            entry.is_aborted = entry.child.is_none();
            entry.child.take()
        });
        if let Some(child) = child {
            // Its handle knows before its drop, which may panic.
            self.end(place, TaskError::Aborted);
            if self.live() == 0 && !self.is_closed() {
                // The owner may wait for just that, and this may be outside its polls.
                self.hub.wake_parent();
            }
            drop(child);
        }
    }

    /// Asks all children to stop, newest first, and those that are still to come.
    pub(super) fn stop(&self) {
        self.is_stopping.set(true);
        for edge in self.newest_first(|_, entry| entry.edge.clone()) {
            edge.fire();
        }
    }

    /// Ends the scope: drops its children, newest first.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        let mut payload = None;
        for place in self.newest_first(|place, _| place) {
            let dropped = catch_unwind(AssertUnwindSafe(|| self.abort(place)));
            payload = payload.or(dropped.err());
        }
        if let Some(payload) = payload
            && !panicking()
        {
            resume_unwind(payload);
        }
    }

    /// Goes on with the first panic of a child's that nobody was given; the others are left to the crash
    /// hook, as their slots are to their handles.
    pub(super) fn resume_panics(&self) {
        let mut panicked = mem::take(&mut *self.panicked.borrow_mut());
        panicked.sort_unstable_by_key(|(number, _)| *number);
        let first = panicked.iter().find_map(|(_, ends)| ends.take_panic());
        drop(panicked);
        if let Some(panic) = first {
            panic.resume();
        }
    }

    /// Leaves the panics of children to their handles, and where there is none to the crash hook.
    pub(super) fn leave_panics(&self) {
        let panicked = mem::take(&mut *self.panicked.borrow_mut());
        drop(panicked);
    }

    /// The arms of all children.
    pub(super) fn arms(&self) -> Vec<usize> {
        let entries = self.entries.borrow();
        let taken = entries.iter().enumerate().filter(|(_, e)| e.is_some());
        taken.map(|(place, _)| place + 1).collect()
    }

    /// What is seen of all entries and their places, the youngest child's first.
    fn newest_first<R>(&self, view: impl Fn(usize, &Entry<'env>) -> R) -> Vec<R> {
        let entries = self.entries.borrow();
        let taken = entries.iter().enumerate();
        let mut found: Vec<_> = taken
            .filter_map(|(place, entry)| Some((place, entry.as_ref()?)))
            .map(|(place, entry)| (entry.number, view(place, entry)))
            .collect();
        found.sort_unstable_by_key(|(number, _)| Reverse(*number));
        found.into_iter().map(|(_, seen)| seen).collect()
    }

    fn change<R>(
        &self,
        place: usize,
        change: impl FnOnce(&mut Entry<'env>) -> Option<R>,
    ) -> Option<R> {
        let mut entries = self.entries.borrow_mut();
        entries.get_mut(place)?.as_mut().and_then(change)
    }

    fn remove(&self, place: usize) -> Option<Entry<'env>> {
        let entry = self.entries.borrow_mut().get_mut(place)?.take()?;
        self.free.borrow_mut().push(place);
        self.live.set(self.live.get() - 1);
        Some(entry)
    }
}
