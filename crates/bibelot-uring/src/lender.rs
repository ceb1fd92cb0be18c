//! The lender: which memory lies ready for receives, and what happens when there is none.
//!
//! A receive's piece leaves with its reader and comes home when that drops it, on whatever thread; a turn
//! later it lies ready again, the last that came home first. A few pieces lie ready at first, more when they
//! were not enough, up to the ring's places, and fewer again when many of them were never used: the operating
//! system uses them in turn, so what lies ready beyond the need is memory that is never in the processor's
//! cache. New ones are made up to a limit of all there are. Beyond it the pool is dry, until
//! something comes home: receives are plain system calls then, into memory of their own.
//!
//! # Invariants
//!
//! - `made` counts the pieces that lie ready, lie free or are lent, and is at most `made_max`.

use std::io;
use std::sync::Arc;

use bibelot_reactor::{Buf, Fd, Home, Op, Outcome};
use bibelot_sys::{Attempt, attempt};
use io_uring::IoUring;

use crate::UringConfig;
use crate::buffer_ring::BufferRing;

/// How many pieces lie ready at first.
const READY_FIRST: usize = 64;
/// After how many refills it is seen whether so many are needed.
const REFILLS: u32 = 256;

#[derive(Debug)]
pub(crate) struct Lender {
    home: Arc<Home>,
    ring: Option<BufferRing>,
    places: u16,
    free: Vec<Vec<u8>>,
    piece_len: usize,
    /// How many pieces should lie ready.
    target: usize,
    /// The fewest that lay ready before a refill, of the latest refills.
    low: usize,
    refills: u32,
    /// How many receives found none since the last refill.
    missed: usize,
    made: usize,
    made_max: usize,
}

impl Lender {
    pub(crate) fn new(config: &UringConfig) -> Self {
        let piece_len = config.receive_len.clamp(1, i32::MAX as usize);
        Self {
            home: Arc::new(Home::new(piece_len)),
            ring: None,
            places: config.receive_ready_max.max(1),
            free: Vec::new(),
            piece_len,
            target: READY_FIRST.min(config.receive_ready_max.max(1).into()),
            low: usize::MAX,
            refills: 0,
            missed: 0,
            made: 0,
            made_max: config.receive_buffers_max,
        }
    }

    /// Makes the ring of buffers if there is none yet, and fills it.
    pub(crate) fn open(&mut self, io: &IoUring) -> io::Result<()> {
        if self.ring.is_none() {
            self.ring = Some(BufferRing::register(io, self.places)?);
            self.refill();
        }
        Ok(())
    }

    /// How many pieces lie ready.
    pub(crate) fn ready_len(&self) -> usize {
        self.ring.as_ref().map_or(0, BufferRing::len)
    }

    /// A receive found no piece.
    pub(crate) fn miss(&mut self) {
        self.missed += 1;
    }

    /// Lays ready what came home, and new pieces as far as they are wanted and allowed.
    #[inline]
    pub(crate) fn refill(&mut self) {
        if !self.is_filled() {
            self.fill();
        }
    }

    /// Whether the ring holds what it should.
    #[inline]
    pub(crate) fn is_filled(&self) -> bool {
        match &self.ring {
            Some(ring) => self.missed == 0 && ring.len() >= self.target,
            None => true,
        }
    }

    fn fill(&mut self) {
        let Some(ring) = &mut self.ring else { return };
        if self.missed > 0 {
            let target = (self.target + self.missed).next_power_of_two();
            self.target = target.min(ring.capacity());
            (self.missed, self.low, self.refills) = (0, usize::MAX, 0);
        }
        self.low = self.low.min(ring.len());
        self.refills += 1;
        if self.refills == REFILLS {
            // Half of them would have been enough each time, and more than that.
            if self.low > self.target / 2 + self.target / 8 {
                self.target = (self.target / 2).max(READY_FIRST.min(self.target));
            }
            (self.low, self.refills) = (usize::MAX, 0);
        }
        if ring.len() >= self.target {
            return;
        }
        if self.home.has_returned() {
            self.home.take_back_into(&mut self.free);
        }
        while ring.len() < self.target {
            let piece = match self.free.pop() {
                Some(piece) => piece,
                None if self.made < self.made_max => {
                    self.made += 1;
                    vec![0; self.piece_len]
                }
                None => break,
            };
            if let Err(piece) = ring.put(piece) {
                self.free.push(piece);
                break;
            }
        }
        ring.publish();
        // What a burst needed once need not be kept for ever.
        let kept = self.free.len().min(self.target);
        self.made -= self.free.len() - kept;
        self.free.truncate(kept);
    }

