//! The line: who carries the next call.
//!
//! Calls stand in one line and begin in their order. A call that finds a worker idle wakes the one that
//! was idle for the shortest time, so that those there are too many of stay idle until they are let go
//! of; one that finds none starts one, up to the limit. Whoever has carried a call looks at the line.
//!
//! # Invariants
//!
//! - A call waits in the line only while a worker is there who will look at it.
//! - A worker is in `idle` if and only if it waits to be woken and has not been.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use bibelot_kernel::io::call as ask;
use bibelot_kernel::{KernelId, TaskBuilder};
use bibelot_reactor::{Call as Question, Reply};
use bibelot_sync::Event;

use super::call::{Answer, Call};
use super::error::ProcessError;
use super::limits::ProcessLimits;
use super::pool::{ProcessReport, current_kernel};
use super::worker::work;

/// What the pool's handles and its workers share.
pub(super) struct Shared {
    pub(super) limits: ProcessLimits,
    /// How many workers there may be, once that was asked.
    workers_max: OnceLock<usize>,
    state: Mutex<State>,
    /// Set when it is closed and its last worker has left.
    pub(super) end: Event,
}

#[derive(Default)]
struct State {
    line: VecDeque<Arc<Call>>,
    idle: Vec<Arc<Seat>>,
    workers: usize,
    is_closed: bool,
    /// The kernel of its workers.
    kernel: Option<KernelId>,
}

/// What a worker is to do.
pub(super) enum Next {
    Call(Arc<Call>),
    /// Nothing, until its seat is called.
    Idle,
    /// Nothing any more.
    Leave,
}

impl Shared {
    pub(super) fn new(limits: ProcessLimits) -> Self {
        Self {
            limits,
            workers_max: OnceLock::new(),
            state: Mutex::default(),
            end: Event::new(),
        }
    }

    pub(super) fn report(&self) -> ProcessReport {
        let state = self.lock();
        ProcessReport {
            processes: state.workers,
            idle: state.idle.len(),
            waiting: state.line.iter().filter(|call| call.waits()).count(),
        }
    }

    /// Puts a call into the line.
    pub(super) fn submit(self: &Arc<Self>, call: Arc<Call>) -> Result<(), ProcessError> {
        let kernel = current_kernel();
        let limits = &self.limits;
        let workers_max = *self
            .workers_max
            .get_or_init(|| limits.processes_max.unwrap_or_else(cores).max(1));
        let mut state = self.lock();
        if state.is_closed {
            return Err(ProcessError::Closed);
        }
        if state.workers > 0 && state.kernel != Some(kernel) {
            return Err(ProcessError::WrongKernel);
        }
        state.kernel = Some(kernel);
        if state.line.len() == state.line.capacity() {
            // Before it grows for those who come, it forgets those who left.
            state.line.retain(|call| call.waits());
        }
        state.line.push_back(call);
        if let Some(seat) = state.idle.pop() {
            drop(state);
            seat.call();
        } else if state.workers < workers_max {
            state.workers += 1;
            drop(state);
            let here = Here(self.clone());
            let task = TaskBuilder::new().name("process worker").daemon();
            task.spawn(work(here)).detach();
        }
        Ok(())
    }

    /// What the worker of `seat` is to do; if that is nothing, it is idle from now on.
    pub(super) fn next(&self, seat: &Arc<Seat>) -> Next {
        let mut state = self.lock();
        while let Some(call) = state.line.pop_front() {
            if call.waits() {
                return Next::Call(call);
            }
        }
        if state.is_closed {
            return Next::Leave;
        }
        seat.lock().is_called = false;
        state.idle.push(seat.clone());
        Next::Idle
    }

    /// A worker is idle no more. Whether it was called meanwhile.
    pub(super) fn leave_idle(&self, seat: &Arc<Seat>) -> bool {
        let mut state = self.lock();
        let before = state.idle.len();
        state.idle.retain(|idle| !Arc::ptr_eq(idle, seat));
        state.idle.len() == before
    }

    /// A worker that has no process gives its call back, if others are there to carry it.
    pub(super) fn give_back(&self, call: &Arc<Call>) -> bool {
        let mut state = self.lock();
        if state.workers < 2 {
            return false;
        }
        state.line.push_front(call.clone());
        // One that became idle meanwhile has not seen it; the others are busy, and look at the line then.
        let idle = state.idle.pop();
        drop(state);
        if let Some(seat) = idle {
            seat.call();
        }
        true
    }

    /// Takes no more calls.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let idle = std::mem::take(&mut state.idle);
        let has_ended = state.workers == 0;
        drop(state);
        idle.iter().for_each(|seat| seat.call());
        if has_ended {
            self.end.set();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can leave the state half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cores() -> usize {
    match ask(Question::Cores) {
        Ok(Reply::Count(count)) => count.max(1),
        _ => 1,
    }
}

/// A worker is there. Its drop says that it has left, however that came.
pub(super) struct Here(pub(super) Arc<Shared>);

impl Drop for Here {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.workers -= 1;
        if state.workers > 0 {
            return;
        }
        // The last one leaves calls behind only if it was stopped.
        let left = std::mem::take(&mut state.line);
        let has_ended = state.is_closed;
        drop(state);
        for call in left {
            call.answer(Answer::Failed(ProcessError::Closed));
        }
        if has_ended {
            self.0.end.set();
        }
    }
}

/// Where an idle worker waits.
#[derive(Default)]
pub(super) struct Seat(Mutex<Seated>);

#[derive(Default)]
struct Seated {
    is_called: bool,
    waker: Option<Waker>,
}

impl Seat {
    fn call(&self) {
        let mut seated = self.lock();
        seated.is_called = true;
        let waker = seated.waker.take();
        drop(seated);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn poll_called(&self, context: &Context<'_>) -> Poll<()> {
        let newer = context.waker().clone();
        let mut seated = self.lock();
        if seated.is_called {
            drop(seated);
            return Poll::Ready(());
        }
        let older = seated.waker.replace(newer);
        drop(seated);
        drop(older);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Seated> {
        // Nothing under the lock can leave it half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_given_back_wakes_a_worker_that_became_idle_meanwhile() {
        let shared = Arc::new(Shared::new(ProcessLimits::new()));
        shared.lock().workers = 2;
        let (failed, other) = (Here(shared.clone()), Here(shared.clone()));
        let call = Call::new(vec![7]);
        let seat = Arc::<Seat>::default();
        assert!(matches!(shared.next(&seat), Next::Idle));
        let context = Context::from_waker(Waker::noop());
        assert!(seat.poll_called(&context).is_pending());
        assert!(shared.give_back(&call));
        drop(failed);
        assert!(seat.poll_called(&context).is_ready());
        assert!(shared.leave_idle(&seat), "it was called");
        assert!(matches!(shared.next(&seat), Next::Call(_)));
        assert!(!shared.give_back(&call), "nobody else is there");
        drop(other);
    }
}
