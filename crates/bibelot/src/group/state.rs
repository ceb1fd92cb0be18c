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

use super::crash::{self, Crash};
use super::error::{AddRefusal, MemberError};
use super::outcome::Finished;
use super::wait::Wait;
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
    asks: Asks<E>,
    state: Mutex<State<T, E>>,
}

pub(super) struct State<T, E> {
    kernel: Option<KernelId>,
    pub closed: bool,
    members: BTreeMap<TaskId, Entry<T, E>>,
    pub running: usize,
    daemons: usize,
    ended: VecDeque<TaskId>,
    completed: Option<TaskId>,
    /// What the group waited for has come.
    is_over: bool,
    edge: Option<Edge>,
    waiters: Waiters,
}

struct Entry<T, E> {
    who: TaskName,
    name: Option<Arc<str>>,
    now: Now<T, E>,
    /// How many wait for this member.
    claims: usize,
    joiners: Waiters,
}

enum Now<T, E> {
    Runs(Task<Result<T, E>>),
    Daemon,
    /// It has ended and its result is being read.
    Ends,
    Ended(Result<T, MemberError<E>>),
}

impl<T, E> Entry<T, E> {
    /// The task, while it runs.
    fn task(&self) -> Option<TaskName> {
        match &self.now {
            Now::Runs(_) | Now::Daemon => Some(self.who),
            Now::Ends | Now::Ended(_) => None,
        }
    }
}

/// What a joiner finds.
pub(super) enum Look<T, E> {
    Runs,
    Ended(Result<T, MemberError<E>>),
    Taken,
}

impl<T: 'static, E: 'static> Shared<T, E> {
    pub(super) fn new(asks: Asks<E>) -> Arc<Self> {
        let state = State {
            kernel: None,
            closed: false,
            members: BTreeMap::new(),
            running: 0,
            daemons: 0,
            ended: VecDeque::new(),
            completed: None,
            is_over: false,
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
        let mut edge = None;
        let (joiners, waiters) = {
            let mut state = self.lock();
            let state = &mut *state;
            state.running -= 1;
            let Some(entry) = state.members.get_mut(&id) else {
                return;
            };
            entry.now = Now::Ended(result);
            if entry.claims == 0 {
                state.ended.push_back(id);
                if has_failed {
                    edge = state.edge.take();
                }
            }
            (entry.joiners.take(), state.waiters.take())
        };
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

    /// Takes no more members.
    pub(super) fn close(&self) {
        self.lock().closed = true;
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

    /// Counts the members that have ended, in order, until what the group waits for has come; whether it
    /// has.
    pub(super) fn count(&self, wait: Wait<T>) -> bool {
        loop {
            let mut state = self.lock();
            if state.is_over || matches!(wait, Wait::None) {
                return true;
            }
            let Some(id) = state.ended.pop_front() else {
                return state.running == 0;
            };
            let Some(entry) = state.members.get_mut(&id) else {
                continue;
            };
            // Predicates are code of users, so the result is taken out while they look at it.
            let Now::Ended(result) = mem::replace(&mut entry.now, Now::Ends) else {
                continue;
            };
            drop(state);
            let (counts, is_over) = wait.weigh(&result);
            let mut state = self.lock();
            state.is_over |= is_over;
            if counts {
                state.completed.get_or_insert(id);
            }
            if let Some(entry) = state.members.get_mut(&id) {
                entry.now = Now::Ended(result);
            }
        }
    }

    /// Takes the next member that has ended, out of the group; `Err` says whether any still runs.
    pub(super) fn take_next(&self) -> Result<Finished<T, E>, bool> {
        let mut state = self.lock();
        while let Some(id) = state.ended.pop_front() {
            if let Some(Entry {
                name,
                now: Now::Ended(result),
                ..
            }) = state.members.remove(&id)
            {
                return Ok(Finished { id, name, result });
            }
        }
        Err(state.running > 0)
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

    /// Takes one member's result.
    pub(super) fn take_member(&self, id: TaskId) -> Look<T, E> {
        let mut state = self.lock();
        match state.members.get(&id) {
            None => return Look::Taken,
            Some(entry) if !matches!(entry.now, Now::Ended(_)) => return Look::Runs,
            Some(_) => {}
        }
        match state.members.remove(&id) {
            Some(Entry {
                now: Now::Ended(result),
                ..
            }) => Look::Ended(result),
            _ => Look::Taken,
        }
    }

    /// Has `waker` woken when this member has ended, whose result it then will have.
    pub(super) fn claim(&self, id: TaskId, ticket: &mut Option<u64>, waker: &Waker) {
        let waker = waker.clone();
        let is_first = ticket.is_none();
        let old = {
            let mut state = self.lock();
            let Some(entry) = state.members.get_mut(&id) else {
                return;
            };
            entry.claims += usize::from(is_first);
            entry.joiners.add(ticket, waker)
        };
        drop(old);
    }

    /// Gives the claim back; a member that has ended and is claimed no more counts again.
    pub(super) fn unclaim(&self, id: TaskId, ticket: &mut Option<u64>) {
        let Some(ticket) = ticket.take() else { return };
        let (old, waiters) = {
            let mut state = self.lock();
            let state = &mut *state;
            let Some(entry) = state.members.get_mut(&id) else {
                return;
            };
            let old = entry.joiners.leave(ticket);
            entry.claims -= 1;
            if entry.claims > 0 || !matches!(entry.now, Now::Ended(_)) {
                (old, Woken::none())
            } else {
                state.ended.push_back(id);
                (old, state.waiters.take())
            }
        };
        drop(old);
        waiters.wake();
    }

    /// The task of a member that runs.
    pub(super) fn is_running(&self, id: TaskId) -> bool {
        self.lock()
            .members
            .get(&id)
            .is_some_and(|entry| entry.task().is_some())
    }

    /// The members that nobody has taken, without daemons, in the order of spawning.
    pub(super) fn names(&self) -> Vec<TaskName> {
        let state = self.lock();
        let members = state.members.values();
        let members = members.filter(|entry| !matches!(entry.now, Now::Daemon));
        members.map(|entry| entry.who).collect()
    }

    /// Takes all results, in the order of spawning, and which member counted first.
    pub(super) fn take_all(&self) -> (Vec<Finished<T, E>>, Option<TaskId>) {
        let mut state = self.lock();
        let state = &mut *state;
        let mut kept = BTreeMap::new();
        let mut taken = Vec::new();
        for (id, entry) in mem::take(&mut state.members) {
            match entry {
                Entry {
                    name,
                    now: Now::Ended(result),
                    claims: 0,
                    ..
                } => {
                    taken.push(Finished { id, name, result });
                }
                entry => {
                    kept.insert(id, entry);
                }
            }
        }
        state.members = kept;
        state.ended.clear();
        (taken, state.completed)
    }

    /// Tells the crash hook of the failures that nobody was given.
    pub(super) fn report_untaken(&self) {
        for Finished { id, name, result } in self.take_all().0 {
            let (message, is_panic) = match &result {
                Err(MemberError::Failed(error)) => ((self.asks.describe)(error), false),
                Err(MemberError::Panicked(panic)) => (panic.to_string(), true),
                _ => continue,
            };
            let name = name.as_deref();
            crash::report(&Crash {
                task: id,
                name,
                message: &message,
                is_panic,
            });
        }
    }
}
