//! The ring: tasks that wake one another round and round, each by a waker that was made before.
//!
//! What is measured is one wake and the poll it leads to, without a primitive of anybody's around it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

/// So many places, and how many wakes are left. All places are of one thread, so nothing is ordered.
#[derive(Clone)]
pub struct Ring {
    places: Arc<[OnceLock<Waker>]>,
    left: Arc<AtomicU64>,
}

impl Ring {
    /// A ring in which nobody stands yet.
    pub fn new(places: usize, wakes: u64) -> Self {
        Self {
            places: (0..places).map(|_| OnceLock::new()).collect(),
            left: Arc::new(AtomicU64::new(wakes)),
        }
    }

    /// Takes a place, wakes the next whenever woken, and ends when no wakes are left.
    pub fn hop(&self, at: usize) -> impl Future<Output = ()> + Send + 'static {
        Hop {
            ring: self.clone(),
            at,
        }
    }

    /// Whether every place is taken.
    pub fn is_closed(&self) -> bool {
        self.places.iter().all(|place| place.get().is_some())
    }

    /// Wakes the first.
    pub fn start(&self) {
        self.wake(0);
    }

    fn wake(&self, at: usize) {
        self.places[at].get().expect("a closed ring").wake_by_ref();
    }
}

struct Hop {
    ring: Ring,
    at: usize,
}

impl Future for Hop {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { ring, at } = &*self;
        let mut is_new = false;
        ring.places[*at].get_or_init(|| {
            is_new = true;
            context.waker().clone()
        });
        if is_new {
            return Poll::Pending;
        }
        let next = if at + 1 == ring.places.len() {
            0
        } else {
            at + 1
        };
        let left = ring.left.load(Ordering::Relaxed);
        ring.left.store(left.saturating_sub(1), Ordering::Relaxed);
        ring.wake(next);
        if left == 0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round<F: Future>(hops: &mut [Pin<Box<F>>]) -> Vec<bool> {
        let mut context = Context::from_waker(Waker::noop());
        let polled = hops.iter_mut().map(|hop| hop.as_mut().poll(&mut context));
        polled.map(|polled| polled.is_ready()).collect()
    }

    #[test]
    fn each_wake_is_counted_and_then_all_end() {
        let ring = Ring::new(3, 7);
        let mut hops: Vec<_> = (0..3).map(|at| Box::pin(ring.hop(at))).collect();
        assert_eq!(round(&mut hops), [false; 3]);
        assert!(ring.is_closed());
        assert_eq!(round(&mut hops), [false; 3]);
        assert_eq!(round(&mut hops), [false; 3]);
        assert_eq!(round(&mut hops), [false, true, true]);
    }
}
