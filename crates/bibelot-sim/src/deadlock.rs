//! The deadlock: what a reactor says when every task waits and nothing is under way.

use std::fmt;
use std::io;

use bibelot_timer::{Clock, Instant};

use crate::world::World;

/// Every task waits and nothing is under way that could end a wait.
///
/// It comes inside an [`io::Error`] of kind [`Deadlock`](io::ErrorKind::Deadlock). A kernel adds its tasks
/// to what this says: [`bibelot_kernel::Deadlock`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlock {
    /// When the world came to its end.
    pub at: Instant,
    /// How many operations wait, by kind; empty if none does.
    pub waiting: String,
}

impl Deadlock {
    pub(crate) fn of(world: &World) -> Self {
        Self {
            at: world.clock.now(),
            waiting: world.waiting(),
        }
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = match self.waiting.as_str() {
            "" => "no operation",
            waiting => waiting,
        };
        write!(
            f,
            "deadlock at {}: every task waits and nothing is under way ({waiting} waits)",
            self.at
        )
    }
}

impl std::error::Error for Deadlock {}

impl From<Deadlock> for io::Error {
    fn from(deadlock: Deadlock) -> Self {
        Self::new(io::ErrorKind::Deadlock, deadlock)
    }
}
