//! The cell: everything of one task in one allocation, reached through a pointer without its type.
//!
//! A header that is the same for all futures of one scheduler, then the stage: first the future, later
//! its output, never both. What depends on the future's type goes through a table of functions.
//!
//! # Invariants
//!
//! - The stage holds a future until the state says `ENDED` (for the time of the last poll: until that
//!   poll is over); then an output if the state says `OUTPUT` or `AWAY_OUTPUT`; else nothing.
//! - The future is touched on the home thread only. So is an output, unless its `JoinHandle`
//!   went elsewhere, which it can if the output is `Send`.
//! - The joiner slot belongs to the home, or to the `JoinHandle`, as `state` says. It is empty unless
//!   `JOINER` or `AWAY_JOINER` is set, and so at the end of the cell.
//! - The cell lives while a reference is counted.

#![allow(
    unsafe_code,
    reason = "a task is one allocation with many owners on many threads"
)]

use alloc::boxed::Box;
use core::alloc::Layout;
use core::any::{Any, TypeId};
use core::cell;
use core::future::Future;
use core::mem::{ManuallyDrop, MaybeUninit, needs_drop};
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll, RawWakerVTable, Waker};

use crate::joiner::Joiner;
use crate::panic::{PanicPayload, Site, contain, discard};
use crate::pool::Pool;
use crate::schedule::Schedule;
use crate::shared::UnsafeCell;
use crate::state::State;

/// What a task's code came to: its value, or what it panicked with.
pub type Output<T> = Result<T, PanicPayload>;

/// An output as the stage keeps it: a word for the panic, which few have, keeps small outputs small.
type Kept<T> = Result<T, Box<PanicPayload>>;

/// What is there of a task whose output nobody took; see [`TaskRef::see_off`](crate::TaskRef::see_off).
#[derive(Debug)]
pub enum Unseen<'a> {
    /// Its value.
    Value(&'a dyn Any),
    /// What it panicked with.
    Panic(PanicPayload),
}

/// What every cell of a scheduler begins with.
pub(crate) struct Header<S: Schedule> {
    pub(crate) vtable: &'static Vtable<S>,
    pub(crate) state: State,
    pub(crate) schedule: S,
    pub(crate) joiner: UnsafeCell<Joiner>,
    /// Touched with the stage, so that a model run sees who does.
    stage_guard: UnsafeCell<()>,
}

/// What depends on the type of the future. All are called with a live cell of that type.
pub(crate) struct Vtable<S: Schedule> {
    /// Polls the future once; if that ended it, puts the output in its place.
    pub(crate) poll: unsafe fn(NonNull<Header<S>>, &mut Context<'_>) -> Polled,
    pub(crate) drop_future: unsafe fn(NonNull<Header<S>>) -> Option<PanicPayload>,
    pub(crate) drop_output: unsafe fn(NonNull<Header<S>>) -> Option<PanicPayload>,
    /// Shows the output, and drops it.
    pub(crate) see_off: SeeOff<S>,
    /// Moves the output to the pointer, where there is room for it.
    pub(crate) move_output: unsafe fn(NonNull<Header<S>>, *mut ()),
    /// The same, if the output is of the type named; else says which it is.
    pub(crate) take_output: TakeOutput<S>,
    /// Of the cell's memory, which is the global allocator's.
    pub(crate) layout: Layout,
    pub(crate) waker: &'static RawWakerVTable,
}

type SeeOff<S> = unsafe fn(NonNull<Header<S>>, &mut dyn FnMut(Unseen<'_>)) -> Option<PanicPayload>;
type TakeOutput<S> = unsafe fn(NonNull<Header<S>>, TypeId, *mut ()) -> Result<(), &'static str>;

/// What one poll came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Pending,
    Returned,
    Panicked,
}

#[repr(C)]
pub(crate) struct Cell<F: Future, S: Schedule> {
    header: Header<S>,
    stage: cell::UnsafeCell<Stage<F>>,
}

/// Room for the one or the other, both at its beginning.
#[repr(C)]
union Stage<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Kept<F::Output>>,
}

/// A cell with room for the future, and nothing in it yet.
pub(crate) struct Room<F: Future, S: Schedule>(Box<MaybeUninit<Cell<F, S>>>);

impl<F: Future + 'static, S: Schedule> Room<F, S> {
    const VTABLE: Vtable<S> = Vtable {
        poll: poll::<F, S>,
        drop_future: drop_future::<F, S>,
        drop_output: drop_output::<F, S>,
        see_off: see_off::<F, S>,
        move_output: move_output::<F, S>,
        take_output: take_output::<F, S>,
        layout: Layout::new::<Cell<F, S>>(),
        waker: S::WAKERS,
    };

