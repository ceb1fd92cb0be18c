//! The outbox: what an object has taken from its writers and not yet handed to the world.
//!
//! Writers put bytes in and go on; whoever owns the outbox takes them out in one piece, and puts back
//! what the world did not take. While a piece is under way new bytes gather behind it. Nothing here
//! belongs to the future that wrote it, so dropping or cancelling a writer changes nothing.
//!
//! # Invariants
//!
//! - Bytes leave in the order in which they came; `sent + len` is how many ever came, unless
//!   [`clear`](Outbox::clear) gave some up.
//! - An empty outbox holds no memory.

use std::mem;

use crate::Buf;

/// What has been taken from writers and not yet sent.
#[derive(Debug, Default)]
pub struct Outbox {
    /// What gathers.
    gathering: Buf,
    /// What came back unsent and goes first.
    rest: Buf,
    /// How many bytes are under way.
    under_way: usize,
    sent: u64,
}

/// Where an outbox takes the memory of its pieces from, and gives it back to.
pub trait Memory {
    /// An empty buffer with room for at least `room` bytes.
    fn lend(&mut self, room: usize) -> Buf;

    /// Takes an empty buffer back.
    fn give_back(&mut self, buf: Buf);
}

impl Outbox {
    /// From this length on a buffer is better kept than copied.
    const WHOLE: usize = 4 * 1024;

    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts as much of `bytes` behind the others as keeps the outbox within `mark`; how much that was.
    pub fn push(&mut self, bytes: &[u8], mark: usize, memory: &mut impl Memory) -> usize {
        let count = bytes.len().min(mark.saturating_sub(self.len()));
        if count == 0 {
            return 0;
        }
        if self.gathering.spare_len() < count {
            let mut larger = memory.lend(self.gathering.len() + count);
            larger.push(&self.gathering);
            let mut smaller = mem::replace(&mut self.gathering, larger);
            smaller.clear();
            memory.give_back(smaller);
        }
        self.gathering.push(&bytes[..count])
    }

    /// Puts a whole buffer behind the others as it lies, without a copy, and says how long it was. It comes
    /// back if it does not fit within `mark`, or if it is better copied: when it is short, or something
    /// gathers already.
    ///
    /// # Errors
    ///
    /// The buffer.
    pub fn put(&mut self, buf: Buf, mark: usize) -> Result<usize, Buf> {
        let len = buf.len();
        if len < Self::WHOLE || !self.gathering.is_empty() || len > mark.saturating_sub(self.len())
        {
            return Err(buf);
        }
        self.gathering = buf;
        Ok(len)
    }

    /// Takes the next piece out, which is then under way. `None` if there is none, or one is under
    /// way already.
    pub fn take(&mut self) -> Option<Buf> {
        if self.under_way > 0 {
            return None;
        }
        let piece = if self.rest.is_empty() {
            mem::take(&mut self.gathering)
        } else {
            mem::take(&mut self.rest)
        };
        self.under_way = piece.len();
        (!piece.is_empty()).then_some(piece)
    }

    /// The piece under way has come back, and `count` bytes of it were sent.
    pub fn settle(&mut self, mut piece: Buf, count: usize, memory: &mut impl Memory) {
        self.under_way = 0;
        let count = count.min(piece.len());
        self.sent += count as u64;
        piece.consume(count);
        if piece.is_empty() {
            piece.clear();
            memory.give_back(piece);
        } else {
            self.rest = piece;
        }
    }

    /// Counts bytes that were sent past it, while it was empty.
    pub fn pass(&mut self, count: usize) {
        debug_assert!(
            self.is_empty(),
            "bytes leave in the order in which they came"
        );
        self.sent += count as u64;
    }

    /// Gives up what is inside, except what is under way; how many bytes that was.
    pub fn clear(&mut self, memory: &mut impl Memory) -> usize {
        let given_up = self.gathering.len() + self.rest.len();
        for mut buf in [mem::take(&mut self.gathering), mem::take(&mut self.rest)] {
            buf.clear();
            memory.give_back(buf);
        }
        given_up
    }

    /// How many bytes are inside or under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.gathering.len() + self.rest.len() + self.under_way
    }

    /// Whether nothing is inside or under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a piece is under way.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.under_way > 0
    }

    /// How many bytes were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

/// Spare pieces of a few sizes, so that writing allocates nothing in the steady state.
///
/// The last one that came back is lent first, while it is in the processor's cache.
#[derive(Debug, Default)]
pub struct Spare {
    kept: [Vec<Buf>; Self::SIZES.len()],
}

