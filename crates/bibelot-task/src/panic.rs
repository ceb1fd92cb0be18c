//! Panics of user code: caught at the border, kept or reported, never let through.
//!
//! With feature `std` a panic is caught by unwinding. Without it there is nothing that catches, and a
//! panic that leaves user code ends the process: the state it left half-changed is never seen.

use alloc::boxed::Box;
use core::any::Any;

/// What a panic carried.
pub type PanicPayload = Box<dyn Any + Send + 'static>;

/// The user code that a contained panic came out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Site {
    /// The drop of a future.
    FutureDrop,
    /// The drop of an output that nobody took.
    OutputDrop,
    /// [`Schedule::push`](crate::Schedule::push) or
    /// [`push_foreign`](crate::Schedule::push_foreign).
    Push,
    /// The wake, or the drop, of a waker that waited for a task's end.
    Joiner,
}

/// Runs user code; a panic comes back as its payload.
#[cfg(feature = "std")]
#[inline(always)]
pub(crate) fn contain<R>(body: impl FnOnce() -> R) -> Result<R, PanicPayload> {
    // Unwind safety: callers give up what `body` was working on when it fails.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(body))
}

/// Runs user code; a panic ends the process.
#[cfg(not(feature = "std"))]
#[inline(always)]
pub(crate) fn contain<R>(body: impl FnOnce() -> R) -> Result<R, PanicPayload> {
    let bomb = Bomb;
    let value = body();
    core::mem::forget(bomb);
    Ok(value)
}

/// Drops a value of the user's; what its drop panics with comes back.
pub(crate) fn drop_contained<T>(value: T) -> Option<PanicPayload> {
    contain(|| drop(value)).err()
}

/// Drops a payload for which there is nobody left to tell.
pub(crate) fn discard(mut payload: Option<PanicPayload>) {
    // The drop of a payload may panic with another. One that goes on like that is leaked in the end.
    for _ in 0..4 {
        let Some(dropped) = payload else { return };
        payload = drop_contained(dropped);
    }
    core::mem::forget(payload);
}

/// Ends the process.
#[cold]
pub(crate) fn abort(why: &str) -> ! {
    // A panic while another unwinds aborts, with or without the standard library.
    let _bomb = Bomb;
    panic!("{why}");
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("this cannot be unwound: the process ends");
    }
}

#[cfg(all(test, feature = "std", not(loom)))]
mod tests {
    use super::*;

    struct Loud(u32);

    impl Drop for Loud {
        fn drop(&mut self) {
            if self.0 > 0 {
                std::panic::panic_any(Loud(self.0 - 1));
            }
        }
    }

    #[test]
    fn a_panic_comes_back_as_its_payload() {
        let payload = contain(|| std::panic::panic_any(7_u8)).unwrap_err();
        assert_eq!(*payload.downcast::<u8>().unwrap(), 7);
        assert_eq!(contain(|| 8).unwrap(), 8);
    }

    #[test]
    fn payloads_that_panic_when_dropped_are_discarded() {
        let payload = drop_contained(Loud(3));
        assert!(payload.is_some());
        discard(payload);
    }
}
