//! Running a task: one poll, and what follows from how it ended.

use std::cmp::Reverse;
use std::mem;
use std::rc::Rc;

use bibelot_sched::Wake;
use bibelot_task::{Aborted, Ran, Runnable};
use bibelot_timer::Instant;

use crate::budget;
use crate::cancel::{Request, Told};
use crate::config::OnPanic;
use crate::core::{Core, contain, wake_all};
use crate::current::Own;
use crate::observer::{Suspended, Terminated};
use crate::ready::Item;
use crate::record::{Begun, Record, Wait};
use crate::tag::Tag;
use crate::task::TaskId;
use crate::task_local::Locals;
use crate::tasks::{Ending, TaskKey, Ticket};

impl Core {
    /// Polls a task once.
    #[inline]
    pub(crate) fn run_task(self: &Rc<Self>, runnable: Runnable<Tag>) {
        // None if it has ended; or if, woken twice, at home and from another thread, it was polled for both.
        let Some(running) = runnable.begin() else {
            return;
        };
        let slot = running.schedule().slot;
        let record = self.records.tenant(slot);
        let number = self.begin_poll(record, slot, Own::Task(running.waker_data()));
        let ran = running.run();
        if !self.is_plain() {
            return self.after_poll(self.id_of(slot, number), record, ran);
        }
        self.end_poll(slot, number);
        match ran {
            Ran::Parked => {
                self.note_parked(record, TaskKey::new(slot, number));
            }
            Ran::Woken(runnable) => {
                record.ready();
                self.push_ready(Item::Task(runnable), Wake::Yielded);
            }
            Ran::Returned => {
                let key = TaskKey::new(slot, number);
                if !self.end_plain(key, record) {
                    self.task_ended(key, record, Ending::Returned);
                }
            }
            ran => self.after_last_poll(self.id_of(slot, number), record, ran),
        }
    }

    /// Makes the end of a task known that returned, if there is nobody to be told, and nothing to be done before
    /// its handle asks for the value.
    #[inline]
    fn end_plain(&self, key: TaskKey, record: &Record) -> bool {
        if self.is_special.get() || !self.tasks.borrow_mut().end_plain(key) {
            return false;
        }
        self.records.terminated(record);
        true
    }

    /// Whether a poll that has just been made is followed by nothing but its end: no request may be due, and
    /// nobody observes.
    #[inline]
    fn is_plain(&self) -> bool {
        self.is_calm() && self.observers.is_empty()
    }

    /// What follows a poll if there is somebody to be told, or a request that may not have been heard.
    #[inline(never)]
    fn after_poll(self: &Rc<Self>, id: TaskId, record: &Record, ran: Ran<Tag>) {
        let deaf = match ran {
            Ran::Parked | Ran::Woken(_) => self.unheard(),
            _ => None,
        };
        self.end_poll(id.key.slot, id.number);
        match (ran, deaf) {
            (ran @ (Ran::Parked | Ran::Woken(_)), Some(request)) => {
                self.drop_deaf(id, request);
                drop(ran);
            }
            (Ran::Parked, None) => {
                let wait = self.note_parked(record, id.key);
                self.observers.suspended(id, Suspended::Waits(wait));
            }
            (Ran::Woken(runnable), None) => {
                record.ready();
                self.observers.suspended(id, Suspended::Ready);
                self.push_ready(Item::Task(runnable), Wake::Yielded);
            }
            (ran, _) => self.after_last_poll(id, record, ran),
        }
    }

    /// The task has ended.
    #[inline(never)]
    fn after_last_poll(self: &Rc<Self>, id: TaskId, record: &Record, ran: Ran<Tag>) {
        match ran {
            Ran::Returned => self.task_ended(id.key, record, Ending::Returned),
            Ran::Panicked => {
                self.counters.panicked.add(1);
                self.keep_panic(id.key);
                self.task_ended(id.key, record, Ending::Panicked);
                self.after_panic(id);
            }
            Ran::Aborted => self.task_ended(id.key, record, Ending::Aborted),
            // It goes on, or was ended from outside of a run, and whoever did that has made it known.
            Ran::Parked | Ran::Woken(_) | Ran::Stale => {}
        }
    }

    /// Does what the kernel was built to do when a task panics.
    fn after_panic(self: &Rc<Self>, id: TaskId) {
        if self.config.on_panic != OnPanic::Contain {
            self.report_panic_now(id);
        }
        match self.config.on_panic {
            OnPanic::Contain => {}
            OnPanic::Shutdown => self.exit_after_panic(),
            OnPanic::Abort => std::process::abort(),
        }
    }

    /// Sets the stage for a poll of the task in `slot`.
    #[inline]
    pub(crate) fn begin_poll(&self, record: &Record, slot: u32, own: Own) -> u64 {
        let Begun { number, is_heeded } = record.running();
        self.current.begin(slot, number, own);
        self.path.begin(number);
        if is_heeded {
            self.heed(slot);
        }
        if !self.observers.is_empty() {
            self.observers.running(self.id_of(slot, number));
        }
        budget::begin(self.budget);
        self.begin_trace();
        number
    }

    #[inline]
    fn id_of(&self, slot: u32, number: u64) -> TaskId {
        TaskId {
            kernel: self.id,
            key: TaskKey::new(slot, number),
            number,
        }
    }

