//! The handle: how a program holds an object of the world, and how the world learns that it let go.
//!
//! A descriptor may be dropped anywhere, also on another thread and after the world is gone. The last
//! clone posts the object's id on a list; the world sweeps the list whenever it is entered, and is woken
//! for it if its thread sleeps.
//!
//! # Invariants
//!
//! - Every id posted while the world lives is swept once.
//! - No code of users runs under a lock.

use std::any::Any;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bibelot_reactor::{Fd, VirtualFd};

use crate::object::Id;

/// What a program's descriptors share with their world.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Whether anything lies in `dropped`: so that looking for nothing costs one load.
    any: AtomicBool,
    dropped: Mutex<Vec<Id>>,
    pub(crate) bell: Bell,
}

/// Stands behind a descriptor of a simulated object.
#[derive(Debug)]
struct Handle {
    id: Id,
    link: Arc<Link>,
}

impl VirtualFd for Handle {
    fn id(&self) -> u64 {
        self.id.bits()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.link.dropped).push(self.id);
        // Release pairs with the acquire in `sweep`; the list itself is behind its lock.
        self.link.any.store(true, Ordering::Release);
        self.link.bell.ring_if_heard();
    }
}

impl Link {
    /// A descriptor for the object `id`; when its last clone is dropped, the world sweeps it.
    pub(crate) fn descriptor(self: &Arc<Self>, id: Id) -> Fd {
        Fd::from_virtual(Box::new(Handle {
            id,
            link: self.clone(),
        }))
    }

    /// The object of this world that `fd` stands for.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for one of the operating system or of another world.
    pub(crate) fn resolve(self: &Arc<Self>, fd: &Fd) -> io::Result<Id> {
        fd.as_virtual()
            .and_then(|object| (object as &dyn Any).downcast_ref::<Handle>())
            .filter(|handle| Arc::ptr_eq(&handle.link, self))
            .map(|handle| handle.id)
            .ok_or_else(|| {
                let message = format!("{fd:?} is not of this simulated world");
                io::Error::new(io::ErrorKind::Unsupported, message)
            })
    }

    /// Whether anything was let go of.
    pub(crate) fn has_dropped(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Moves what was let go of into `into`, in that order.
    pub(crate) fn sweep(&self, into: &mut Vec<Id>) {
        let mut dropped = lock(&self.dropped);
        self.any.store(false, Ordering::Relaxed);
        if into.is_empty() {
            mem::swap(&mut *dropped, into);
        } else {
            into.append(&mut dropped);
        }
    }
}

/// What a thread sleeps on when nothing in the world can happen but other threads may still act.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    state: Mutex<BellState>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct BellState {
    heard: bool,
    rung: bool,
}

impl Bell {
    /// Sleeps until the bell is rung, unless `called` already says that there is no need.
    pub(crate) fn sleep(&self, called: impl FnOnce() -> bool) {
        let mut state = lock(&self.state);
        state.heard = true;
        if !called() {
            state = self
                .rung
                .wait_while(state, |state| !state.rung)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *state = BellState::default();
    }

    /// Ends the sleep under way, or else the next one.
    pub(crate) fn ring(&self) {
        lock(&self.state).rung = true;
        self.rung.notify_one();
    }

    /// Ends the sleep under way.
    fn ring_if_heard(&self) {
        let mut state = lock(&self.state);
        if state.heard {
            state.rung = true;
            self.rung.notify_one();
        }
    }
}

/// Nothing under these locks can be left half-changed, so a poisoned lock is a good one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_clone_posts_the_object_once() {
        let link = Arc::new(Link::default());
        let fd = link.descriptor(Id::new(3, 1));
        let clone = fd.clone();
        drop(fd);
        assert!(!link.has_dropped());
        std::thread::spawn(move || drop(clone)).join().unwrap();
        assert!(link.has_dropped());
        let mut swept = Vec::new();
        link.sweep(&mut swept);
        assert_eq!(swept, [Id::new(3, 1)]);
        assert!(!link.has_dropped());
    }

    #[test]
    fn a_descriptor_of_another_world_is_not_ours() {
        let ours = Arc::new(Link::default());
        let theirs = Arc::new(Link::default());
        let fd = theirs.descriptor(Id::new(0, 0));
        assert!(theirs.resolve(&fd).is_ok());
        assert!(ours.resolve(&fd).is_err());
    }

    #[test]
    fn a_ring_before_the_sleep_ends_it() {
        let bell = Bell::default();
        bell.ring();
        bell.sleep(|| false);
    }
}
