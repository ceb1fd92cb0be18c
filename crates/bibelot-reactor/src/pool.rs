//! The home of lent buffers: where their memory comes back to.
//!
//! A reactor lends memory with each receive and must know what came back before it can lend it
//! again. Buffers are dropped wherever their last reader drops them, also on other threads and after
//! the reactor is gone, so the way home is a list behind a lock that is held only to push or to swap,
//! with a count beside it so that looking for nothing costs one load.
//!
//! # Invariants
//!
//! - No code of users runs under the lock.
//! - What comes back after [`Home::close`] is freed at once.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes back the memory of lent buffers.
#[derive(Debug)]
pub struct Home {
    /// How many pieces lie in `returned`; a hint that may lag behind, never ahead for long.
    waiting: AtomicUsize,
    returned: Mutex<Returned>,
    piece_len: usize,
}

#[derive(Debug, Default)]
struct Returned {
    pieces: Vec<Vec<u8>>,
    closed: bool,
}

impl Home {
    /// A home for pieces of `piece_len` bytes each; pieces of another length are freed.
    #[must_use]
    pub fn new(piece_len: usize) -> Self {
        Self {
            waiting: AtomicUsize::new(0),
            returned: Mutex::default(),
            piece_len,
        }
    }

    /// Whether anything has come back. One relaxed load: a piece returned just now on another thread
    /// may be seen a moment later.
    #[must_use]
    pub fn has_returned(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) != 0
    }

    /// All that has come back since the last call.
    #[must_use]
    pub fn take_back(&self) -> Vec<Vec<u8>> {
        let mut returned = self.lock();
        self.waiting.store(0, Ordering::Relaxed);
        mem::take(&mut returned.pieces)
    }

    /// Moves all that has come back behind `pieces`; both lists keep their room, so taking back again
    /// and again allocates nothing.
    pub fn take_back_into(&self, pieces: &mut Vec<Vec<u8>>) {
        let mut returned = self.lock();
        self.waiting.store(0, Ordering::Relaxed);
        pieces.append(&mut returned.pieces);
    }

    /// Frees what lies here and whatever comes back from now on.
    pub fn close(&self) {
        let pieces = {
            let mut returned = self.lock();
            returned.closed = true;
            self.waiting.store(0, Ordering::Relaxed);
            mem::take(&mut returned.pieces)
        };
        drop(pieces);
    }

    pub(crate) fn give_back(&self, piece: Vec<u8>) {
        let refused = {
            let mut returned = self.lock();
            if returned.closed || piece.len() != self.piece_len {
                Some(piece)
            } else {
                returned.pieces.push(piece);
                self.waiting.store(returned.pieces.len(), Ordering::Relaxed);
                None
            }
        };
        drop(refused);
    }

    fn lock(&self) -> MutexGuard<'_, Returned> {
        // Nothing under the lock can leave the list half-changed, so a poisoned lock is a good one.
        self.returned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_can_be_taken_once() {
        let home = Home::new(4);
        assert!(!home.has_returned());
        home.give_back(vec![0; 4]);
        assert!(home.has_returned());
        assert_eq!(home.take_back().len(), 1);
        assert!(home.take_back().is_empty());
    }

    #[test]
    fn what_comes_back_can_be_taken_behind_what_is_there() {
        let home = Home::new(4);
        home.give_back(vec![1; 4]);
        let mut pieces = vec![vec![0; 4]];
        home.take_back_into(&mut pieces);
        assert_eq!(pieces, [vec![0; 4], vec![1; 4]]);
        assert!(!home.has_returned());
    }

    #[test]
    fn a_closed_home_and_a_stranger_keep_nothing() {
        let home = Home::new(4);
        home.give_back(vec![0; 5]);
        assert!(!home.has_returned());
        home.close();
        home.give_back(vec![0; 4]);
        assert!(home.take_back().is_empty());
    }
}
