//! The state of a task: flags that only the home touches, and one word for everybody else.
//!
//! What happens at home is a plain load and store of `flags`. Other threads speak through the bits of
//! `word`, and the home looks at it once per run. The two sides never write the same bit, so neither
//! waits for the other; where both want the same thing (a wake), each has its own bit and its own
//! runnable, and the run that finds a wake already consumed does nothing.
//!
//! The counts of references live beside them and have a file of their own, `count`; so has what passes
//! between the home and a `JoinHandle`, `hand_over`.
//!
//! # Invariants
//!
//! - `flags`, `held` and `count` are touched on the home thread only: the one where the task was spawned.
//! - At most one runnable answers for [`QUEUED`], and one for [`AWAY_QUEUED`]. They are
//!   interchangeable: a run answers for the first if that is set, else for the second.
//! - A wake is never lost: after it, [`State::begin`] answers [`Begin::Poll`], unless the task ended.

use crate::shared::{AtomicUsize, Cell, Ordering};

// The flags of the home.

/// A runnable was made by a wake at home (or by the spawn) and has not been run. Set by the wake that
/// makes it and by the end of a poll that was woken; cleared when a run begins.
pub(crate) const QUEUED: u16 = 1 << 0;

/// A poll is wanted. Set by a wake at home, cleared when a poll begins. Without `QUEUED` it is seen only
/// while a poll runs: the end of that poll makes the runnable.
pub(crate) const WOKEN: u16 = 1 << 1;

/// The future is being polled, or is being dropped after its last poll. A wake leaves no runnable but
/// `WOKEN`, an abort leaves `ABORT`. Never set together with `QUEUED`.
pub(crate) const RUNNING: u16 = 1 << 2;

/// The future is to be dropped by the run under way, or by the next. Never cleared.
pub(crate) const ABORT: u16 = 1 << 3;

/// The task has ended: its future is gone, or is being dropped after an abort. Never cleared.
pub(crate) const ENDED: u16 = 1 << 4;

/// The cell holds an output that belongs to the `TaskRef`s. Set by the end, cleared by whoever takes or
/// drops the output.
pub(crate) const OUTPUT: u16 = 1 << 5;

/// The joiner slot holds a waker that a `TaskRef` put there. Never set in a task with a `JoinHandle`.
pub(crate) const JOINER: u16 = 1 << 6;

/// The task was spawned with a `JoinHandle`, to which output and joiner slot belong. Never changed.
pub(crate) const JOINABLE: u16 = 1 << 7;

/// The home has given up counting with its last `TaskRef`: `count` was added to the word, which is the
/// whole truth from now on. Never cleared.
pub(crate) const FOLDED: u16 = 1 << 8;

/// The word says `AWAY_ENDED`, so that it need not be said again. Never cleared.
pub(crate) const TOLD: u16 = 1 << 9;

// The bits of the word.

/// A poll is wanted by another thread. Set by its wake (release: what it did before is seen by the
/// poll), cleared when a poll begins (acquire).
pub(crate) const AWAY_WOKEN: usize = 1 << 0;

/// A runnable was made by a wake on another thread and has not been run. Set together with
/// `AWAY_WOKEN`; cleared by the run that answers for it. A runnable dropped away from home leaves it
/// set: the task is abandoned, and wakes from afar make no more.
pub(crate) const AWAY_QUEUED: usize = 1 << 1;

/// A `JoinHandle` asked from another thread for the end. Never cleared.
pub(crate) const AWAY_ABORT: usize = 1 << 2;

/// The task has ended. Set by the home at the end if anybody else may look. With a `JoinHandle` it
/// hands over (release): from then on the output is the handle's, and the joiner slot the home's.
pub(crate) const AWAY_ENDED: usize = 1 << 3;

/// The cell holds an output that belongs to the `JoinHandle`. Set together with `AWAY_ENDED`.
pub(crate) const AWAY_OUTPUT: usize = 1 << 4;

/// The joiner slot holds a waker that the `JoinHandle` put there. While it and `AWAY_ENDED` are clear
/// the slot is the handle's.
pub(crate) const AWAY_JOINER: usize = 1 << 5;