impl Spare {
    /// The size of a small piece.
    pub const SMALL: usize = 4 * 1024;
    /// The size of a large piece.
    pub const LARGE: usize = 64 * 1024;
    const SIZES: [usize; 3] = [Self::SMALL, 16 * 1024, Self::LARGE];
    /// How many are kept of each.
    const KEPT: [usize; 3] = [1024, 256, 32];
}

impl Memory for Spare {
    fn lend(&mut self, room: usize) -> Buf {
        match Self::SIZES.iter().position(|&size| room <= size) {
            Some(class) => {
                let spare = self.kept[class].pop();
                spare.unwrap_or_else(|| Buf::with_capacity(Self::SIZES[class]))
            }
            None => Buf::with_capacity(room.next_power_of_two()),
        }
    }

    fn give_back(&mut self, buf: Buf) {
        let size = buf.spare_len();
        let class = Self::SIZES.iter().position(|&known| known == size);
        if let Some(class) = class
            && !buf.is_lent()
            && self.kept[class].len() < Self::KEPT[class]
        {
            self.kept[class].push(buf);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn bytes_gather_behind_a_piece_under_way_and_leave_in_order() {
        let (mut outbox, mut spare) = (Outbox::new(), Spare::default());
        assert_eq!(outbox.push(b"abcdef", 100, &mut spare), 6);
        let piece = outbox.take().unwrap();
        assert_eq!(outbox.push(b"ghi", 100, &mut spare), 3);
        assert!(outbox.take().is_none());
        outbox.settle(piece, 4, &mut spare);
        let piece = outbox.take().unwrap();
        assert_eq!(&*piece, b"ef");
        outbox.settle(piece, 2, &mut spare);
        assert_eq!(&*outbox.take().unwrap(), b"ghi");
        assert_eq!((outbox.sent(), outbox.len()), (6, 3));
    }

    #[test]
    fn no_more_is_taken_than_the_mark_allows() {
        let (mut outbox, mut spare) = (Outbox::new(), Spare::default());
        assert_eq!(outbox.push(b"abcdef", 4, &mut spare), 4);
        assert_eq!(outbox.push(b"ef", 4, &mut spare), 0);
        assert_eq!(outbox.clear(&mut spare), 4);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_piece_that_grows_keeps_its_bytes() {
        let (mut outbox, mut spare) = (Outbox::new(), Spare::default());
        let bytes: Vec<u8> = (0..10_000).map(|n| n as u8).collect();
        for part in bytes.chunks(700) {
            assert_eq!(outbox.push(part, 100_000, &mut spare), part.len());
        }
        assert_eq!(*outbox.take().unwrap(), *bytes);
    }

    #[test]
    fn a_long_buffer_is_put_as_it_lies_and_a_short_one_is_not() {
        let (mut outbox, mut spare) = (Outbox::new(), Spare::default());
        let long = Buf::from(vec![7; 5000]);
        assert!(outbox.put(Buf::from(b"short".to_vec()), 9000).is_err());
        assert_eq!(outbox.put(long, 9000).unwrap(), 5000);
        assert!(outbox.put(Buf::from(vec![8; 5000]), 20_000).is_err());
        assert_eq!(outbox.push(b"behind", 9000, &mut spare), 6);
        let piece = outbox.take().unwrap();
        assert_eq!(piece.len(), 5006);
        assert!(outbox.put(Buf::from(vec![8; 5000]), 9000).is_err());
        outbox.settle(piece, 5006, &mut spare);

        let long = Buf::from(vec![7; 5000]);
        let place = long.as_ptr();
        outbox.put(long, 9000).unwrap();
        assert_eq!(outbox.take().unwrap().as_ptr(), place);
    }

    #[test]
    fn what_others_lent_is_not_kept() {
        let home = std::sync::Arc::new(crate::Home::new(Spare::SMALL));
        let mut spare = Spare::default();
        spare.give_back(Buf::lent(vec![0; Spare::SMALL], home.clone()));
        assert_eq!(home.take_back().len(), 1);
        assert!(spare.kept[0].is_empty());
    }

    #[test]
    fn an_empty_outbox_holds_no_memory() {
        let (mut outbox, mut spare) = (Outbox::new(), Spare::default());
        outbox.push(b"abc", 100, &mut spare);
        let piece = outbox.take().unwrap();
        outbox.settle(piece, 3, &mut spare);
        assert_eq!(outbox.gathering.spare_len() + outbox.rest.spare_len(), 0);
        assert_eq!(spare.kept[0].len(), 1);
    }
}
