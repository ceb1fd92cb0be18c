//! Code of users that uses everything, and code that panics, for others to put where they like.

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bibelot::{sleep, spawn};

/// Uses everything that a drop may use.
pub fn meddle() {
    if let Some(task) = bibelot::try_current() {
        let _ = task.is_finished();
        let _ = task.was_cancelled();
        let _ = task.info();
    }
    if bibelot::KernelHandle::try_current().is_some() {
        let child = spawn(async { sleep(Duration::ZERO).await });
        child.interrupt();
        child.abort();
        assert!(child.is_finished());
        let other = spawn(pending::<()>());
        other.cancel_nowait();
        drop(other);
    }
}

/// Counts its drops, and meddles in each.
pub struct Meddler(pub Arc<AtomicUsize>);

impl Drop for Meddler {
    fn drop(&mut self) {
        meddle();
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddler")
    }
}

impl fmt::Display for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a meddler")
    }
}

impl Error for Meddler {}

/// Panics when it is dropped.
pub struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("a drop panics");
        }
    }
}
