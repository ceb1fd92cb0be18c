//! The kernel's handle: what other threads may ask of a running kernel.

use std::fmt;
use std::io;
use std::rc::Rc;

use crate::cancel::Cause;
use crate::home::{self, KernelId};
use crate::record::RecordReader;
use crate::remote::{self, Job, Message};

/// The kernel has ended; what it was to run comes back.
#[derive(thiserror::Error)]
#[error("the kernel has ended")]
pub struct KernelEnded(pub Box<dyn FnOnce() + Send>);

impl fmt::Debug for KernelEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KernelEnded(..)")
    }
}

/// Reaches a kernel from any thread.
///
/// It keeps nothing alive; once the kernel has ended, asking is without effect.
#[derive(Clone, Debug)]
pub struct KernelHandle {
    id: KernelId,
    reader: RecordReader,
}

impl KernelHandle {
    pub(crate) fn new(id: KernelId, reader: RecordReader) -> Self {
        Self { id, reader }
    }

    /// The kernel of this thread, if it has one.
    #[must_use]
    pub fn try_current() -> Option<Self> {
        home::with(|core| Self::new(core.id, core.records.reader()))
    }

    /// The kernel's id.
    #[must_use]
    pub fn id(&self) -> KernelId {
        self.id
    }

    /// A reader of what the kernel's tasks do; it works also while the kernel is stuck.
    #[must_use]
    pub fn reader(&self) -> &RecordReader {
        &self.reader
    }

    /// Whether the kernel has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.reader.has_ended()
    }

    /// Runs `job` on the kernel's thread, outside any task, in its next turn or the one under way: the way to
    /// [`spawn`](crate::spawn) there. Jobs of one thread run in their order.
    ///
    /// It may not wait, so it should be short. A panic of it is contained, and the
    /// [crash hook](crate::set_crash_hook) is told. A kernel that ends first drops it.
    ///
    /// asyncio: `call_soon_threadsafe`.
    ///
    /// # Errors
    ///
    /// [`KernelEnded`], with the job, when the kernel has ended.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn wakes(there: bibelot_kernel::KernelHandle) -> Result<(), bibelot_kernel::KernelEnded> {
    /// there.post(|| bibelot_kernel::spawn(async { 7 }).detach())
    /// # }
    /// ```
    #[doc(alias = "call_soon_threadsafe")]
    pub fn post(&self, job: impl FnOnce() + Send + 'static) -> Result<(), KernelEnded> {
        let sent = remote::send_job(self.id, Job(Box::new(job)));
        sent.map_err(|Job(job)| KernelEnded(job))
    }

    /// Asks the main future to end, with [`Cause::Shutdown`](crate::Cause::Shutdown): the run under way
    /// returns when it has. Without a run under way nothing happens.
    #[doc(alias = "KernelExit")]
    pub fn stop(&self) {
        self.stop_with(Cause::Shutdown);
    }

    /// The same, for this cause.
    pub fn stop_with(&self, cause: Cause) {
        match home::with_kernel(self.id, Rc::clone) {
            Some(core) => core.stop(cause),
            None => remote::send(self.id, Message::Stop(cause)),
        }
    }

    /// Ends the run under way with this error, at the end of the turn: the main future is dropped as it
    /// is, and [`try_block_on`](crate::Kernel::try_block_on) returns the error. For who watches over a program
    /// from outside. Without a run under way nothing happens.
    pub fn break_off(&self, error: io::Error) {
        match home::with_kernel(self.id, Rc::clone) {
            Some(core) => core.break_off(error),
            None => remote::send(self.id, Message::BreakOff(error)),
        }
    }

    /// Asks the kernel's program to end with a status; see [`exit`](crate::exit()).
    pub fn exit(&self, code: i32) {
        let here = home::with_kernel(self.id, |core| core.exit(code));
        if here.is_none() {
            remote::send(self.id, Message::Exit(code));
        }
    }
}