/// The `JoinHandle` lives. Found clear at the end, the home drops the output itself.
pub(crate) const AWAY_HANDLE: usize = 1 << 6;

/// The state of one task.
pub(crate) struct State {
    /// The bits above, and from `count::ONE` up the count of other threads.
    pub(crate) word: AtomicUsize,
    /// How many `TaskRef`s live.
    pub(crate) held: Cell<u32>,
    pub(crate) flags: Cell<u16>,
    /// References made at home less those dropped at home.
    pub(crate) count: Cell<i16>,
}

/// What a wake must do.
#[must_use]
pub(crate) enum Wake {
    /// Make a runnable and push it.
    Push,
    /// Nothing: a runnable is under way, or the task has ended.
    Nothing,
}

/// What a run must do with its runnable.
#[must_use]
pub(crate) enum Begin {
    /// Poll the future. `RUNNING` is set.
    Poll,
    /// Drop the future, as asked. `ENDED` is set.
    Drop,
    /// Nothing: ended, or polled since, or being polled further up the stack.
    Nothing,
}

/// What a run must do after a poll that left the future pending.
#[must_use]
pub(crate) enum Park {
    /// Nothing: the next wake makes a runnable.
    Parked,
    /// Give the runnable back to the scheduler. `QUEUED` is set.
    Woken,
    /// Drop the future, as asked. `ENDED` is set.
    Drop,
}

/// What an abort must do.
#[must_use]
pub(crate) enum Abort {
    /// Drop the future. `ENDED` is set.
    Drop,
    /// Nothing: the poll under way does it.
    AfterPoll,
    /// Nothing: the task had ended.
    HadEnded,
}

/// What the home must do at the end.
#[must_use]
pub(crate) struct End {
    /// Take the waker out of the joiner slot and wake it.
    pub(crate) wake_joiner: bool,
    /// Drop the output: nobody can take it.
    pub(crate) drop_output: bool,
}