    /// The piece that a receive has filled with `count` bytes.
    pub(crate) fn filled(&mut self, number: u16, count: usize) -> Option<Buf> {
        let piece = self.ring.as_mut()?.take(number)?;
        let mut buf = Buf::lent(piece, self.home.clone());
        buf.extend(count);
        Some(buf)
    }

    /// Takes back a piece that was chosen and not used.
    pub(crate) fn unused(&mut self, number: u16) {
        self.free
            .extend(self.ring.as_mut().and_then(|ring| ring.take(number)));
    }

    /// Receives what has arrived at a socket, in a piece that lies free or in memory of its own.
    pub(crate) fn receive(&mut self, socket: Fd) -> Attempt {
        let buf = self.at_hand();
        match attempt(Op::ReceiveInto { socket, buf }) {
            Attempt::Ended(Ok(Outcome::Count(count)), Some(buf)) if count > 0 => {
                Attempt::Ended(Ok(Outcome::Received(buf)), None)
            }
            Attempt::Ended(Ok(_), _) => Attempt::Ended(Ok(Outcome::EndOfStream), None),
            Attempt::Ended(Err(error), _) => Attempt::Ended(Err(error), None),
            Attempt::WouldBlock(Op::ReceiveInto { socket, .. }) => {
                Attempt::WouldBlock(Op::Receive { socket })
            }
            other => other,
        }
    }

    /// Gives up what lies ready.
    pub(crate) fn take_ring(&mut self) -> Option<BufferRing> {
        self.ring.take()
    }

    fn at_hand(&mut self) -> Buf {
        if self.free.is_empty() && self.home.has_returned() {
            self.home.take_back_into(&mut self.free);
        }
        let piece = match self.free.pop() {
            Some(piece) => piece,
            None if self.made < self.made_max => {
                self.made += 1;
                vec![0; self.piece_len]
            }
            None => return Buf::with_capacity(self.piece_len),
        };
        Buf::lent(piece, self.home.clone())
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

    fn lender(ready: u16, all: usize) -> (Lender, IoUring) {
        let io = IoUring::new(2).unwrap();
        let config = UringConfig {
            receive_len: 32,
            receive_ready_max: ready,
            receive_buffers_max: all,
            ..UringConfig::default()
        };
        let mut lender = Lender::new(&config);
        lender.open(&io).unwrap();
        (lender, io)
    }

    #[test]
    fn what_came_home_lies_ready_again_and_no_more_is_made_than_allowed() {
        let (mut lender, _io) = lender(4, 6);
        assert_eq!(lender.ready_len(), 4);
        let held: Vec<Buf> = (0..4)
            .map(|number| lender.filled(number, 1).unwrap())
            .collect();
        assert_eq!(lender.ready_len(), 0);
        lender.refill();
        assert_eq!(lender.ready_len(), 2);
        drop(held);
        lender.refill();
        assert_eq!(lender.ready_len(), 4);
        assert!(lender.made <= 6);
    }

    #[test]
    fn more_lie_ready_after_some_were_missed() {
        let (mut lender, _io) = lender(1024, 4096);
        assert_eq!(lender.ready_len(), READY_FIRST);
        for _ in 0..100 {
            lender.miss();
        }
        lender.refill();
        assert_eq!(lender.ready_len(), 256);
    }

    #[test]
    fn fewer_lie_ready_when_many_were_never_used() {
        let (mut lender, _io) = lender(1024, 4096);
        for _ in 0..900 {
            lender.miss();
        }
        lender.refill();
        assert_eq!(lender.ready_len(), 1024);
        let mut number = 0;
        for _ in 0..10 * REFILLS {
            let used: Vec<Buf> = (0..1024)
                .filter_map(|_| {
                    number = (number + 1) % 1024;
                    lender.filled(number, 1)
                })
                .take(20)
                .collect();
            drop(used);
            lender.refill();
        }
        assert_eq!(lender.ready_len(), READY_FIRST);
        assert!(lender.made <= 2 * READY_FIRST);
    }

    #[test]
    fn a_number_that_was_not_given_out_brings_nothing() {
        let (mut lender, _io) = lender(4, 4);
        assert!(lender.filled(2, 1).is_some());
        assert!(lender.filled(2, 1).is_none());
        assert!(lender.filled(77, 1).is_none());
    }
}
