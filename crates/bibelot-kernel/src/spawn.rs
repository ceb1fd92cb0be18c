//! Spawning: a future becomes a task.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use bibelot_sched::Wake;
use bibelot_task::{Runnable, TaskRef};

use crate::cancel::Cause;
use crate::core::Core;
use crate::home;
use crate::ready::Item;
use crate::record::Tenant;
use crate::tag::Tag;
use crate::task::{Task, TaskId};
use crate::task_local::Locals;
use crate::tasks::{EndListener, TaskKey};

/// Starts `future` as a task of its own.
///
/// It is polled for the first time after the caller parks; spawning is no cancel point. The task goes
/// on whether its handle is kept or dropped. Large futures are better [boxed](TaskBuilder::spawn_boxed).
///
/// Curio: `spawn(corofunc)`.
///
/// # Panics
///
/// Without a kernel on this thread.
#[track_caller]
#[doc(alias = "create_task")]
#[doc(alias = "start_soon")]
#[doc(alias = "spawn_local")]
#[inline]
pub fn spawn<F: Future + 'static>(future: F) -> Task<F::Output> {
    let site = Location::caller();
    home::expect("spawn", |core| core.spawn(None, site, future))
}

/// What a task is spawned with besides its future.
///
/// # Examples
///
/// ```no_run
/// use bibelot_kernel::TaskBuilder;
///
/// let task = TaskBuilder::new().name("ticker").daemon().spawn(async { 7 });
/// ```
#[derive(Clone, Default)]
pub struct TaskBuilder {
    name: Option<Arc<str>>,
    daemon: bool,
    on_end: Option<EndListener>,
    site: Option<&'static Location<'static>>,
}

impl TaskBuilder {
    /// A task without a name that is no daemon.
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// The name it is shown by.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Nobody is expected to join it, and nobody misses it: it is cancelled with its kernel.
    #[must_use]
    pub fn daemon(mut self) -> Self {
        self.daemon = true;
        self
    }

    /// Calls `listener` when the task has ended, on the kernel's thread, outside any poll of it.
    #[must_use]
    pub fn on_end(mut self, listener: impl Fn(TaskId) + 'static) -> Self {
        self.on_end = Some(Rc::new(listener));
        self
    }

    /// The place that is shown as the one where it was spawned; the caller's without this.
    #[must_use]
    pub fn at(mut self, site: &'static Location<'static>) -> Self {
        self.site = Some(site);
        self
    }

    /// See [`spawn`](crate::spawn).
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    #[track_caller]
    pub fn spawn<F: Future + 'static>(self, future: F) -> Task<F::Output> {
        let site = self.site.unwrap_or(Location::caller());
        let mut with = self;
        home::expect("spawn", |core| core.spawn(Some(&mut with), site, future))
    }

    /// Spawns a boxed future, which is never moved: right for futures of many kilobytes.
    ///
    /// # Panics
    ///
    /// Without a kernel on this thread.
    #[track_caller]
    pub fn spawn_boxed<F: Future + 'static>(self, future: Pin<Box<F>>) -> Task<F::Output> {
        let site = self.site.unwrap_or(Location::caller());
        let mut with = self;
        home::expect("spawn", |core| core.spawn(Some(&mut with), site, future))
    }
}

impl std::fmt::Debug for TaskBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("name", &self.name)
            .field("daemon", &self.daemon)
            .finish_non_exhaustive()
    }
}

impl Core {
    /// The part of a spawn that knows the future's type.
    #[inline(always)]
    fn spawn<F: Future + 'static>(
        self: &Rc<Self>,
        with: Option<&mut TaskBuilder>,
        site: &'static Location<'static>,
        future: F,
    ) -> Task<F::Output> {
        let is_plain = with.is_none() && !self.is_special.get();
        let locals = if is_plain {
            None
        } else {
            self.inherited_locals()
        };
        let number = self.numbers.draw();
        let id = TaskId {
            kernel: self.id,
            key: self.tasks.borrow().next_key(number),
            number,
        };
        let slot = id.key.slot;
        if !is_plain && self.is_over.get() {
            // To drop it would spawn the next one.
            std::mem::forget(future);
            return Task::new(id);
        }
        // To make a cell allocates and does nothing else, so the key stays the next one.
        let tag = Tag {
            kernel: self.id,
            slot,
        };
        let (runnable, task) = bibelot_task::spawn_in(future, tag, &self.spares);
        if is_plain {
            self.begin_plain(number, slot, runnable, task, site);
        } else {
            let with = &mut with.map_or_else(TaskBuilder::new, std::mem::take);
            self.begin_task(id, (runnable, task), site, with, locals);
        }
        Task::new(id)
    }

    /// The part that does not, for a task with nothing else to it in a kernel that is nothing special.
    #[inline(never)]
    fn begin_plain(
        &self,
        number: u64,
        slot: u32,
        runnable: Runnable<Tag>,
        task: TaskRef<Tag>,
        spawn_site: &'static Location<'static>,
    ) {
        let key = TaskKey::new(slot, number);
        self.tasks.borrow_mut().insert(key, Some(task));
        self.records
            .begin_plain(slot, number, self.current.number(), spawn_site);
        self.counters.spawned.add(1);
        self.push_ready(Item::Task(runnable), Wake::Spawned);
    }

    /// The same for all others.
    #[inline(never)]
    fn begin_task(
        self: &Rc<Self>,
        id: TaskId,
        (runnable, task): (Runnable<Tag>, TaskRef<Tag>),
        spawn_site: &'static Location<'static>,
        with: &mut TaskBuilder,
        locals: Option<Locals>,
    ) {
        let TaskId { key, number, .. } = id;
        {
            let mut tasks = self.tasks.borrow_mut();
            let entry = tasks.insert(key, Some(task));
            if with.on_end.is_some() || locals.is_some() {
                let extra = entry.extra_mut();
                extra.on_end = with.on_end.take();
                extra.locals = locals.unwrap_or_default();
            }
        }
        let parent = self.current.number();
        let tenant = Tenant {
            number,
            parent,
            spawn_site,
            daemon: with.daemon,
            name: with.name.take(),
        };
        self.records.begin(key.slot, tenant);
        if self.choice.is_some() {
            self.paths.begin(number, parent);
        }
        self.counters.spawned.add(1);
        self.push_ready(Item::Task(runnable), Wake::Spawned);
        self.observers.created(id);
        if self.end.is_closing() {
            self.cancel(key, Cause::Shutdown);
        }
    }
}