    #[inline(always)]
    pub(crate) fn new(pool: &impl Pool) -> Self {
        match pool.take(Layout::new::<Cell<F, S>>()) {
            // SAFETY: the memory is of the global allocator and this layout, and ours (contract of `Pool`).
            Some(memory) => Self(unsafe { Box::from_raw(memory.as_ptr().cast()) }),
            None => Self(Box::new_uninit()),
        }
    }

    /// Where the future must be put.
    #[inline(always)]
    pub(crate) fn future(&mut self) -> *mut F {
        let cell = self.0.as_mut_ptr();
        // SAFETY: `cell` points to an allocation for a cell; nothing is read.
        let stage = unsafe { &raw mut (*cell).stage };
        stage.cast()
    }

    /// Makes the cell of a task that waits for its first run.
    ///
    /// # Safety
    ///
    /// The future is in its place.
    #[inline(always)]
    pub(crate) unsafe fn fill(self, schedule: S, joinable: bool) -> NonNull<Header<S>> {
        let cell = Box::into_raw(self.0).cast::<Cell<F, S>>();
        let header = Header {
            vtable: &Self::VTABLE,
            state: State::new(joinable),
            schedule,
            joiner: UnsafeCell::new(Joiner::NONE),
            stage_guard: UnsafeCell::new(()),
        };
        // SAFETY: the box's allocation has room for a cell, and a cell begins with its header.
        unsafe { cell.cast::<Header<S>>().write(header) };
        // SAFETY: a box is never null.
        unsafe { NonNull::new_unchecked(cell.cast()) }
    }
}

impl<S: Schedule> Header<S> {
    /// Runs the user's code of a scheduler hook; what it panics with is dropped.
    pub(crate) fn report(&self, site: Site, payload: Option<PanicPayload>) {
        if let Some(payload) = payload {
            discard(contain(|| self.schedule.report(site, payload)).err());
        }
    }

    /// Puts a waker into the joiner slot or takes it out. The caller may touch the slot.
    pub(crate) fn replace_joiner(&self, joiner: Option<Waker>) -> Option<Waker> {
        let own = self.vtable.waker;
        let joiner = Joiner::new(joiner, own);
        let before = self.joiner.with_mut(|slot| {
            // SAFETY: the caller owns the slot (invariant), so nobody else looks at it meanwhile.
            unsafe { slot.replace(joiner) }
        });
        before.into_waker(own)
    }

    /// Whether the joiner slot, which the caller may touch, holds a waker that wakes the same task.
    pub(crate) fn has_joiner(&self, waker: &Waker) -> bool {
        self.joiner.with(|slot| {
            // SAFETY: as in `replace_joiner`.
            let held = unsafe { &*slot };
            held.will_wake(waker, self.vtable.waker)
        })
    }
}

/// Where the stage of a cell of this type is.
///
/// # Safety
///
/// `header` points to the header of a live cell of this type.
unsafe fn stage<F: Future, S: Schedule>(header: NonNull<Header<S>>) -> *mut Stage<F> {
    // SAFETY: the cell is live (contract); the borrow ends before the stage is touched.
    unsafe { header.as_ref() }.stage_guard.with_mut(|_| ());
    let cell = header.as_ptr().cast::<Cell<F, S>>();
    // SAFETY: a cell begins with its header, so this is the cell.
    cell::UnsafeCell::raw_get(unsafe { &raw const (*cell).stage })
}

unsafe fn poll<F: Future, S: Schedule>(
    header: NonNull<Header<S>>,
    context: &mut Context<'_>,
) -> Polled {
    // SAFETY: the cell is of this type (contract of the table).
    let stage = unsafe { stage::<F, S>(header) };
    let polled = contain(|| {
        // SAFETY: the state says `RUNNING`, so the stage holds the future, and nobody else touches it.
        let future = unsafe { &mut *stage.cast::<F>() };
        // SAFETY: the future stays where it is until it is dropped.
        unsafe { Pin::new_unchecked(future) }.poll(context)
    });
    let (output, polled) = match polled {
        Ok(Poll::Pending) => return Polled::Pending,
        Ok(Poll::Ready(value)) => (Ok(value), Polled::Returned),
        Err(payload) => (Err(Box::new(payload)), Polled::Panicked),
    };
    // SAFETY: as above; the future is not used again.
    let payload = unsafe { drop_future::<F, S>(header) };
    // SAFETY: the stage is empty now.
    unsafe { stage.cast::<Kept<F::Output>>().write(output) };
    // SAFETY: the cell is live.
    unsafe { header.as_ref() }.report(Site::FutureDrop, payload);
    polled
}

