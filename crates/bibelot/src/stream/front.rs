//! The front: the bytes that a stream has taken out of its inbox and that nobody has consumed yet.
//!
//! It is one buffer, so that it can be lent as a slice. A buffer that arrives while the front is empty
//! becomes the front without a copy; one that arrives behind unread bytes is copied behind them, into the
//! room that the front has, or with it into a larger one. A front without bytes holds no memory.

use bibelot_reactor::Buf;

/// How long a line may be without a word from the user.
const LINE_MAX: usize = 64 * 1024;

/// What has arrived and is still to be read.
#[derive(Debug)]
pub struct Front {
    buf: Buf,
    has_ended: bool,
    /// The longest line, its end included.
    pub(crate) line_max: usize,
}

impl Front {
    /// Nothing, of a stream that goes on.
    pub(crate) fn new() -> Self {
        Self {
            buf: Buf::default(),
            has_ended: false,
            line_max: LINE_MAX,
        }
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buf
    }

    pub(crate) fn len(&self) -> usize {
        self.buf.len()
    }

    /// Whether nothing will come behind these bytes.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Notes that nothing will come any more.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
    }

    /// Puts what has arrived behind the rest.
    pub(crate) fn put(&mut self, arrived: Buf) {
        if self.buf.is_empty() {
            self.buf = arrived;
            return;
        }
        if self.buf.spare_len() < arrived.len() {
            let needed = self.buf.len() + arrived.len();
            // Twice as much as is needed, so that a long record is copied a few times only.
            let mut larger = Buf::with_capacity(needed.saturating_mul(2));
            larger.push(&self.buf);
            self.buf = larger;
        }
        self.buf.push(&arrived);
    }

    /// Takes `count` bytes off the front.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[track_caller]
    pub(crate) fn consume(&mut self, count: usize) {
        self.buf.consume(count);
        if self.buf.is_empty() {
            self.buf = Buf::default();
        }
    }

    /// Takes all bytes out as they lie.
    pub(crate) fn take(&mut self) -> Buf {
        std::mem::take(&mut self.buf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buf(bytes: &[u8]) -> Buf {
        Buf::from(bytes.to_vec())
    }

    #[test]
    fn what_arrives_first_is_not_copied() {
        let mut front = Front::new();
        let arrived = buf(b"abc");
        let place = arrived.as_ptr();
        front.put(arrived);
        assert_eq!(front.bytes().as_ptr(), place);
    }

    #[test]
    fn what_arrives_later_lies_behind_the_rest() {
        let mut front = Front::new();
        let mut whole = Vec::new();
        for n in 0..200_u8 {
            let piece = vec![n; usize::from(n) + 1];
            front.put(buf(&piece));
            whole.extend(piece);
            if n % 3 == 0 {
                front.consume(2.min(front.len()));
                whole.drain(..2.min(whole.len()));
            }
        }
        assert_eq!(front.bytes(), whole);
    }

    #[test]
    fn a_front_without_bytes_holds_no_memory() {
        let mut front = Front::new();
        front.put(buf(b"abc"));
        front.consume(3);
        assert_eq!(front.buf.spare_len(), 0);
        assert_eq!(front.take().len(), 0);
    }
}
