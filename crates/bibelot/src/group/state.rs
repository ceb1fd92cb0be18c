//! The state: who is in a group, what became of them, and who waits for that.
//!
//! It is behind a lock that is held for a few instructions and never contended, so that groups, like all
//! handles, may be named in futures that are `Send`.
//!
//! # Invariants
//!
//! - `running` and `daemons` count the entries that run.
//! - An id in `ended` names a member that has ended, and that nobody has taken, counted or claimed.
//! - A closed group takes no members.
//! - A member's future and value are let go of as soon as it has ended; only its result stays.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bibelot_kernel::{Edge, KernelId, Listening, Task, TaskId, TaskName, try_current};

use super::error::{AddRefusal, MemberError};
use super::line::Line;
use super::waiters::{Waiters, Woken};

/// What a group asks an error of a member's.
pub(super) struct Asks<E> {
    /// Whether it is a live cancellation.
    pub is_cut: fn(&E) -> bool,
    /// What it says.
    pub describe: fn(&E) -> String,
}

/// A group, as all its handles share it.
pub(super) struct Shared<T, E> {
    pub asks: Asks<E>,
    state: Mutex<State<T, E>>,
}

pub(super) struct State<T, E> {
    kernel: Option<KernelId>,
    pub closed: bool,
    pub members: BTreeMap<TaskId, Entry<T, E>>,
    pub running: usize,
    /// How many may run of those that wait for room.
    pub limit: usize,
    /// Who waits for room.
    line: Line,
    daemons: usize,
    pub ended: VecDeque<TaskId>,
    pub completed: Option<TaskId>,
    /// What the group waited for has come.
    pub is_over: bool,
    /// Values are dropped as members end.
    pub discards: bool,
    edge: Option<Edge>,
    pub waiters: Waiters,
}

impl<T, E> State<T, E> {
    fn has_room(&self) -> bool {
        self.running < self.limit
    }

    /// Takes the waker of whoever waits longest for room, if there is any.
    fn call_next(&mut self) -> Option<Waker> {
        if self.has_room() {
            self.line.call_next()
        } else {
            None
        }
    }
}

pub(super) struct Entry<T, E> {
    pub who: TaskName,
    pub name: Option<Arc<str>>,
    pub now: Now<T, E>,
    /// How many wait for this member.
    pub claims: usize,
    pub joiners: Waiters,
}

pub(super) enum Now<T, E> {
    Runs(Task<Result<T, E>>),
    Daemon,
    /// It has ended and its result is being read.
    Ends,
    Ended(Result<T, MemberError<E>>),
}

impl<T, E> Entry<T, E> {
    /// The task, while it runs.
    pub(super) fn task(&self) -> Option<TaskName> {
        match &self.now {
            Now::Runs(_) | Now::Daemon => Some(self.who),
            Now::Ends | Now::Ended(_) => None,
        }
    }
}

