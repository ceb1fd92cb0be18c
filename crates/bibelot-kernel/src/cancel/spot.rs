//! The spot: in which task, when, and with which waker a trap parked.

use crate::home::{self, KernelId};
use crate::remote::{self, Message};
use crate::tasks::TaskKey;

const UNLISTED: u32 = u32::MAX;

/// Where and when a trap parked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    kernel: KernelId,
    /// The number of the task.
    pub task: u64,
    pub stamp: u64,
    key: TaskKey,
    /// The trap's place in its task's list of traps with wakers of their own.
    place: u32,
}

impl Spot {
    /// Under an executor that is not ours.
    pub(crate) const NOWHERE: Self = Self {
        kernel: KernelId(0),
        task: 0,
        stamp: 0,
        key: TaskKey {
            slot: 0,
            generation: 0,
        },
        place: UNLISTED,
    };

    #[inline]
    pub(crate) fn new(kernel: KernelId, key: Option<TaskKey>, task: u64, stamp: u64) -> Self {
        let key = key.unwrap_or(Self::NOWHERE.key);
        Self {
            kernel,
            task,
            stamp,
            key,
            place: UNLISTED,
        }
    }

    #[inline]
    pub(crate) fn place(self) -> Option<u32> {
        (self.place != UNLISTED).then_some(self.place)
    }

    #[inline]
    pub(crate) fn is_listed(self) -> bool {
        self.place != UNLISTED
    }

    pub(crate) fn listed(self, place: u32) -> Self {
        Self { place, ..self }
    }

    pub(crate) fn unlisted(self) -> Self {
        Self {
            place: UNLISTED,
            ..self
        }
    }

    /// Takes the trap off its task's list, if it is there, from any thread.
    #[inline]
    pub(crate) fn leave_foreign(self) {
        if let Some(place) = self.place() {
            self.leave_place(place);
        }
    }

    #[cold]
    fn leave_place(self, place: u32) {
        let here = home::with_kernel(self.kernel, |core| core.leave_foreign(self.key, place));
        if here.is_none() {
            remote::send(self.kernel, Message::LeaveForeign(self.key, place));
        }
    }
}