    /// Puts on the stage what the task was told in earlier polls, and whether it was asked anything.
    #[cold]
    fn heed(&self, slot: u32) {
        let tasks = self.tasks.borrow();
        let entry = tasks.at(slot);
        self.current.asked.set(entry.is_asked());
        self.path.set_told(entry.told());
    }

    /// Clears the stage.
    #[inline]
    pub(crate) fn end_poll(&self, slot: u32, number: u64) {
        budget::end();
        if let Some(told) = self.path.end() {
            self.keep_told(TaskKey::new(slot, number), told);
        }
        self.current.end();
    }

    #[cold]
    fn keep_told(&self, key: TaskKey, told: Told) {
        let mut tasks = self.tasks.borrow_mut();
        if let Some(entry) = tasks.get_mut(key) {
            entry.keep_told(told);
            self.records.heed(key.slot);
        }
    }

    /// Notes what the task that was just polled waits for, and says it.
    #[inline]
    pub(crate) fn note_parked(&self, record: &Record, key: TaskKey) -> Wait {
        let (wait, site, alarm) = match self.current.wait() {
            Some(parked) => (parked.wait, Some(parked.site), parked.alarm),
            None => (Wait::Foreign, None, Instant::FAR),
        };
        record.parked(wait, site);
        self.end_trace(record, key);
        let deadline = (!alarm.is_never()).then(|| alarm.as_nanos());
        record.deadline(deadline);
        wait
    }

    /// Drops a task in which nothing hears a request.
    fn drop_deaf(self: &Rc<Self>, id: TaskId, request: Request) {
        let task = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(entry) = tasks.get_mut(id.key) else {
                return;
            };
            entry.extra_mut().deaf = Some(crate::cancel::Cancelled::new(request.cause));
            entry.task().cloned()
        };
        if let Some(task) = task {
            // It is not being polled, so it is dropped now, or had ended.
            let _dropped = task.abort();
        }
        self.task_ended(id.key, self.records.tenant(id.key.slot), Ending::Deaf);
    }

    /// Drops the task's future now, or right after the poll that is under way.
    pub(crate) fn abort(self: &Rc<Self>, key: TaskKey) {
        let task = {
            let tasks = self.tasks.borrow();
            match tasks.get(key) {
                Some(entry) if entry.end.is_none() => entry.task().cloned(),
                _ => None,
            }
        };
        let Some(task) = task else { return };
        match task.abort() {
            Aborted::Dropped => {
                self.task_ended(key, self.records.tenant(key.slot), Ending::Aborted);
            }
            Aborted::AfterPoll | Aborted::HadEnded => {}
        }
    }

    /// Makes a task's end known.
    #[inline(never)]
    fn task_ended(self: &Rc<Self>, key: TaskKey, record: &Record, ending: Ending) {
        let (has_extra, is_held) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(entry) = tasks.get_mut(key) else {
                return;
            };
            if entry.end.is_some() {
                return;
            }
            entry.end = Some(ending);
            let found = (entry.extra().is_some(), entry.held);
            tasks.note_end();
            found
        };
        self.records.terminated(record);
        if has_extra || self.is_special.get() {
            self.tell_end(key, ending);
        } else if is_held {
            return;
        }
        self.forget_if_done(key);
    }

    /// Tells those who listen that a task has ended.
    fn tell_end(self: &Rc<Self>, key: TaskKey, ending: Ending) {
        let number = self.records.number(key.slot);
        let id = TaskId {
            kernel: self.id,
            key,
            number,
        };
        if self.choice.is_some() {
            self.paths.end(number);
        }
        // First of all: an observer may drop the last handle, and with it the entry.
        let (joiners, listener, locals) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(entry) = tasks.get_mut(key) else {
                return;
            };
            let joiners = entry.take_joiners();
            let (listener, locals) = match entry.extra() {
                Some(_) => {
                    let extra = entry.extra_mut();
                    (extra.on_end.take(), mem::take(&mut extra.locals))
                }
                None => (None, Locals::default()),
            };
            (joiners.into_values(), listener, locals)
        };
        self.observers.terminated(id, terminated(ending));
        contain(|| drop(locals));
        wake_all(joiners);
        if let Some(listener) = listener {
            contain(|| listener(id));
        }
    }

    /// The keys of the tasks that have not ended, newest first.
    pub(crate) fn newest_first(&self) -> Vec<TaskKey> {
        let mut keys = self.tasks.borrow().live_keys();
        keys.sort_by_cached_key(|key| Reverse(self.records.number(key.slot)));
        keys
    }

    /// Whoever waited for the task's end has left.
    pub(crate) fn leave_join(&self, key: TaskKey, ticket: Ticket) {
        let waker = {
            let mut tasks = self.tasks.borrow_mut();
            tasks
                .get_mut(key)
                .and_then(|entry| entry.remove_joiner(ticket))
        };
        drop(waker);
    }
}

/// The word of observers for an ending.
pub(crate) fn terminated(ending: Ending) -> Terminated {
    match ending {
        Ending::Returned => Terminated::Returned,
        Ending::Panicked => Terminated::Panicked,
        Ending::Aborted => Terminated::Aborted,
        Ending::Deaf => Terminated::Dropped,
    }
}
