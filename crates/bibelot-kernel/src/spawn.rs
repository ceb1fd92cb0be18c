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
use crate::tasks::EndListener;

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
pub fn spawn<F: Future + 'static>(future: F) -> Task<F::Output> {
    let (mut with, site) = (TaskBuilder::new(), Location::caller());
    home::expect("spawn", |core| {
        core.spawn(&mut with, site, |tag| bibelot_task::spawn(future, tag))
    })
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
        home::expect("spawn", |core| {
            core.spawn(&mut with, site, |tag| bibelot_task::spawn(future, tag))
        })
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
        home::expect("spawn", |core| {
            core.spawn(&mut with, site, |tag| {
                bibelot_task::spawn_boxed(future, tag)
            })
        })
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
    #[inline]
    fn spawn<T: 'static>(
        self: &Rc<Self>,
        with: &mut TaskBuilder,
        spawn_site: &'static Location<'static>,
        make: impl FnOnce(Tag) -> (Runnable<Tag>, TaskRef<Tag>),
    ) -> Task<T> {
        let locals = self.inherited_locals();
        let number = self.numbers.draw();
        let id = TaskId {
            kernel: self.id,
            key: self.tasks.borrow().next_key(number),
            number,
        };
        if self.is_over.get() {
            // To drop it would spawn the next one.
            std::mem::forget(make);
            return Task::new(id);
        }
        // To make a cell allocates and does nothing else, so the key stays the next one.
        let (runnable, task) = make(Tag {
            kernel: self.id,
            slot: id.key.slot,
        });
        self.begin_task(id, (runnable, task), spawn_site, with, locals);
        Task::new(id)
    }

    /// The part that does not.
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
