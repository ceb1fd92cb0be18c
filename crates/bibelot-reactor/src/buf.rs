//! The buffer: owned bytes that an operation may fill or send.
//!
//! A `Buf` owns initialised memory on the heap that never moves, and a window on it: what lies in the
//! window is data, what lies behind it is spare room. Reading consumes from the window's front;
//! receiving extends its back. A buffer may have a home, the pool it was lent from: dropped, its
//! memory goes back there, from any thread, and if the pool is gone it is simply freed.
//!
//! # Invariants
//!
//! - `start <= end <= memory.len()`, and all of `memory` is initialised.
//! - The address of the memory is the same from creation to drop, however the `Buf` moves.

use std::fmt;
use std::mem;
use std::ops::Deref;
use std::sync::Arc;

use crate::pool::Home;

/// Owned bytes on their way to or from the world.
#[derive(Default)]
pub struct Buf {
    memory: Vec<u8>,
    start: usize,
    end: usize,
    home: Option<Arc<Home>>,
}

impl Buf {
    /// An empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            memory: vec![0; capacity],
            start: 0,
            end: 0,
            home: None,
        }
    }

    /// An empty buffer on memory lent by `home`, which gets it back when the buffer is dropped.
    #[must_use]
    pub fn lent(memory: Vec<u8>, home: Arc<Home>) -> Self {
        Self {
            memory,
            start: 0,
            end: 0,
            home: Some(home),
        }
    }

    /// Whether its memory goes back to a home.
    #[must_use]
    pub fn is_lent(&self) -> bool {
        self.home.is_some()
    }

    /// How many bytes of data it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether it holds no data.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How many bytes fit behind the data.
    #[must_use]
    pub fn spare_len(&self) -> usize {
        self.memory.len() - self.end
    }

    /// The room behind the data, for a receiver to write into; count them in with
    /// [`extend`](Self::extend).
    #[must_use]
    pub fn spare_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.end..]
    }

    /// Counts the first `count` spare bytes as data.
    ///
    /// # Panics
    ///
    /// If there are fewer than `count` spare bytes.
    pub fn extend(&mut self, count: usize) {
        assert!(
            count <= self.spare_len(),
            "{count} bytes written into {} spare",
            self.spare_len()
        );
        self.end += count;
    }

    /// Copies as much of `bytes` behind the data as fits, and says how much that was.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.spare_len());
        self.spare_mut()[..count].copy_from_slice(&bytes[..count]);
        self.extend(count);
        count
    }

    /// Takes `count` bytes off the front.
    ///
    /// # Panics
    ///
    /// If it holds fewer than `count` bytes.
    pub fn consume(&mut self, count: usize) {
        assert!(
            count <= self.len(),
            "{count} bytes consumed of {}",
            self.len()
        );
        self.start += count;
    }

    /// Forgets the data, so that all memory is spare again.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// The data as a vector of its own; the memory stays with it if the buffer has no home.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        if self.home.is_some() {
            return self.to_vec();
        }
        let mut memory = mem::take(&mut self.memory);
        memory.truncate(self.end);
        memory.drain(..self.start);
        self.clear();
        memory
    }
}

impl From<Vec<u8>> for Buf {
    /// A buffer whose data is all of `memory`.
    fn from(memory: Vec<u8>) -> Self {
        let end = memory.len();
        Self {
            memory,
            start: 0,
            end,
            home: None,
        }
    }
}

impl Deref for Buf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }
}

impl Drop for Buf {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.give_back(mem::take(&mut self.memory));
        }
    }
}

impl fmt::Debug for Buf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buf")
            .field("len", &self.len())
            .field("spare", &self.spare_len())
            .field("lent", &self.home.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_enters_behind_and_leaves_in_front() {
        let mut buf = Buf::with_capacity(4);
        assert_eq!(buf.push(b"abcdef"), 4);
        buf.consume(1);
        assert_eq!(&*buf, b"bcd");
        assert_eq!(buf.spare_len(), 0);
        assert_eq!(buf.into_vec(), b"bcd");
    }

    #[test]
    fn the_memory_stays_where_it_is_while_the_buffer_moves() {
        let mut buf = Buf::with_capacity(16);
        let before = buf.spare_mut().as_ptr();
        let mut moved = Box::new(buf);
        assert_eq!(moved.spare_mut().as_ptr(), before);
    }

    #[test]
    fn a_lent_buffer_goes_home_from_another_thread_too() {
        let home = Arc::new(Home::new(8));
        let mut buf = Buf::lent(vec![0; 8], home.clone());
        buf.push(b"x");
        std::thread::spawn(move || drop(buf)).join().unwrap();
        assert_eq!(home.take_back().len(), 1);
    }

    #[test]
    #[should_panic(expected = "5 bytes consumed of 2")]
    fn consuming_more_than_there_is_panics() {
        Buf::from(b"ab".to_vec()).consume(5);
    }
}
