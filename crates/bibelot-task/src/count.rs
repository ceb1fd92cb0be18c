//! The count of references, in two halves: the home's, which is plain, and everybody's, which is atomic.
//!
//! Runnables, wakers and join handles count one each, on the half of the thread where they are made or
//! dropped, so one made at home and dropped elsewhere leaves the halves at +1 and -1: only their sum
//! means something. All `TaskRef`s together are the home's interest in the cell. While it lasts, the
//! word carries [`HOME`] on top, which no sum of other threads reaches, so these never free the cell.
//! When the last `TaskRef` goes the home looks at the sum. At zero it frees the cell; above, it *folds*:
//! adds its half to the word and takes `HOME` off in one step. From then on the word is exact, and whoever
//! brings it to zero frees the cell.
//!
//! It is the thread that makes the plain half sound, not the home: a home may end before its last
//! `TaskRef` goes. Its wakers then take the way of other threads, and the halves still add up.
//!
//! # Invariants
//!
//! - While not folded: references = `count` + word - `HOME`. Folded: references = word, and there is no
//!   `TaskRef`.
//! - The home's half stays within [`SPILL`]: what is over is moved to the word.
//! - The sum as the home sees it is never too small. It counts all that the home dropped, with whatever
//!   that was cloned from, since a reference travels by an ordered message; what other threads did
//!   without order it may miss, and those can only be drops or clones of something still counted.

use crate::panic::abort;
use crate::shared::{AtomicUsize, Cell, Ordering, fence};
use crate::state::{
    AWAY_ENDED, AWAY_HANDLE, ENDED, FOLDED, JOINABLE, OUTPUT, QUEUED, State, WOKEN,
};

/// One reference in the word, above the bits of the state.
pub(crate) const ONE: usize = 1 << 8;

/// What the word carries while the home counts.
const HOME: usize = 1 << (usize::BITS - 2);

/// How far the home's half may go before it is moved to the word.
const SPILL: i16 = 1 << 14;

/// More than the home's half can take from the word below [`HOME`].
const DRIFT: usize = ONE << 15;

/// What letting go of a reference must do.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Drop {
    /// Nothing: there are others.
    Nothing,
    /// Free the cell: the task has ended, and this was the last reference.
    Free,
    /// The last reference to a task that has not ended: nothing can wake it any more. The reference
    /// is still counted.
    Orphan,
}

impl State {
    /// A task that is about to be run first, with one runnable, one `TaskRef`, and a join handle or none.
    #[inline]
    pub(crate) fn new(joinable: bool) -> Self {
        let (flags, bits) = if joinable {
            (JOINABLE, ONE | AWAY_HANDLE)
        } else {
            (0, 0)
        };
        Self {
            word: AtomicUsize::new(HOME | bits),
            held: Cell::new(1),
            flags: Cell::new(QUEUED | WOKEN | flags),
            count: Cell::new(1),
        }
    }

    /// Counts a reference; `home` says that this is the home thread.
    #[inline]
    pub(crate) fn acquire(&self, home: bool) {
        if home && !self.has(FOLDED) {
            let count = self.count.get() + 1;
            self.count.set(count);
            if count == SPILL {
                self.spill();
            }
        } else {
            // Relaxed: whoever clones has a reference, which keeps the cell.
            check(self.word.fetch_add(ONE, Ordering::Relaxed));
        }
    }

    /// Uncounts a reference on the home thread, if the home still counts. Nothing else is to be done.
    #[inline(always)]
    #[must_use]
    pub(crate) fn release_home(&self) -> bool {
        if self.has(FOLDED) {
            return false;
        }
        let count = self.count.get() - 1;
        self.count.set(count);
        if count == -SPILL {
            self.spill();
        }
        true
    }

    /// Uncounts a reference anywhere else.
    #[inline]
    pub(crate) fn release_word(&self) -> Drop {
        // Release: what this thread did with the cell comes before its end.
        let before = self.word.fetch_sub(ONE, Ordering::Release);
        if before / ONE != 1 {
            return Drop::Nothing;
        }
        // Pairs with the releases of all who let go before.
        fence(Ordering::Acquire);
        if before & AWAY_ENDED != 0 {
            return Drop::Free;
        }
        // Relaxed: nobody else has the cell.
        self.word.fetch_add(ONE, Ordering::Relaxed);
        Drop::Orphan
    }

    /// How many references there are beside the `TaskRef`s, as far as the home can see; never too few.
    #[inline]
    pub(crate) fn counted(&self) -> usize {
        // Acquire pairs with the releases of other threads that let go: at zero the cell is freed.
        let word = self.word.load(Ordering::Acquire);
        if self.has(FOLDED) {
            return word / ONE;
        }
        let count = self.count.get() as usize;
        (word / ONE).wrapping_add(count).wrapping_sub(HOME / ONE)
    }

    /// Whether there is an output, and nobody but one `TaskRef` who could take it or look at the cell.
    #[inline]
    pub(crate) fn is_sole_with_output(&self) -> bool {
        self.has(OUTPUT) && self.held.get() == 1 && self.counted() == 0
    }

    /// Counts a `TaskRef`.
    ///
    /// # Panics
    ///
    /// When there are `u32::MAX` already.
    pub(crate) fn hold(&self) {
        let held = self
            .held
            .get()
            .checked_add(1)
            .expect("fewer than 2^32 references to one task");
        self.held.set(held);
    }

    /// Uncounts a `TaskRef`; whether it was the last.
    #[inline]
    pub(crate) fn unhold(&self) -> bool {
        let held = self.held.get() - 1;
        self.held.set(held);
        held == 0
    }

    /// Ends the home's interest with the last `TaskRef`. What is to be done is said as by
    /// [`release_word`](Self::release_word), but nothing is counted for the caller.
    #[inline]
    pub(crate) fn fold(&self) -> Drop {
        let ended = self.has(ENDED);
        let last = if ended { Drop::Free } else { Drop::Orphan };
        if self.counted() == 0 {
            // Nobody has it, so nobody can come to have it: the word need not be right any more.
            return last;
        }
        if ended {
            self.tell();
        }
        let count = isize::from(self.count.get()) as usize;
        let more = count.wrapping_mul(ONE).wrapping_sub(HOME);
        self.count.set(0);
        self.set(FOLDED);
        // Release: the home's part comes before the end of the cell. Acquire: so does everybody else's.
        let before = self.word.fetch_add(more, Ordering::AcqRel);
        if before.wrapping_add(more) / ONE == 0 {
            last
        } else {
            Drop::Nothing
        }
    }

    #[cold]
    fn spill(&self) {
        let more = ONE.wrapping_mul(isize::from(self.count.get()) as usize);
        self.count.set(0);
        // Relaxed: the sum does not change, and the home looks at it on this thread.
        check(self.word.fetch_add(more, Ordering::Relaxed));
    }
}

/// Ends the process if a count has come near the point where it could be taken for another: as with
/// `Arc`, only a program that forgets wakers in a loop gets there.
#[inline(always)]
fn check(word: usize) {
    if word.wrapping_add(DRIFT) & (HOME - 1) > HOME / 2 {
        abort("too many wakers of one task");
    }
}
