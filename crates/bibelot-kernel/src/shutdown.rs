//! The shutdown: how a kernel ends, in bounded time, and what it says of it.
//!
//! Tasks first: cancelled, awaited, aborted. Then what they wrote: sent, within the linger time. Then the
//! callbacks. Then everything is let go of in an order in which nothing can be reached that is gone:
//! futures and values while their kernel is still there, the home of every task, the remote, and last the
//! reactor, which ends what it still has before it frees anything.

use std::thread;
use std::time::Duration;

use crate::core::{Core, contain};
use crate::home;
use crate::io::IoReport;
use crate::kernel::Kernel;
use crate::record::TaskInfo;
use crate::tasks::TaskKey;

/// How often a kernel that ends looks again for what its own end brought about: futures whose drop spawns.
const ROUNDS_MAX: usize = 100;

/// So many callbacks are called at the end; more are those that register themselves again.
const CALLBACKS_MAX: usize = 1_000_000;

/// What a shutdown left.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many tasks were asked to end.
    pub cancelled: usize,
    /// The tasks that did not end in time and were aborted.
    pub aborted: Vec<TaskInfo>,
    /// What was left of the kernel's dealings with the world.
    pub io: IoReport,
    /// The status that [`exit`](crate::exit()) asked for, if it was called.
    pub exit_code: Option<i32>,
    /// Why the kernel could not go on, if it could not.
    pub failure: Option<String>,
}

impl ShutdownReport {
    /// Whether everything ended by itself and everything was sent and delivered.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.aborted.is_empty()
            && self.io.unsent_bytes == 0
            && self.io.undelivered_bytes == 0
            && self.io.in_flight.is_empty()
            && self.failure.is_none()
    }
}

impl Kernel {
    pub(crate) fn shut_down(&mut self, grace: Option<Duration>) -> ShutdownReport {
        self.is_down = true;
        let core = self.core.clone();
        let mut report = ShutdownReport::default();
        // A thread that is unwinding does not wait for anybody.
        let grace = if thread::panicking() {
            Duration::ZERO
        } else {
            grace.unwrap_or(core.config.grace)
        };
        report.cancelled = core.cancel_all();
        let deadline = core.read_clock() + grace;
        let ended = self.run_until(deadline, |core| core.tasks.borrow().live() == 0);
        report.failure = ended.err().map(|error| error.to_string());
        self.abort_rest(&mut report);
        self.close_objects(&mut report);
        core.call_at_shutdown();
        report.io = core.io.borrow().report();
        report.exit_code = core.end.code();
        core.let_go();
        home::move_out(core.id);
        report
    }

    fn abort_rest(&mut self, report: &mut ShutdownReport) {
        let core = self.core.clone();
        let reader = core.records.reader();
        // A future that is dropped may spawn; what it spawns is aborted, too, within reason.
        for _ in 0..ROUNDS_MAX {
            let left: Vec<TaskKey> = core.newest_first();
            if left.is_empty() {
                return;
            }
            for key in left {
                report
                    .aborted
                    .extend(reader.get_at(key.slot, key.generation));
                core.abort(key);
            }
        }
    }

    /// Sends what was written and closes what is open.
    fn close_objects(&mut self, report: &mut ShutdownReport) {
        let core = self.core.clone();
        core.with_io(|io, acts| io.release_all(acts));
        if report.failure.is_some() {
            return;
        }
        let deadline = core.now() + core.config.io.linger + core.config.drain_limit;
        let closed = self.run_until(deadline, |core| core.io.borrow().is_quiet());
        report.failure = closed.err().map(|error| error.to_string());
    }
}

/// Has this thread's kernel call `callback` as it shuts down: when all tasks have ended and what was written
/// is sent, in the order of registration. One that is registered by a callback is called, too; what a callback
/// spawns is dropped without a poll.
///
/// A panic of one does not keep the others from being called.
///
/// Curio: `_call_at_shutdown(func)`.
///
/// # Panics
///
/// Without a kernel on this thread.
///
/// # Examples
///
/// ```
/// use bibelot_kernel::on_shutdown;
/// # fn open_log() {
/// on_shutdown(|| eprintln!("the log is closed"));
/// # }
/// ```
#[track_caller]
pub fn on_shutdown(callback: impl FnOnce() + 'static) {
    home::expect("on_shutdown", |core| core.at_shutdown(Box::new(callback)));
}

impl Core {
    pub(crate) fn at_shutdown(&self, callback: Box<dyn FnOnce()>) {
        self.at_shutdown.borrow_mut().push_back(callback);
    }

    fn call_at_shutdown(&self) {
        // Each may register more, within reason.
        for _ in 0..CALLBACKS_MAX {
            let callback = self.at_shutdown.borrow_mut().pop_front();
            let Some(callback) = callback else { return };
            contain(callback);
        }
    }

    /// Lets go of everything while the kernel can still be reached.
    fn let_go(&self) {
        let post = self.remote.close(self.id);
        contain(|| drop(post));
        for _ in 0..ROUNDS_MAX {
            if self.let_go_once() == 0 {
                break;
            }
        }
        // What would go on for ever ends here, and every task's home has ended after this.
        self.is_over.set(true);
        self.is_special.set(true);
        self.let_go_once();
        let waker = self.main_waker.borrow_mut().take();
        drop(waker);
    }

    /// Lets go of what there is; how much that was. What is dropped may bring more about.
    fn let_go_once(&self) -> usize {
        let mut count = self.ready.borrow().len();
        for _ in 0..count {
            let item = self.ready.borrow_mut().pop();
            contain(|| drop(item));
        }
        let keys = self.tasks.borrow().keys();
        count += keys.len();
        for key in keys {
            // One by one: a drop may spawn, into a slot that must be free in every table by then.
            let entry = self.tasks.borrow_mut().remove(key);
            let Some(mut entry) = entry else { continue };
            let known = self.records.known(key.slot);
            self.records.end(key.slot);
            self.report_unseen(key, &entry, &known);
            if let Some(task) = entry.take_task() {
                let _ended = task.end_home();
            }
            contain(|| drop(entry));
        }
        let (timers, others) = self.timers.drain();
        count += timers;
        others.into_iter().for_each(|timer| contain(|| drop(timer)));
        let slots = self.io.borrow_mut().take_all();
        count += slots.len();
        slots.into_iter().for_each(|slot| contain(|| drop(slot)));
        count
    }
}
