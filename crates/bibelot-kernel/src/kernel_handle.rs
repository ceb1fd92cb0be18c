//! The kernel's handle: what other threads may ask of a running kernel.

use crate::home::{self, KernelId};
use crate::record::RecordReader;
use crate::remote::{self, Message};

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

    /// Asks the main future to end, with [`Cause::Shutdown`](crate::Cause::Shutdown): the run under way
    /// returns when it has. Without a run under way nothing happens.
    pub fn stop(&self) {
        let here = home::with_kernel(self.id, |core| core.stop());
        if here.is_none() {
            remote::send(self.id, Message::Stop);
        }
    }
}
