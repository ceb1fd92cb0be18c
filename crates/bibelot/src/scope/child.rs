//! One child of a local scope: how it ends, and the handle that waits for it.
//!
//! # Invariants
//!
//! - A slot goes from running to ended once, and its value is taken once.
//! - No waker is cloned, woken or dropped while a slot is borrowed.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bibelot_kernel::{Crash, CrashKind, Edge, Leave, Op, Panic, Park, TaskError, Trap, Wait};

use super::state::State;

/// What a child leaves for its handle.
pub(super) struct Slot<T> {
    now: RefCell<Now<T>>,
    waker: RefCell<Option<Waker>>,
}

enum Now<T> {
    Runs,
    Ended(Result<T, TaskError>),
    Taken,
}

/// The slot of a child, whatever its value is.
pub(super) trait Ends {
    /// It ended without a value.
    fn end(&self, error: TaskError);
    /// Whether it panicked and nobody was told.
    fn is_panicked(&self) -> bool;
    /// Takes its panic, if it panicked and nobody was told.
    fn take_panic(&self) -> Option<Panic>;
}

impl<T> Slot<T> {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            now: RefCell::new(Now::Runs),
            waker: RefCell::new(None),
        })
    }

    pub(super) fn put(&self, result: Result<T, TaskError>) {
        let old = self.now.replace(Now::Ended(result));
        drop(old);
        let waker = self.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn is_running(&self) -> bool {
        matches!(*self.now.borrow(), Now::Runs)
    }

    /// The result, if it has ended.
    fn take(&self) -> Option<Result<T, TaskError>> {
        let mut now = self.now.borrow_mut();
        match mem::replace(&mut *now, Now::Taken) {
            Now::Runs => {
                *now = Now::Runs;
                None
            }
            Now::Ended(result) => Some(result),
            Now::Taken => Some(Err(TaskError::Taken)),
        }
    }

    fn set_waker(&self, waker: Option<&Waker>) {
        if let (Some(new), Some(old)) = (waker, &*self.waker.borrow())
            && old.will_wake(new)
        {
            return;
        }
        let waker = waker.cloned();
        let old = self.waker.replace(waker);
        drop(old);
    }
}

impl<T> Ends for Slot<T> {
    fn end(&self, error: TaskError) {
        self.put(Err(error));
    }

    fn is_panicked(&self) -> bool {
        matches!(*self.now.borrow(), Now::Ended(Err(TaskError::Panicked(_))))
    }

    fn take_panic(&self) -> Option<Panic> {
        if !self.is_panicked() {
            return None;
        }
        match self.take() {
            Some(Err(TaskError::Panicked(panic))) => Some(panic),
            _ => None,
        }
    }
}

impl<T> Drop for Slot<T> {
    /// Tells of a panic that nobody was given.
    fn drop(&mut self) {
        if let Now::Ended(Err(TaskError::Panicked(panic))) = self.now.get_mut() {
            Crash::new(CrashKind::Panicked, &panic.to_string()).report();
        }
    }
}

/// A child of a [`LocalScope`](super::LocalScope).
///
/// Awaiting it gives its value; dropping it lets the child go on, which the scope waits for.
pub struct LocalTask<'env, T> {
    slot: Rc<Slot<T>>,
    state: Rc<State<'env>>,
    edge: Edge,
    place: usize,
}

impl<'env, T> LocalTask<'env, T> {
    pub(super) fn new(slot: Rc<Slot<T>>, state: Rc<State<'env>>, edge: Edge, place: usize) -> Self {
        Self {
            slot,
            state,
            edge,
            place,
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.slot.is_running()
    }

    /// Waits for its end, and takes its value.
    ///
    /// # Errors
    ///
    /// [`TaskError::Panicked`] when it panicked; [`TaskError::Cancelled`] when it was asked to stop while
    /// nothing in it could hear, and was dropped; [`TaskError::Aborted`]; [`TaskError::Taken`] when its value
    /// was taken before; [`TaskError::Interrupted`] when the caller was asked to stop, which does not
    /// concern the child.
    ///
    /// # Cancellation
    ///
    /// Leaves at once; the value stays for the next call. Dropped, too.
    #[track_caller]
    pub fn join(&mut self) -> LocalJoin<'_, T> {
        LocalJoin::new(self.slot.clone())
    }

    /// Asks it to stop, once: what is parked in it then is cut, or the first to park, with
    /// [`Cause::Group`](crate::Cause::Group).
    pub fn cancel(&self) {
        self.edge.fire();
    }

    /// Drops its future now, or after the poll that is under way.
    pub fn abort(&self) {
        if self.slot.is_running() {
            self.state.abort(self.place);
        }
    }
}

impl<'env, T> IntoFuture for LocalTask<'env, T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = LocalJoin<'env, T>;

    #[track_caller]
    fn into_future(self) -> LocalJoin<'env, T> {
        LocalJoin::new(self.slot)
    }
}

impl<T> fmt::Debug for LocalTask<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTask")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// The future of [`LocalTask::join`].
#[must_use = "futures do nothing until polled"]
pub struct LocalJoin<'a, T> {
    trap: Trap<SlotOp<T>>,
    /// One at a time waits.
    handle: std::marker::PhantomData<&'a mut ()>,
}

impl<T> LocalJoin<'_, T> {
    #[track_caller]
    fn new(slot: Rc<Slot<T>>) -> Self {
        Self {
            trap: Trap::new(SlotOp(slot)),
            handle: std::marker::PhantomData,
        }
    }
}

impl<T> Future for LocalJoin<'_, T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = ready!(Pin::new(&mut self.trap).poll(context));
        Poll::Ready(ended.unwrap_or_else(|cut| Err(TaskError::Interrupted(cut))))
    }
}

impl<T> fmt::Debug for LocalJoin<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalJoin").finish_non_exhaustive()
    }
}

/// The end of a child.
struct SlotOp<T>(Rc<Slot<T>>);

impl<T> Op for SlotOp<T> {
    type Out = Result<T, TaskError>;

    fn take(&mut self) -> Option<Self::Out> {
        self.0.take()
    }

    fn park(&mut self, waker: &Waker) -> Park<Self::Out> {
        self.0.set_waker(Some(waker));
        Park::Waits
    }

    fn leave(&mut self) -> Leave<Self::Out> {
        self.0.set_waker(None);
        Leave::Left
    }

    fn wait(&self) -> Wait {
        Wait::Join
    }
}

impl<T> Drop for SlotOp<T> {
    fn drop(&mut self) {
        self.0.set_waker(None);
    }
}