unsafe fn drop_future<F: Future, S: Schedule>(header: NonNull<Header<S>>) -> Option<PanicPayload> {
    // SAFETY: the cell is of this type (contract of the table).
    let stage = unsafe { stage::<F, S>(header) };
    if !needs_drop::<F>() {
        return None;
    }
    contain(|| {
        // SAFETY: the caller has seen that the stage holds the future, and does not use it again.
        unsafe { stage.cast::<F>().drop_in_place() };
    })
    .err()
}

unsafe fn drop_output<F: Future, S: Schedule>(header: NonNull<Header<S>>) -> Option<PanicPayload> {
    // SAFETY: the cell is of this type (contract of the table).
    let stage = unsafe { stage::<F, S>(header) };
    contain(|| {
        // SAFETY: the caller has seen that the stage holds the output, and does not use it again.
        unsafe { stage.cast::<Kept<F::Output>>().drop_in_place() };
    })
    .err()
}

unsafe fn see_off<F: Future + 'static, S: Schedule>(
    header: NonNull<Header<S>>,
    look: &mut dyn FnMut(Unseen<'_>),
) -> Option<PanicPayload> {
    // SAFETY: the cell is of this type (contract of the table).
    let stage = unsafe { stage::<F, S>(header) };
    let output = stage.cast::<Kept<F::Output>>();
    // SAFETY: the caller has seen that the stage holds the output, and nobody else uses it from now on.
    let found = match unsafe { &*output } {
        Ok(value) if size_of::<F::Output>() > 0 => contain(|| look(Unseen::Value(value))),
        Ok(_) => Ok(()),
        Err(_) => {
            // SAFETY: as above; it is moved out, and not dropped below.
            let output = unsafe { output.read() };
            return output
                .err()
                .and_then(|payload| contain(|| look(Unseen::Panic(*payload))).err());
        }
    };
    // SAFETY: the contract is the same; the borrow has ended.
    let dropped = unsafe { drop_output::<F, S>(header) };
    match (found.err(), dropped) {
        (None, dropped) => dropped,
        (found, dropped) => {
            discard(dropped);
            found
        }
    }
}

unsafe fn move_output<F: Future, S: Schedule>(header: NonNull<Header<S>>, target: *mut ()) {
    // SAFETY: the cell is of this type (contract of the table).
    let stage = unsafe { stage::<F, S>(header) };
    // SAFETY: the caller has seen that the stage holds the output, and does not use it again.
    let output = unsafe { stage.cast::<Kept<F::Output>>().read() };
    let output: Output<F::Output> = output.map_err(|payload| *payload);
    // SAFETY: the caller gives room for it.
    unsafe { target.cast::<Output<F::Output>>().write(output) };
}

unsafe fn take_output<F: Future + 'static, S: Schedule>(
    header: NonNull<Header<S>>,
    wanted: TypeId,
    target: *mut (),
) -> Result<(), &'static str> {
    if wanted != TypeId::of::<F::Output>() {
        return Err(core::any::type_name::<F::Output>());
    }
    // SAFETY: the contract is the same, and the type is right.
    unsafe { move_output::<F, S>(header, target) };
    Ok(())
}

#[cfg(all(test, not(loom), target_pointer_width = "64"))]
mod tests {
    use super::*;
    use crate::runnable::Runnable;

    /// As large as the kernel's: a home and a slot with its generation.
    struct Tag(#[expect(dead_code, reason = "for its size")] (u64, u32));

    // SAFETY: nowhere is home.
    unsafe impl Schedule for Tag {
        fn is_home(&self) -> bool {
            false
        }
        fn push(&self, _: Runnable<Self>) {}
        fn push_foreign(&self, _: Runnable<Self>) {}
    }

    #[test]
    fn the_header_of_a_cell_is_six_words_with_a_schedule_of_two() {
        assert_eq!(size_of::<Tag>(), 16);
        assert_eq!(size_of::<State>(), 16);
        assert_eq!(size_of::<Header<Tag>>(), 48);
        assert_eq!(size_of::<Cell<core::future::Ready<u64>, Tag>>(), 48 + 16);
        assert_eq!(size_of::<Cell<core::future::Ready<()>, Tag>>(), 48 + 8);
    }
}