impl State {
    #[inline(always)]
    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags.get() & flag != 0
    }

    #[inline(always)]
    pub(crate) fn set(&self, flag: u16) {
        self.flags.set(self.flags.get() | flag);
    }

    #[inline(always)]
    pub(crate) fn clear(&self, flag: u16) {
        self.flags.set(self.flags.get() & !flag);
    }

    /// A wake at home.
    #[inline]
    pub(crate) fn wake_home(&self) -> Wake {
        let flags = self.flags.get();
        if flags & (QUEUED | RUNNING | ENDED) == 0 {
            self.flags.set(flags | QUEUED | WOKEN);
            return Wake::Push;
        }
        if flags & (WOKEN | ENDED) == 0 {
            self.flags.set(flags | WOKEN);
        }
        Wake::Nothing
    }

    /// A wake anywhere else.
    #[inline]
    pub(crate) fn wake_away(&self) -> Wake {
        // Release pairs with the acquire of `begin`. It is needed also when the bits are set
        // already: the run that clears them must see what this thread did.
        let before = self
            .word
            .fetch_or(AWAY_WOKEN | AWAY_QUEUED, Ordering::Release);
        if before & (AWAY_QUEUED | AWAY_ENDED) == 0 {
            Wake::Push
        } else {
            Wake::Nothing
        }
    }

    /// A `JoinHandle`'s request for the end, at home.
    pub(crate) fn ask_home(&self) -> Wake {
        if !self.has(ENDED) {
            self.set(ABORT);
        }
        self.wake_home()
    }

    /// A `JoinHandle`'s request for the end, anywhere else.
    pub(crate) fn ask_away(&self) -> Wake {
        let ask = AWAY_ABORT | AWAY_WOKEN | AWAY_QUEUED;
        let before = self.word.fetch_or(ask, Ordering::Release);
        if before & (AWAY_QUEUED | AWAY_ENDED) == 0 {
            Wake::Push
        } else {
            Wake::Nothing
        }
    }

    /// Whether a run would poll the future or drop it, or is the first to find that it is gone.
    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        if self.flags.get() & (QUEUED | WOKEN | ABORT | ENDED) != 0 {
            return true;
        }
        // Relaxed: a wake that this misses has a runnable of its own under way, or is seen by `dissolve`.
        self.word.load(Ordering::Relaxed) & (AWAY_WOKEN | AWAY_ABORT) != 0
    }

    /// Takes back the runnable that answers for `AWAY_QUEUED`, whose wake an earlier run has answered;
    /// `false` if another wake has come meanwhile, for which it is needed.
    pub(crate) fn dissolve(&self) -> bool {
        // Relaxed: nothing is passed on; the next wake makes a runnable, whose run acquires.
        let taken = self
            .word
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
                let is_wanted = word & (AWAY_WOKEN | AWAY_ABORT) != 0;
                (!is_wanted).then_some(word & !AWAY_QUEUED)
            });
        taken.is_ok()
    }

    /// A run begins, at home.
    #[inline]
    pub(crate) fn begin(&self) -> Begin {
        let mut flags = self.flags.get();
        if flags & ENDED != 0 {
            return Begin::Nothing;
        }
        let word = if flags & QUEUED != 0 {
            flags &= !QUEUED;
            // Relaxed: a wake that this misses has a runnable of its own under way.
            match self.word.load(Ordering::Relaxed) {
                word if word & (AWAY_WOKEN | AWAY_ABORT) == 0 => 0,
                _ => self.word.fetch_and(!AWAY_WOKEN, Ordering::Acquire),
            }
        } else {
            // Acquire pairs with the release of `wake_away` and `ask_away`.
            self.word
                .fetch_and(!(AWAY_WOKEN | AWAY_QUEUED), Ordering::Acquire)
        };
        if word & AWAY_WOKEN != 0 {
            flags |= WOKEN;
        }
        if word & AWAY_ABORT != 0 {
            flags |= ABORT;
        }
        let next = if flags & RUNNING != 0 {
            // A run from inside the poll of the same task: that poll's end gives the runnable.
            Begin::Nothing
        } else if flags & ABORT != 0 {
            flags |= ENDED;
            Begin::Drop
        } else if flags & WOKEN != 0 {
            flags = flags & !WOKEN | RUNNING;
            Begin::Poll
        } else {
            Begin::Nothing
        };
        self.flags.set(flags);
        next
    }

    /// A poll has left the future pending.
    #[inline]
    pub(crate) fn park(&self) -> Park {
        let flags = self.flags.get() & !RUNNING;
        if flags & ABORT != 0 {
            self.flags.set(flags | ENDED);
            Park::Drop
        } else if flags & WOKEN != 0 {
            self.flags.set(flags | QUEUED);
            Park::Woken
        } else {
            self.flags.set(flags);
            Park::Parked
        }
    }

    /// The poll that was to come is not made: the future is to be dropped.
    pub(crate) fn give_up(&self) {
        self.flags.set(self.flags.get() & !RUNNING | ENDED);
    }

    /// An abort at home.
    pub(crate) fn abort(&self) -> Abort {
        let flags = self.flags.get();
        if flags & ENDED != 0 {
            Abort::HadEnded
        } else if flags & RUNNING != 0 {
            self.flags.set(flags | ABORT);
            Abort::AfterPoll
        } else {
            self.flags.set(flags | ENDED);
            Abort::Drop
        }
    }

    /// The future is gone; `has_output` says that there is something in its place. `own` counts the
    /// references of the caller, who will not wake with them.
    #[inline]
    pub(crate) fn end(&self, has_output: bool, own: usize) -> End {
        let flags = self.flags.get();
        let ended = flags & !(RUNNING | WOKEN | JOINER) | ENDED;
        if flags & JOINABLE != 0 {
            return self.hand_over(ended, has_output);
        }
        let keep = has_output && self.held.get() > 0;
        self.flags.set(if keep { ended | OUTPUT } else { ended });
        if flags & FOLDED != 0 || self.counted() > own {
            self.tell();
        }
        End {
            wake_joiner: flags & JOINER != 0,
            drop_output: has_output && !keep,
        }
    }

    /// Lets other threads know that the task has ended. With a `JoinHandle` only [`end`](Self::end) does
    /// that, since it hands over at the same time.
    pub(crate) fn tell(&self) {
        if !self.has(TOLD | JOINABLE) {
            self.set(TOLD);
            self.word.fetch_or(AWAY_ENDED, Ordering::Release);
        }
    }
}
