//! The joiner's place: who is woken when a task ends, in one word.
//!
//! Most who wait for a task are tasks of the same scheduler, and what tells their wakers apart is the data
//! alone. A waker of anybody else's is in a box, and the word says so in its lowest bit.
//!
//! # Invariants
//!
//! - The word is 0, the data of a counted waker of the scheduler's own table, or a box of a waker with the
//!   lowest bit set. Neither cells nor wakers lie at odd addresses.

#![allow(
    unsafe_code,
    reason = "a waker is taken apart and put together again, and a pointer says what it points to"
)]

use alloc::boxed::Box;
use core::mem::{ManuallyDrop, align_of};
use core::ptr;
use core::task::{RawWakerVTable, Waker};

/// Set in the word of a waker in a box.
const BOXED: usize = 1;

const _: () = assert!(align_of::<Waker>() > BOXED);

/// A waker or none. It is not dropped by itself: whoever takes it out does that.
pub(crate) struct Joiner(*const ());

impl Joiner {
    pub(crate) const NONE: Self = Self(ptr::null());

    /// `own` is the table of the scheduler's wakers.
    #[inline]
    pub(crate) fn new(waker: Option<Waker>, own: &'static RawWakerVTable) -> Self {
        let Some(waker) = waker else {
            return Self::NONE;
        };
        if ptr::eq(waker.vtable(), own) {
            return Self(ManuallyDrop::new(waker).data());
        }
        let boxed = Box::into_raw(Box::new(waker)).cast_const().cast::<()>();
        Self(boxed.map_addr(|address| address | BOXED))
    }

    /// The waker; `own` as it was put in.
    #[inline]
    pub(crate) fn into_waker(self, own: &'static RawWakerVTable) -> Option<Waker> {
        if self.0.is_null() {
            return None;
        }
        if let Some(boxed) = self.boxed() {
            // SAFETY: it came out of a box, and is not used again.
            return Some(*unsafe { Box::from_raw(boxed.cast_mut()) });
        }
        // SAFETY: a counted waker was taken apart into this data and this table.
        Some(unsafe { Waker::new(self.0, own) })
    }

    /// Whether it is there and wakes the same task as `waker`; `own` as it was put in.
    #[inline]
    pub(crate) fn will_wake(&self, waker: &Waker, own: &'static RawWakerVTable) -> bool {
        match self.boxed() {
            // SAFETY: the box lives while the word has it.
            Some(boxed) => unsafe { &*boxed }.will_wake(waker),
            None => !self.0.is_null() && waker.data() == self.0 && ptr::eq(waker.vtable(), own),
        }
    }

    #[inline]
    fn boxed(&self) -> Option<*const Waker> {
        (self.0.addr() & BOXED != 0).then(|| self.0.map_addr(|address| address & !BOXED).cast())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use alloc::sync::Arc;
    use alloc::task::Wake;

    use super::*;

    struct Other;

    impl Wake for Other {
        fn wake(self: Arc<Self>) {}
    }

    /// A waker, its table, and what counts it.
    fn waker() -> (Waker, &'static RawWakerVTable, Arc<Other>) {
        let counted = Arc::new(Other);
        let waker = Waker::from(counted.clone());
        let table = waker.vtable();
        (waker, table, counted)
    }

    #[test]
    fn a_waker_comes_out_as_it_went_in_whoevers_it_is() {
        let (waker, its_own, counted) = waker();
        for own in [its_own, Waker::noop().vtable()] {
            let joiner = Joiner::new(Some(waker.clone()), own);
            assert_eq!(joiner.boxed().is_some(), !ptr::eq(own, its_own));
            assert!(joiner.will_wake(&waker, own));
            assert!(!joiner.will_wake(Waker::noop(), own));
            let taken = joiner.into_waker(own).expect("it was put in");
            assert!(taken.will_wake(&waker));
            drop(taken);
            assert_eq!(Arc::strong_count(&counted), 2);
        }
    }

    #[test]
    fn an_empty_place_wakes_nobody() {
        let (waker, own, _) = waker();
        assert!(!Joiner::NONE.will_wake(&waker, own));
        assert!(Joiner::new(None, own).into_waker(own).is_none());
    }
}
