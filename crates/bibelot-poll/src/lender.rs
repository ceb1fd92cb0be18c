//! The lender: memory for receives, used again and again.
//!
//! A received buffer is lent; dropped by its reader, on whatever thread, its memory comes home and is
//! lent again, the last that came first, so receiving allocates nothing once enough buffers are under way.
//! A buffer that a receive left empty stays at hand for the next. There are two sizes, each with a shelf.
//!
//! # Invariants
//!
//! - `at_hand` is empty of data.
//! - After a [`trim`](Lender::trim), at most `kept_max` unused pieces are kept on a shelf.

use std::sync::Arc;

use bibelot_reactor::{Buf, Fd, Home, Op, Outcome};
use bibelot_sys::{Attempt, attempt};

use crate::PollConfig;
use crate::appetite::Size;

#[derive(Debug)]
pub(crate) struct Lender {
    usual: Shelf,
    large: Shelf,
}

/// The pieces of one length.
#[derive(Debug)]
struct Shelf {
    home: Arc<Home>,
    free: Vec<Vec<u8>>,
    at_hand: Option<Buf>,
    piece_len: usize,
    kept_max: usize,
}

impl Lender {
    pub(crate) fn new(config: &PollConfig) -> Self {
        let usual_len = config.receive_len.max(1);
        let large_len = config.receive_len_max.max(usual_len);
        let kept_len = config.receive_kept_max.saturating_mul(usual_len);
        Self {
            usual: Shelf::new(usual_len, config.receive_kept_max),
            large: Shelf::new(large_len, kept_len / large_len),
        }
    }

    /// Tries to receive into lent memory.
    pub(crate) fn receive(&mut self, socket: Fd, size: Size) -> Attempt {
        let shelf = match size {
            Size::Usual => &mut self.usual,
            Size::Large => &mut self.large,
        };
        let buf = shelf.lend();
        match attempt(Op::ReceiveInto { socket, buf }) {
            Attempt::Ended(Ok(Outcome::Count(count)), Some(buf)) if count > 0 => {
                Attempt::Ended(Ok(Outcome::Received(buf)), None)
            }
            Attempt::Ended(Ok(_), buf) => {
                shelf.at_hand = buf;
                Attempt::Ended(Ok(Outcome::EndOfStream), None)
            }
            Attempt::Ended(Err(error), buf) => {
                shelf.at_hand = buf;
                Attempt::Ended(Err(error), None)
            }
            Attempt::WouldBlock(Op::ReceiveInto { socket, buf }) => {
                shelf.at_hand = Some(buf);
                Attempt::WouldBlock(Op::Receive { socket })
            }
            other => other,
        }
    }

    /// Frees what has come home beyond what is kept.
    pub(crate) fn trim(&mut self) {
        self.usual.trim();
        self.large.trim();
    }
}

impl Shelf {
    fn new(piece_len: usize, kept_max: usize) -> Self {
        Self {
            home: Arc::new(Home::new(piece_len)),
            free: Vec::new(),
            at_hand: None,
            piece_len,
            kept_max,
        }
    }

    fn trim(&mut self) {
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

impl Drop for Shelf {
    fn drop(&mut self) {
        self.home.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_came_home_is_lent_again() {
        let mut shelf = Shelf::new(32, 4);
        let mut first = shelf.lend();
        let place = first.spare_mut().as_ptr();
        drop(first);
        assert_eq!(shelf.lend().spare_mut().as_ptr(), place);
    }

    #[test]
    fn no_more_is_kept_than_was_asked_for() {
        let mut shelf = Shelf::new(32, 2);
        let lent: Vec<Buf> = (0..10).map(|_| shelf.lend()).collect();
        drop(lent);
        shelf.trim();
        assert_eq!(shelf.free.len(), 2);
    }

    #[test]
    fn large_buffers_take_no_more_memory_than_usual_ones() {
        let config = PollConfig {
            receive_len: 16,
            receive_len_max: 64,
            receive_kept_max: 8,
            ..PollConfig::default()
        };
        let lender = Lender::new(&config);
        assert_eq!((lender.usual.kept_max, lender.large.kept_max), (8, 2));
        assert_eq!((lender.usual.piece_len, lender.large.piece_len), (16, 64));
    }
}