impl<T: 'static, E: 'static> Shared<T, E> {
    pub(super) fn new(asks: Asks<E>) -> Arc<Self> {
        let state = State {
            kernel: None,
            closed: false,
            members: BTreeMap::new(),
            running: 0,
            limit: usize::MAX,
            line: Line::default(),
            daemons: 0,
            ended: VecDeque::new(),
            completed: None,
            is_over: false,
            discards: false,
            edge: None,
            waiters: Waiters::default(),
        };
        Arc::new(Self {
            asks,
            state: Mutex::new(state),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        // Nothing under the lock can leave the state half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the first failure from now on fire `edge`; one that has come fires it at once.
    pub(super) fn set_edge(&self, edge: Edge) {
        self.lock().edge = Some(edge);
    }

    /// Whether it takes members, on this thread.
    pub(super) fn is_open(&self) -> bool {
        let state = self.lock();
        let here = try_current().map(|task| task.id().kernel());
        let is_home = state.kernel.is_none() || here.is_none() || here == state.kernel;
        !state.closed && is_home
    }

    /// Whether a task is of another kernel than the members are.
    pub(super) fn is_foreign(&self, id: TaskId) -> bool {
        self.lock()
            .kernel
            .is_some_and(|kernel| kernel != id.kernel())
    }

    /// Takes a task into an open group, or gives it back.
    pub(super) fn admit(
        self: &Arc<Self>,
        task: Task<Result<T, E>>,
        name: Option<Arc<str>>,
    ) -> Result<(), (Task<Result<T, E>>, AddRefusal)> {
        let who = task.name_it();
        let shared = self.clone();
        let listening = who.listen(move |id| shared.member_ended(id));
        match listening {
            Listening::Waits | Listening::Ended => {}
            Listening::IsTaken => return Err((task, AddRefusal::HasGroup)),
            Listening::WrongKernel => return Err((task, AddRefusal::WrongKernel)),
        }
        self.insert(who, name, Now::Runs(task));
        if listening == Listening::Ended {
            self.member_ended(who.id());
        }
        Ok(())
    }

    /// Takes in a daemon, to an open group.
    pub(super) fn admit_daemon(self: &Arc<Self>, task: TaskName, name: Option<Arc<str>>) {
        let shared = self.clone();
        self.insert(task, name, Now::Daemon);
        if task.listen(move |id| shared.daemon_ended(id)) != Listening::Waits {
            self.daemon_ended(task.id());
        }
    }

    fn insert(&self, task: TaskName, name: Option<Arc<str>>, now: Now<T, E>) {
        let is_daemon = matches!(now, Now::Daemon);
        let entry = Entry {
            who: task,
            name,
            now,
            claims: 0,
            joiners: Waiters::default(),
        };
        let mut state = self.lock();
        state.kernel.get_or_insert(task.id().kernel());
        if is_daemon {
            state.daemons += 1;
        } else {
            state.running += 1;
        }
        state.members.insert(task.id(), entry);
    }

    /// A member has ended: its result is read, its task let go of, and whoever waits woken.
    fn member_ended(&self, id: TaskId) {
        let task = {
            let mut state = self.lock();
            let Some(entry) = state.members.get_mut(&id) else {
                return;
            };
            match mem::replace(&mut entry.now, Now::Ends) {
                Now::Runs(task) => task,
                other => {
                    entry.now = other;
                    return;
                }
            }
        };
        let Some(joined) = task.try_take() else {
            unreachable!("a task is heard of when it has ended");
        };
        let result = MemberError::read(joined, task.was_cancelled(), self.asks.is_cut);
        drop(task);
        let has_failed = result.as_ref().is_err_and(MemberError::is_failure);
        let is_error = result.is_err();
        let (mut edge, mut discarded) = (None, None);
        let (joiners, waiters) = {
            let mut state = self.lock();
            let state = &mut *state;
            state.running -= 1;
            let Some(entry) = state.members.get_mut(&id) else {
                return;
            };
            entry.now = Now::Ended(result);
            let joiners = entry.joiners.take();
            if entry.claims == 0 && state.discards && !is_error {
                discarded = state.members.remove(&id);
                state.completed.get_or_insert(id);
            } else if entry.claims == 0 {
                state.ended.push_back(id);
                if has_failed {
                    edge = state.edge.take();
                }
            }
            let next = state.call_next();
            (joiners, state.waiters.take().and(next))
        };
        drop(discarded);
        if let Some(edge) = edge {
            edge.fire();
        }
        joiners.wake();
        waiters.wake();
    }

    fn daemon_ended(&self, id: TaskId) {
        let (entry, waiters) = {
            let mut state = self.lock();
            let entry = state.members.remove(&id);
            state.daemons -= usize::from(entry.is_some());
            let is_last = state.running + state.daemons == 0;
            let waiters = if is_last {
                state.waiters.take()
            } else {
                Woken::none()
            };
            (entry, waiters)
        };
        drop(entry);
        waiters.wake();
    }

    /// The running tasks, daemons among them, in the order of spawning.
    fn running(&self) -> Vec<TaskName> {
        self.lock()
            .members
            .values()
            .filter_map(Entry::task)
            .collect()
    }

    /// Asks the running members, and the daemons if so wished, to stop.
    pub(super) fn cancel_all(&self, with_daemons: bool) {
        let asked: Vec<TaskName> = {
            let state = self.lock();
            let entries = state.members.values();
            let wanted = entries.filter(|entry| with_daemons || matches!(entry.now, Now::Runs(_)));
            wanted.filter_map(Entry::task).collect()
        };
        for task in asked {
            task.cancel_nowait();
        }
    }

    /// Takes no more members, and tells those that wait for room.
    pub(super) fn close(&self) {
        let waiters = {
            let mut state = self.lock();
            state.closed = true;
            Woken::none().and(state.line.call_all())
        };
        waiters.wake();
    }

    /// Drops the members, newest first.
    pub(super) fn abort_all(&self) {
        for task in self.running().into_iter().rev() {
            task.abort();
        }
    }

    /// Whether no member and no daemon runs.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.running + state.daemons == 0
    }

    /// Whether whoever has the ticket, or none, need not wait for room.
    pub(super) fn may_start(&self, ticket: Option<u64>) -> bool {
        let state = self.lock();
        state.closed || (state.has_room() && state.line.is_next(ticket))
    }

    /// Has `waker` woken when there is room and nobody before.
    pub(super) fn stand(&self, ticket: &mut Option<u64>, waker: &Waker) {
        let waker = waker.clone();
        let old = self.lock().line.stand(ticket, waker);
        drop(old);
    }

    /// Gives a place in the line up, and lets the next one look if there is room.
    pub(super) fn leave_line(&self, ticket: &mut Option<u64>) {
        let Some(ticket) = ticket.take() else { return };
        let (old, next) = {
            let mut state = self.lock();
            (state.line.leave(ticket), state.call_next())
        };
        drop(old);
        Woken::none().and(next).wake();
    }

    /// Has `waker` woken when a member has ended.
    pub(super) fn park(&self, ticket: &mut Option<u64>, waker: &Waker) {
        let waker = waker.clone();
        let old = self.lock().waiters.add(ticket, waker);
        drop(old);
    }

    /// Takes the waker back.
    pub(super) fn leave(&self, ticket: &mut Option<u64>) {
        if let Some(ticket) = ticket.take() {
            let old = self.lock().waiters.leave(ticket);
            drop(old);
        }
    }
}
