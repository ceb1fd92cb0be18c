//! The pipe: one direction of a connection, at its receiving end.
//!
//! Bytes enter when they are sent and leave when they are read. Between the two lies the network: what is
//! under way is a row of segments with times of arrival, the end of the stream and a reset among them, and
//! only what has arrived can be read.
//!
//! # Invariants
//!
//! - Times of arrival never decrease along the row, so nothing overtakes within a stream.
//! - `arrived` plus the bytes of all segments under way is the number of bytes held.

use std::collections::VecDeque;

/// A piece of the stream that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// The peer agrees to be connected.
    Established,
    /// Nobody listens there.
    Refused,
    /// Nobody answered.
    TimedOut,
    /// So many bytes.
    Bytes(usize),
    /// The peer has sent everything it will.
    End,
    /// The peer knows nothing of this connection any more.
    Reset,
}

/// The bytes of one direction: those that have arrived, then those under way.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    bytes: VecDeque<u8>,
    arrived: usize,
    coming: VecDeque<(u64, Segment)>,
}

impl Pipe {
    /// Puts `data` under way, to arrive at `at_ns` or when all before it has.
    pub(crate) fn send(&mut self, data: &[u8], at_ns: u64) {
        self.bytes.extend(data);
        self.mark(Segment::Bytes(data.len()), at_ns);
    }

    /// Puts a segment without bytes of its own under way; the rest as in [`send`](Self::send).
    pub(crate) fn mark(&mut self, segment: Segment, at_ns: u64) {
        let last_ns = self.coming.back().map_or(0, |(at_ns, _)| *at_ns);
        self.coming.push_back((at_ns.max(last_ns), segment));
    }

    /// When the next segment arrives.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.coming.front().map(|(at_ns, _)| *at_ns)
    }

    /// Takes the next segment off the network, if it is due at `now_ns`.
    pub(crate) fn arrive(&mut self, now_ns: u64) -> Option<Segment> {
        if self.next_ns()? > now_ns {
            return None;
        }
        let (_, segment) = self.coming.pop_front()?;
        if let Segment::Bytes(count) = segment {
            self.arrived += count;
        }
        Some(segment)
    }

    /// How many bytes have arrived and were not read.
    pub(crate) fn readable(&self) -> usize {
        self.arrived
    }

    /// How much is on its way: bytes, and the end as one.
    pub(crate) fn under_way(&self) -> u64 {
        let weights = self.coming.iter().map(|(_, segment)| match segment {
            Segment::Bytes(count) => *count as u64,
            Segment::End => 1,
            _ => 0,
        });
        weights.sum()
    }

    /// Loses the bytes that would arrive after `last_ns`, and the end behind them.
    pub(crate) fn cut(&mut self, last_ns: u64) {
        let mut kept = self.arrived;
        self.coming.retain(|(at_ns, segment)| match segment {
            Segment::Bytes(count) if *at_ns <= last_ns => {
                kept += count;
                true
            }
            Segment::Bytes(_) | Segment::End => *at_ns <= last_ns,
            _ => true,
        });
        self.bytes.truncate(kept);
    }

    /// When the first bytes arrive that are under way now.
    pub(crate) fn first_bytes_ns(&self) -> Option<u64> {
        let is_bytes = |entry: &&(u64, Segment)| matches!(entry.1, Segment::Bytes(_));
        self.coming.iter().find(is_bytes).map(|(at_ns, _)| *at_ns)
    }

    /// Moves bytes that have arrived into `into`, as many as there are and fit.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.arrived);
        let (front, back) = self.bytes.as_slices();
        let cut = count.min(front.len());
        into[..cut].copy_from_slice(&front[..cut]);
        into[cut..count].copy_from_slice(&back[..count - cut]);
        self.bytes.drain(..count);
        self.arrived -= count;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_arrived_can_be_read() {
        let mut pipe = Pipe::default();
        pipe.send(b"ab", 5);
        pipe.send(b"cd", 9);
        let mut room = [0; 8];
        assert_eq!(pipe.read(&mut room), 0);
        assert_eq!(pipe.arrive(5), Some(Segment::Bytes(2)));
        assert_eq!(pipe.arrive(5), None);
        assert_eq!(pipe.read(&mut room), 2);
        assert_eq!(&room[..2], b"ab");
        assert_eq!(pipe.next_ns(), Some(9));
    }

    #[test]
    fn nothing_overtakes_within_a_stream() {
        let mut pipe = Pipe::default();
        pipe.send(b"slow", 100);
        pipe.mark(Segment::End, 1);
        assert_eq!(pipe.arrive(99), None);
        assert_eq!(pipe.arrive(100), Some(Segment::Bytes(4)));
        assert_eq!(pipe.arrive(100), Some(Segment::End));
    }

    #[test]
    fn what_is_cut_off_never_arrives() {
        let mut pipe = Pipe::default();
        for (data, at_ns) in [(b"ab", 1), (b"cd", 5), (b"ef", 9)] {
            pipe.send(data, at_ns);
        }
        pipe.mark(Segment::End, 9);
        assert_eq!(pipe.arrive(1), Some(Segment::Bytes(2)));
        assert_eq!(pipe.under_way(), 5);
        pipe.cut(5);
        pipe.mark(Segment::Reset, 7);
        assert_eq!(pipe.under_way(), 2);
        let rest: Vec<_> = std::iter::from_fn(|| pipe.arrive(100)).collect();
        assert_eq!(rest, [Segment::Bytes(2), Segment::Reset]);
        let mut room = [0; 8];
        assert_eq!(pipe.read(&mut room), 4);
        assert_eq!(&room[..4], b"abcd");
    }

    #[test]
    fn a_read_across_the_end_of_the_ring_is_whole() {
        let mut pipe = Pipe::default();
        let mut next = 0_u8;
        let mut expected = 0_u8;
        for round in 0..200_u64 {
            let data: Vec<u8> = (0..7).map(|n| next.wrapping_add(n)).collect();
            next = next.wrapping_add(7);
            pipe.send(&data, round);
            while pipe.arrive(round).is_some() {}
            let mut room = [0; 5];
            let count = pipe.read(&mut room);
            for byte in &room[..count] {
                assert_eq!(*byte, expected);
                expected = expected.wrapping_add(1);
            }
        }
    }
}
