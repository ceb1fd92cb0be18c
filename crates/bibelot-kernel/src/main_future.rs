//! The main future: what `block_on` was given, with a place among the tasks while it runs.
//!
//! It need not be `'static`, so it has no cell: it stays on the stack of `block_on`, and a wake of it
//! puts a mark into the ready queue. In all else it is a task: it has a number, a record, and can be
//! asked to stop.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::cancel::Cancelled;
use crate::core::{Core, contain, wake_all};
use crate::current::Own;
use crate::home::{self, KernelId};
use crate::observer::{Suspended, Terminated};
use crate::record::Tenant;
use crate::remote;
use crate::run_task::terminated;
use crate::task::TaskId;
use crate::tasks::Ending;
use crate::turn::poll_once;

/// The main future's place among the tasks.
pub(crate) struct Main<'a> {
    core: &'a Rc<Core>,
    id: TaskId,
    waker: Waker,
}

impl<'a> Main<'a> {
    pub(crate) fn begin(core: &'a Rc<Core>, spawn_site: &'static Location<'static>) -> Self {
        assert!(
            core.current.key().is_none(),
            "block_on was called from inside a task of the same kernel; await the future instead"
        );
        let number = core.numbers.draw();
        let key = {
            let mut tasks = core.tasks.borrow_mut();
            let key = tasks.next_key(number);
            tasks.insert(key, None);
            key
        };
        let tenant = Tenant {
            number,
            parent: 0,
            spawn_site,
            daemon: false,
            name: Some(Arc::from("main")),
        };
        core.records.begin(key.slot, tenant);
        if core.choice.is_some() {
            core.paths.begin(number, 0);
        }
        core.main_key.set(Some(key));
        let waker = core
            .main_waker
            .borrow_mut()
            .get_or_insert_with(|| waker_of(core.id))
            .clone();
        let id = TaskId {
            kernel: core.id,
            key,
            number,
        };
        core.observers.created(id);
        core.begin_main();
        Self { core, id, waker }
    }

    /// Polls the main future once; its end, if that has come.
    pub(crate) fn poll<F: Future>(&self, future: Pin<&mut F>) -> Option<Outcome<F::Output>> {
        let core = self.core;
        let record = core.records.tenant(self.id.key.slot);
        core.begin_poll(record, self.id.key.slot, Own::Main(self.waker.data()));
        let polled = catch_unwind(AssertUnwindSafe(|| poll_once(future, &self.waker)));
        let deaf = match polled {
            Ok(None) => core.unheard(),
            _ => None,
        };
        core.end_poll(self.id.key.slot, self.id.number);
        match (polled, deaf) {
            (Ok(Some(value)), _) => Some(Outcome::Returned(value)),
            (Err(payload), _) => Some(Outcome::Panicked(payload)),
            (Ok(None), Some(request)) => Some(Outcome::Deaf(Cancelled::new(request.cause))),
            (Ok(None), None) => {
                if core.main_queued.get() {
                    record.ready();
                    core.observers.suspended(self.id, Suspended::Ready);
                } else {
                    let wait = core.note_parked(record, self.id.key);
                    core.observers.suspended(self.id, Suspended::Waits(wait));
                }
                None
            }
        }
    }

    pub(crate) fn end(self, ending: Ending) {
        self.core.end_main();
        self.core.main_ended(self.id, ending, terminated(ending));
    }
}

/// How a main future ended.
pub(crate) enum Outcome<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    /// Nothing in it hears this request, so it is to be dropped.
    Deaf(Cancelled),
}

impl Drop for Main<'_> {
    fn drop(&mut self) {
        // After `end` this finds nothing left.
        self.core.end_main();
        self.core
            .main_ended(self.id, Ending::Aborted, Terminated::Aborted);
    }
}

impl Core {
    fn main_ended(self: &Rc<Self>, id: TaskId, ending: Ending, how: Terminated) {
        let (entry, joiners) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(entry) = tasks.get_mut(id.key) else {
                return;
            };
            entry.end = Some(ending);
            let joiners = entry.take_joiners();
            tasks.note_end();
            (tasks.remove(id.key), joiners)
        };
        self.records.terminated(self.records.tenant(id.key.slot));
        self.records.end(id.key.slot);
        self.observers.terminated(id, how);
        self.paths.end(id.number);
        wake_all(joiners.into_values());
        contain(|| drop(entry));
    }
}

/// The main future's waker: sound from any thread, at home a push.
struct MainWaker(KernelId);

fn waker_of(kernel: KernelId) -> Waker {
    Waker::from(Arc::new(MainWaker(kernel)))
}

impl Wake for MainWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let here = home::with_kernel(self.0, |core| core.wake_main());
        if here.is_none() {
            remote::of(self.0).wake_main(self.0);
        }
    }
}
