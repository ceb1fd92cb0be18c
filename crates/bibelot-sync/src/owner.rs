//! The owner: who holds what is held by somebody in particular.
//!
//! This crate knows no tasks, so an owner is a number that the caller gives. It is a number and not a type
//! of the caller's, because owners are compared while a state is borrowed or locked, where no code of
//! users runs.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names the one who holds a [`ReentrantLock`](crate::ReentrantLock) or borrows from a
/// [`CapacityLimiter`](crate::CapacityLimiter).
///
/// Two are the same owner if they are equal. Make one from what is unique among those who use the
/// primitive: the number of a task, with that of its executor if there are several; or take the
/// [thread](Self::this_thread). An owner made from a number never equals one made for a thread.
///
/// ```
/// use bibelot_sync::Owner;
///
/// assert_eq!(Owner::from(7_u64), Owner::from(7_u128));
/// assert_eq!(Owner::this_thread(), Owner::this_thread());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Number(u128),
    Thread(u64),
}

impl Owner {
    /// The thread that this is called on. Tasks that share a thread are one owner by this name, and a
    /// task that moves is several.
    #[must_use]
    pub fn this_thread() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        thread_local! {
            // Only told apart: nothing is read through the number, so relaxed does.
            static OWN: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        Self(Kind::Thread(OWN.with(|own| *own)))
    }
}

impl From<u128> for Owner {
    fn from(number: u128) -> Self {
        Self(Kind::Number(number))
    }
}

impl From<u64> for Owner {
    fn from(number: u64) -> Self {
        Self::from(u128::from(number))
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Number(number) => write!(f, "Owner({number})"),
            Kind::Thread(number) => write!(f, "Owner(thread {number})"),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn threads_and_numbers_are_told_apart() {
        let here = Owner::this_thread();
        let there = std::thread::spawn(Owner::this_thread).join().unwrap();
        assert_ne!(here, there);
        for number in 0..100_u64 {
            assert!(Owner::from(number) != here && Owner::from(number) != there);
        }
        assert_eq!(format!("{:?}", Owner::from(u128::MAX)).len(), 46);
    }
}
