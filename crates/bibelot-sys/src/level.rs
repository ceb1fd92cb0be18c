//! The level: a descriptor that is readable while something is so, for pollers that know descriptors only.
//!
//! An event counter is up or down, and what is lent is not the counter but an epoll descriptor around it.
//! That is readable while the counter is up and can be put into any poller, but neither be drained nor
//! filled: whoever reads from it or writes to it gets an error, and changes nothing.
//!
//! # Invariants
//!
//! - The counter is 1 while the level is up and 0 while it is down.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::io::{Errno, read, retry_on_intr, write};

/// A descriptor that is readable while the level is up.
#[derive(Debug)]
pub struct Level {
    counter: OwnedFd,
    lent: OwnedFd,
    up: Mutex<bool>,
}

impl Level {
    /// A level that is down.
    ///
    /// # Errors
    ///
    /// What the operating system says, such as that there are too many descriptors.
    pub fn new() -> io::Result<Self> {
        let counter = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let lent = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let event = epoll::EventData::new_u64(0);
        epoll::add(&lent, &counter, event, epoll::EventFlags::IN)?;
        let up = Mutex::new(false);
        Ok(Self { counter, lent, up })
    }

    /// Moves the level up or down. One system call if that is a change, else none.
    pub fn set(&self, up: bool) {
        let mut is_up = self.up.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_up == up {
            return;
        }
        let mut count = [0; 8];
        let done = match up {
            true => retry_on_intr(|| write(&self.counter, &1_u64.to_ne_bytes())),
            false => retry_on_intr(|| read(&self.counter, &mut count)),
        };
        // A counter of 0 or 1 takes one more, and only one that is 0 has nothing to be read.
        debug_assert!(matches!(done, Ok(8) | Err(Errno::AGAIN)), "{done:?}");
        *is_up = up;
    }
}

impl AsFd for Level {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.lent.as_fd()
    }
}

impl AsRawFd for Level {
    fn as_raw_fd(&self) -> RawFd {
        self.lent.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn is_readable(level: &Level) -> bool {
        let mut fds = [PollFd::new(level, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).unwrap() == 1
    }

    #[test]
    fn a_level_is_readable_while_it_is_up() {
        let level = Level::new().unwrap();
        for up in [false, true, true, false, false, true] {
            level.set(up);
            assert_eq!(is_readable(&level), up);
        }
    }

    #[test]
    fn what_is_lent_can_neither_be_drained_nor_filled() {
        let level = Level::new().unwrap();
        level.set(true);
        assert!(read(&level, &mut [0; 8]).is_err());
        assert!(write(&level, &u64::MAX.to_ne_bytes()).is_err());
        assert!(is_readable(&level));
        level.set(false);
        assert!(write(&level, &1_u64.to_ne_bytes()).is_err());
        assert!(!is_readable(&level));
    }
}
