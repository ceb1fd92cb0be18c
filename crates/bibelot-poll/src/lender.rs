//! The lender: memory for receives, used again and again.
//!
//! A received buffer is lent; dropped by its reader, on whatever thread, its memory comes home and is
//! lent again, so receiving allocates nothing once enough buffers are under way. A buffer that a receive
//! did not fill stays at hand for the next.
//!
//! # Invariants
//!
//! - `at_hand` is empty of data.
//! - After a [`trim`](Lender::trim), at most `kept_max` unused pieces are kept here.

use std::sync::Arc;

use bibelot_reactor::{Buf, Fd, Home, Op, Outcome};
use bibelot_sys::{Attempt, attempt};

#[derive(Debug)]
pub(crate) struct Lender {
    home: Arc<Home>,
    free: Vec<Vec<u8>>,
    at_hand: Option<Buf>,
    piece_len: usize,
    kept_max: usize,
}

impl Lender {
    pub(crate) fn new(piece_len: usize, kept_max: usize) -> Self {
        let piece_len = piece_len.max(1);
        Self {
            home: Arc::new(Home::new(piece_len)),
            free: Vec::new(),
            at_hand: None,
            piece_len,
            kept_max,
        }
    }

    /// Tries to receive into lent memory.
    pub(crate) fn receive(&mut self, socket: Fd) -> Attempt {
        let buf = self.lend();
        match attempt(Op::ReceiveInto { socket, buf }) {
            Attempt::Ended(Ok(Outcome::Count(count)), Some(buf)) if count > 0 => {
                Attempt::Ended(Ok(Outcome::Received(buf)), None)
            }
            Attempt::Ended(Ok(_), buf) => {
                self.at_hand = buf;
                Attempt::Ended(Ok(Outcome::EndOfStream), None)
            }
            Attempt::Ended(Err(error), buf) => {
                self.at_hand = buf;
                Attempt::Ended(Err(error), None)
            }
            Attempt::WouldBlock(Op::ReceiveInto { socket, buf }) => {
                self.at_hand = Some(buf);
                Attempt::WouldBlock(Op::Receive { socket })
            }
            other => other,
        }
    }

    /// Frees what has come home beyond what is kept.
    pub(crate) fn trim(&mut self) {
        if self.home.has_returned() {
            self.home.take_back_into(&mut self.free);
            self.free.truncate(self.kept_max);
        }
    }

    fn lend(&mut self) -> Buf {
        if let Some(buf) = self.at_hand.take() {
            return buf;
        }
        if self.free.is_empty() {
            self.trim();
        }
        let memory = self.free.pop().unwrap_or_else(|| vec![0; self.piece_len]);
        Buf::lent(memory, self.home.clone())
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        self.home.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_came_home_is_lent_again() {
        let mut lender = Lender::new(32, 4);
        let mut first = lender.lend();
        let place = first.spare_mut().as_ptr();
        drop(first);
        assert_eq!(lender.lend().spare_mut().as_ptr(), place);
    }

    #[test]
    fn no_more_is_kept_than_was_asked_for() {
        let mut lender = Lender::new(32, 2);
        let lent: Vec<Buf> = (0..10).map(|_| lender.lend()).collect();
        drop(lent);
        lender.trim();
        assert_eq!(lender.free.len(), 2);
    }
}
