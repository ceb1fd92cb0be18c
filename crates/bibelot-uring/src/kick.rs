//! The kick: how other threads end the reactor's sleep.
//!
//! A wake that finds the reactor asleep writes to an event descriptor that the ring watches, or becomes a
//! message to the ring, see [`message`](crate::message). Where a watch goes on by itself the descriptor is
//! never read: each write is an edge, and the counter cannot get full. Elsewhere it is emptied and watched
//! anew.
//!
//! # Invariants
//!
//! - Before the reactor sleeps, the descriptor is watched.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Weak};
use std::task::Waker;

use bibelot_reactor::Unpark;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::read;

use crate::message::Address;
use crate::ring::{Plain, Ring};
use crate::tag::Tag;

pub(crate) type Hook = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Kick {
    address: Arc<Address>,
    unpark: Arc<Unpark<Hook>>,
    watched: bool,
    many: bool,
}

impl Kick {
    /// `many` says whether a watch goes on by itself; messages go to `ring`.
    pub(crate) fn new(many: bool, ring: Option<OwnedFd>) -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let address = Arc::new(Address::new(event, ring));
        let weak = Arc::downgrade(&address);
        let hook = move || {
            if let Some(address) = Weak::upgrade(&weak) {
                address.wake();
            }
        };
        Ok(Self {
            address,
            unpark: Unpark::new(Box::new(hook)),
            watched: false,
            many,
        })
    }

    pub(crate) fn waker(&self) -> Waker {
        self.unpark.waker()
    }

    #[cfg(test)]
    pub(crate) fn address(&self) -> Arc<Address> {
        self.address.clone()
    }

    #[cfg(test)]
    pub(crate) fn unpark(&self) -> Arc<Unpark<Hook>> {
        self.unpark.clone()
    }

    /// Prepares a sleep. `false` means that a wake has come: look, do not sleep.
    #[must_use]
    pub(crate) fn sleep(&mut self, ring: &mut Ring) -> bool {
        if !self.watched {
            self.watched = true;
            let mask = libc::POLLIN as u32;
            let fd = self.address.event().as_raw_fd();
            ring.push_plain(
                Plain::Poll {
                    fd,
                    mask,
                    many: self.many,
                },
                Tag::KICK.bits(),
            );
        }
        self.unpark.sleep()
    }

    /// Kicks as another thread would.
    pub(crate) fn kick(&self) {
        self.address.write();
    }

    /// Whether a wake has come that was not consumed.
    pub(crate) fn is_told(&self) -> bool {
        self.unpark.is_told()
    }

    /// Ends a sleep or a look, and consumes a wake that has come; whether one had.
    pub(crate) fn woke(&self) -> bool {
        self.unpark.woke()
    }

    /// The watch has seen a kick; whether it goes on. How many system calls that took.
    #[must_use]
    pub(crate) fn seen(&mut self, more: bool) -> u64 {
        self.watched = more;
        if self.many {
            return 0;
        }
        let _ = read(self.address.event(), &mut [0; 8]);
        1
    }
}

impl fmt::Debug for Kick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kick")
            .field("unpark", &self.unpark)
            .field("watched", &self.watched)
            .finish_non_exhaustive()
    }
}
